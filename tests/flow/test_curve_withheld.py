"""The driver's eMSP is not shown the charging curve where nothing depends on it, and checks the price all the same."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.cpo_world import Talker, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.paying import account, paying_world, tariff
from tests.support.proved import Proved, register
from tests.support.worlds import trust

from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome
from wattseal.flow.charges.bundling import assemble
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.model.tariff import PriceComponent, Restrictions, Tariff, TariffElement
from wattseal.pricing.periods import needs_readings
from wattseal.rules.audience import withheld_from_partners
from wattseal.seal.item import Group, Kind


async def bundles(terms: Tariff) -> tuple[Bundle, Bundle]:
    """Return a session's bundle with and without the curve."""
    world = await paying_world()
    await set_tariff(world, terms)
    await register(world)
    await account(world, 100)
    driver = Talker(world, "ST1")
    number = await driver.start("CARD", 1000)
    for step in range(1, 4):
        await driver.meter(number, 1000 + 2000 * step, step * 10)
    await driver.stop(number, 9000)
    (session,) = await transactions(world, "ST1")
    assert isinstance(world.journal, MemoryJournal)
    proofs = Proved(world.journal)
    made = [await assemble(world, proofs, session, billing_party=True, curve=curve) for curve in (True, False)]
    with_curve, without = made
    assert isinstance(with_curve, Bundle)
    assert isinstance(without, Bundle)
    return with_curve, without


def registers(bundle: Bundle) -> int:
    return sum(opening.gid == Group.METER for opening in bundle.openings)


async def test_start_and_end_are_enough_for_a_price_by_energy() -> None:
    with_curve, without = await bundles(tariff())
    assert (registers(with_curve), registers(without)) == (5, 2)
    reports = [check_bundle(each.encode(), trust()) for each in (with_curve, without)]
    assert [(r.verdict, r.grade, r.energy_wh, r.source) for r in reports[:1]] == [
        (r.verdict, r.grade, r.energy_wh, r.source) for r in reports[1:]
    ]
    assert reports[1].verdict is Outcome.VALID


async def test_a_price_that_depends_on_the_readings_shows_them() -> None:
    component = PriceComponent("ENERGY", tariff().elements[0].components[0].price * 2, None, 1)
    night = TariffElement((component,), Restrictions(max_power_kw=Decimal(5)))
    terms = replace(tariff(), elements=(night, *tariff().elements))
    assert needs_readings(terms)
    with_curve, without = await bundles(terms)
    assert registers(with_curve) == registers(without) == 5


@pytest.mark.parametrize("kind", [Kind.STARTED, Kind.ENDED])
def test_bounds_and_signed_readings_are_always_shown(kind: Kind) -> None:
    assert not withheld_from_partners(kind, Group.METER, priced=False, signed=False)
    assert not withheld_from_partners(Kind.READING, Group.METER, priced=False, signed=True)
    assert withheld_from_partners(Kind.READING, Group.METER, priced=False, signed=False)
