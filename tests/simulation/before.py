"""What was there before a storm began: a CPO's keys and settings, stations, tokens, an account with money, a tariff."""

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from tests.simulation.emsp import MSP
from tests.support.bills import GMBH
from tests.support.cpo_world import TestPartners, add_token, make_world
from tests.support.fault_provider import NAME
from tests.support.invoicing import PAYER
from tests.support.money import energy_tariff
from tests.support.paying import card_of, pay_in
from tests.support.proved import register
from tests.support.sealed import EDGE
from tests.support.worlds import trust

from wattseal.flow.documents import put_station
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.money.tariffs import tariff_for
from wattseal.flow.ports import Batch
from wattseal.flow.ports import Journal as JournalPort
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.model.payment import PaymentPolicy
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.token import TokenStatus
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.seal.registry import Entry, Role, Use
from wattseal.wire.ocpp.version import Version

if TYPE_CHECKING:
    from tests.simulation.storm import Storm

V16, V201, V21 = Version
SETTINGS = Settings(billing=BillingPolicy(wait_ms=0))
SELLING = Settings(billing=BillingPolicy(wait_ms=0, entities=(GMBH,)), public_url="https://csms.example")
"""Of a CPO that invoices."""
PLACES: tuple[tuple[Version, tuple[str, ...]], ...] = (
    (V16, ("CARD", "COINS", "NOBODYS", "BLOCKED")),
    (V201, ("CARD", "COINS", "GUEST")),
    (V21, ("GUEST", "COINS", "CARD", "NOBODYS")),
)
"""Stations ST0 and on, by their version, and the tokens held to them."""
PAID_IN = 5000
"""Cent on the account of COINS."""


def made(storm: "Storm", journal: JournalPort, seed: str) -> World:
    """Return a process's world on this journal."""
    settings = SELLING if "office" in storm.weather.actors else SETTINGS
    if "payer" in storm.weather.actors:
        settings = replace(settings, payments=PaymentPolicy(NAME))
    world = make_world(journal, settings, seed=seed)
    world.trust = trust()
    world.clock = storm.clock
    world.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", MSP.public.spki, Use.SIGN, 0))
    world.registry.trust(Entry(1, "CPO/EDGED", Role.EDGE, "SITE", "SITE", EDGE.public.spki, Use.SIGN, 0))
    assert isinstance(world.partners, TestPartners)
    world.partners.parties_by_name["MSP"] = storm.emsp.decide
    return world


def prepare(storm: "Storm") -> None:
    """Set it up."""
    coroutine = _prepared(storm, made(storm, storm.disk, f"{storm.seed}/before"))
    try:
        while True:
            coroutine.send(None)
    except StopIteration:
        return


async def _prepared(storm: "Storm", world: World) -> None:
    await register(world)
    for n in range(len(PLACES)):
        station = Station(id=f"ST{n}", evses=(EvseEnrolment(id=1),))
        await world.journal.commit(Batch(world.tenant, puts=(put_station(station, 0),)))
    await set_tariff(world, energy_tariff())
    prepaid = await open_account(world, Account("", AccountKind.PREPAID, "EUR", Decimal(0)), "test", payer=PAYER)
    await pay_in(world, prepaid, PAID_IN // 100)
    await card_of(world, prepaid, "COINS")
    await add_token(world, "CARD")
    await add_token(world, "BLOCKED", TokenStatus.BLOCKED)
    await add_token(world, "GUEST", party="MSP")
    current = await tariff_for(world, Station(id="ST0"), None, world.now_ms())
    assert current is not None
    for actor in storm.actors:
        await actor.prepare(world)
    storm.account, storm.tariff = prepaid.id, bytes.fromhex(current.record)
