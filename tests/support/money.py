"""Billing in a world in memory: a tariff, a biller, and what the ledger says."""

from datetime import UTC, datetime
from decimal import Decimal

from tests.support.cpo_world import add_token, enrol, make_world
from tests.support.no_proofs import NoProofs

from wattseal.flow.money.billing import Biller, Round
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.ports import Journal
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.tariff import PriceComponent, Tariff, TariffElement
from wattseal.rules.billing_policy import BillingPolicy

AT_ONCE = Settings(billing=BillingPolicy(wait_ms=0))


def energy_tariff(price: str = "0.50", vat: str | None = "20", currency: str = "EUR", name: str = "T1") -> Tariff:
    percent = None if vat is None else Decimal(vat)
    return Tariff(
        country_code="DE",
        party_id="CPO",
        id=name,
        currency=currency,
        elements=(TariffElement((PriceComponent("ENERGY", Decimal(price), percent, 1),)),),
        last_updated=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def billing_world(
    settings: Settings = AT_ONCE, tariff: Tariff | None = None, journal: Journal | None = None
) -> World:
    """Return a world with a station, a token that nobody pays for by name, and a tariff."""
    world = make_world(journal=journal, settings=settings)
    await enrol(world, "ST1")
    await add_token(world, "CARD")
    await set_tariff(world, tariff or energy_tariff())
    return world


async def bill_all(world: World) -> Round:
    return await Biller(world, NoProofs()).round()


async def balances(world: World) -> dict[str, int]:
    """Return what each account has, in minor units: debits less credits."""
    found = await world.journal.balances(world.tenant, limit=10_000)
    return {balance.account: balance.debits - balance.credits for balance in found}
