"""A CPO whose drivers pay from accounts: a tariff of one unit a kWh, money paid in, charges billed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.support.cpo_world import TestClock, enrol, make_world
from tests.support.no_proofs import NoProofs

from wattseal.flow.documents import every_document, put_token, read
from wattseal.flow.money import ledger
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.billing import Biller, Round
from wattseal.flow.money.held import HOLD
from wattseal.flow.money.records import money_ready
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.ports import Batch
from wattseal.flow.settings import Settings
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.model.held import Held
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.model.tariff import PriceComponent, Tariff, TariffElement
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.rules import chart
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.rules.hold_policy import DEFAULT_HOLDS, HoldPolicy

STATIONS = ("ST1", "ST2", "ST3")


def tariff(currency: str = "EUR") -> Tariff:
    component = PriceComponent("ENERGY", Decimal(1), None, 1)
    return Tariff("DE", "CPO", "T1", currency, (TariffElement((component,)),), datetime(2026, 1, 1, tzinfo=UTC))


async def paying_world(policy: HoldPolicy = DEFAULT_HOLDS, currency: str = "EUR") -> World:
    """Return a CPO with stations and a tariff; nobody has an account yet."""
    world = make_world(settings=Settings(billing=BillingPolicy(wait_ms=0, holds=policy)))
    for station in STATIONS:
        await enrol(world, station)
    await set_tariff(world, tariff(currency))
    return world


async def account(
    world: World, units: int = 0, *, limit: int | None = None, currency: str = "EUR", card: str = "CARD"
) -> Account:
    """Open an account, prepaid or with a limit, pay in, and have a card that names it."""
    kind = AccountKind.PREPAID if limit is None else AccountKind.CREDIT
    made = await open_account(world, Account("", kind, currency, Decimal(limit or 0)), "test")
    await pay_in(world, made, units)
    await card_of(world, made, card)
    return made


async def card_of(world: World, made: Account | None, card: str) -> None:
    token = TokenRecord(IdToken(card, "ISO14443"), TokenStatus.ACCEPTED, account=None if made is None else made.id)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(token, 0),)))
    world.tokens.clear()


async def pay_in(world: World, made: Account, units: int) -> None:
    if units:
        await post(world, PostingKind.TOP_UP, made, Transfer(chart.BANK, chart.customer(made.id), units * 100))


async def post(world: World, kind: PostingKind, made: Account, *transfers: Transfer) -> None:
    key = f"{kind}/{world.random.bytes(8).hex()}"
    posting = Posting(key, kind, made.currency, world.now_ms(), transfers)
    await money_ready(world)
    await world.books.ready(made.currency, ledger.accounts_of(posting), (key,))
    step = Step(world, "", world.now_ms())
    assert ledger.post(step, posting)
    await step.commit()


def wait(world: World, seconds: float) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(seconds=seconds)


async def money(world: World, made: Account) -> tuple[int, int]:
    """Return what is on an account and what is held beside it, in minor units, as the journal has it."""
    world.books.forget()
    places = (chart.customer(made.id), chart.held(made.id))
    await world.books.ready(made.currency, places)
    there_is, aside = (world.books.balance(place, made.currency) for place in places)
    return there_is, aside


async def held(world: World) -> list[Held]:
    """Return what is held, for all charges."""
    return [read(d, Held) async for d in every_document(world.journal, world.tenant, HOLD, active=True)]


async def bill(world: World) -> Round:
    """Have all ended charges billed."""
    return await Biller(world, NoProofs()).round()
