"""A bundle is one charge's: the one that is judged is the one that is billed."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from wattseal.bundle import readings
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome
from wattseal.lab.grounds.paper import AT_MS, Authorised, Session
from wattseal.lab.grounds.provider import Provider, provider
from wattseal.lab.null import swapped
from wattseal.rules.settlement import claim_of
from wattseal.seal.fields import SettlementVerdict

LATER_MS = AT_MS + 3_600_000


@dataclass
class Two:
    """A charge of the CPO's own, and after it one of the eMSP's customer at the same EVSE."""

    emsp: Provider
    own: Session
    drivers: Session
    granted: Authorised

    def bundled(self, *sessions: Session) -> Bundle:
        items = tuple(item for session in sessions for item in session.items)
        first = sessions[0]
        others = [self.granted.request, self.granted.decision, self.granted.tariff]
        return self.emsp.paper.bundle(Session(items, first.registers_wh, first.begin_ms, first.subject), others)


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Two]:
    async with provider(tmp_path / "emsp") as emsp:
        own = emsp.paper.session(1000, 81_000, authorised=None)
        granted = await emsp.authorised(begin_ms=LATER_MS)
        drivers = emsp.paper.session(81_000, 82_000, authorised=granted, begin_ms=LATER_MS)
        emsp.clock.follow(LATER_MS + 3_600_000)
        yield Two(emsp, own, drivers, granted)


async def test_a_stretch_that_goes_on_after_its_end_proves_nothing_and_pays_nothing(two: Two) -> None:
    both = two.bundled(two.own, two.drivers)
    failure = two.emsp.paper.judged(both).failure
    assert failure is not None
    assert (failure.number, failure.reason) == (5, "stretch_beyond_the_transaction")
    settlement = await two.emsp.settled(both)
    assert (settlement.verdict, await two.emsp.paid()) == (SettlementVerdict.DISPUTED, Decimal(0))


async def test_control_the_customers_charge_by_itself_is_paid(two: Two) -> None:
    settlement = await two.emsp.settled(two.bundled(two.drivers))
    assert (settlement.verdict, settlement.energy_wh) == (SettlementVerdict.ACCEPTED, Decimal(1000))


async def test_whose_charge_it_is_follows_what_was_judged_and_nothing_behind_it(two: Two) -> None:
    both = two.bundled(two.own, two.drivers)
    assert claim_of(both).subject == two.own.subject.subject
    with swapped(readings, "_goes_beyond", lambda *_: None):
        assert two.emsp.paper.judged(both).verdict is Outcome.VALID, "negative control: the verifier's own check is out"
        settlement = await two.emsp.settled(both)
    assert settlement.reason == "not_authorised_here"
    assert await two.emsp.paid() == 0
