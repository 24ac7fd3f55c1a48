"""Paying on the spot, without an account: pay, charge, and only what was charged is taken.

What is authorised is a claim on the provider and stands on an account of this one charge, so that the charge is held,
billed and posted like any other. A token that nobody is told starts it, at this EVSE only. With the bill exactly its
total is captured; where nothing is charged, or nothing is to be paid, all is released.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from wattseal.base.errors import InputError, WattsealError
from wattseal.base.ids import StationId
from wattseal.flow.charges.transaction_list import TransactionQuery, find_transactions
from wattseal.flow.claims import claimed
from wattseal.flow.commands import Declined, Done, Queued, Unanswered, find_station
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.drivers.known_tokens import token_of
from wattseal.flow.fleet.enrol import put_a_token
from wattseal.flow.money.accounts import account_of, balance_of, change_account, put_account
from wattseal.flow.money.bills import bill_of
from wattseal.flow.money.payments import (
    PAYMENT_ID_BYTES,
    Wanted,
    begin,
    cancel,
    capture,
    change,
    is_open,
    open_payments,
    wait,
)
from wattseal.flow.money.tariffs import tariff_by_record, tariff_for
from wattseal.flow.ramp import Passing
from wattseal.flow.verbs import Ask, Start, remote_start
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind, AccountStatus
from wattseal.model.billing import Bill
from wattseal.model.payment import Act, Payment, PaymentState, Purpose, Spot
from wattseal.model.principal import Principal
from wattseal.model.tariff import Tariff
from wattseal.model.token import AllowedAt, IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.charge_posting import minor

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
TOKEN_LENGTH = 20
"""What fits a 1.6 idTag: 100 random bits."""
TOKEN_TYPE = "Central"  # noqa: S105 - a type of token, no secret
START_PAUSE_MS, LOOK_PAUSE_MS = 20_000, 3_000
BY = "payments"


class NotPayableError(InputError):
    """Nobody can pay here now; the code says why."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What paying at an EVSE means now: the tariff that applies, and what is authorised beforehand."""

    station_id: str
    evse_id: int
    tariff: Tariff
    amount: Decimal


async def offer(world: World, station_id: str, evse_id: int) -> Offer:
    """Return what is offered at an EVSE.

    Codes of the `NotPayableError`: `not_offered` (payments on the spot are off, or there is no price), `no_such_place`,
    `offline`, `charging` (the EVSE is in use), `being_paid` (somebody else is paying here just now).
    """
    amount = world.settings.payments.ad_hoc
    if amount is None or world.settings.payments.provider is None:
        raise NotPayableError("this operator takes no payments on the spot", code="not_offered", subject="ad_hoc")
    try:
        memory = await find_station(world, StationId(station_id))
    except InputError as error:
        text = "there is no such charging point"
        raise NotPayableError(text, code="no_such_place", subject="station") from error
    station = memory.station
    if evse_id not in {evse.id for evse in station.evses} | memory.statuses.keys() - {0}:
        raise NotPayableError("there is no such charging point", code="no_such_place", subject="evse")
    current = await tariff_for(world, station, None, world.now_ms())
    tariff = None if current is None else await tariff_by_record(world, current.record)
    if tariff is None:
        raise NotPayableError("there is no price in force here", code="not_offered", subject="tariff")
    if world.lines.version(StationId(station.id)) is None:
        raise NotPayableError("the station cannot be reached at present", code="offline", subject="station")
    if any(live.transaction.place in {0, evse_id} for live in memory.live.values()):
        raise NotPayableError("somebody is charging here", code="charging", subject="evse")
    if await _paid_for(world, station.id, evse_id):
        raise NotPayableError("somebody is paying here just now", code="being_paid", subject="evse")
    return Offer(station.id, evse_id, tariff, amount)


async def _paid_for(world: World, station_id: str, evse_id: int) -> bool:
    if _place(station_id, evse_id) in world.deciding:
        return True
    for payment in (await open_payments(world)).values():
        spot = payment.spot
        if spot is None or (spot.station_id, spot.evse_id) != (station_id, evse_id):
            continue
        if is_open(payment) and spot.transaction is None and payment.state is not PaymentState.CANCEL_UNKNOWN:
            return True
    return False


def _place(station_id: str, evse_id: int) -> str:
    return f"paying at {station_id}/{evse_id}"


async def pay_here(world: World, station_id: str, evse_id: int, *, method: str | None = None) -> Payment:
    """Begin a payment for a charge at an EVSE; one at a time there. `method` is an app's handle with the provider."""
    offered = await offer(world, station_id, evse_id)
    key = _place(offered.station_id, evse_id)
    with claimed(world, (key,)) as mine:
        if not mine:
            raise NotPayableError("somebody is paying here just now", code="being_paid", subject="evse")
        currency = offered.tariff.currency
        account = world.random.bytes(PAYMENT_ID_BYTES).hex()
        spot = Spot(offered.station_id, evse_id)
        wanted = Wanted(Purpose.AD_HOC, account, currency, minor(offered.amount, currency), spot, method)
        return await begin(world, wanted)


async def attend(world: World, payment: Payment) -> Payment:
    """Do what is next for an authorised payment on the spot: have it start, see how it goes, take what it came to."""
    spot = payment.spot
    if spot is None:
        return await cancel(world, payment.id)
    if not spot.token:
        payment = await _prepared(world, payment)
        spot = payment.spot or spot
    if spot.transaction is not None:
        return await _follow(world, payment, spot.transaction)
    await _equip(world, payment, spot)
    begun = await _begun(world, payment, spot)
    if begun is not None:
        started = replace(spot, transaction=begun)
        _, after = await change(world, payment.id, Act.STARTED, lambda p: _with(p, started))
        return after
    if world.now_ms() >= spot.until_ms:
        await _retire(world, payment, spot)
        return await cancel(world, payment.id)
    return await _ask_to_start(world, payment, spot)


async def _prepared(world: World, payment: Payment) -> Payment:
    """Draw the token, once: it is durable before anything is done with it."""
    drawn = "".join(ALPHABET[byte % len(ALPHABET)] for byte in world.random.bytes(TOKEN_LENGTH))
    until_ms = world.now_ms() + 1000 * world.settings.payments.start_within_s

    def apply(found: Payment) -> Payment | None:
        spot = found.spot
        return (
            None if spot is None or spot.token else replace(found, spot=replace(spot, token=drawn, until_ms=until_ms))
        )

    _, after = await change(world, payment.id, Act.PREPARED, apply)
    return after


def _with(payment: Payment, spot: Spot) -> Payment | None:
    if payment.state is not PaymentState.AUTHORISED:
        return None
    return replace(payment, spot=spot)


async def _equip(world: World, payment: Payment, spot: Spot) -> None:
    """Open the account and enrol the token, where that has not been done."""
    if await account_of(world, payment.account) is None:
        account = Account(payment.account, AccountKind.AD_HOC, payment.currency, Decimal(0), opened_ms=world.now_ms())
        await put_account(world, account, BY)
    id_token = IdToken(spot.token, TOKEN_TYPE)
    if await token_of(world, id_token.key()) is None:
        expires_at = datetime.fromtimestamp(spot.until_ms / 1000, UTC) + timedelta(minutes=1)
        places = (AllowedAt(spot.station_id, (spot.evse_id,)),)
        token = TokenRecord(
            id_token, TokenStatus.ACCEPTED, expires_at=expires_at, evses=places, account=payment.account
        )
        await put_a_token(world, token)


async def _begun(world: World, payment: Payment, spot: Spot) -> str | None:
    """Return the charge that the token began, by our id."""
    key = IdToken(spot.token, TOKEN_TYPE).key()
    memory = await find_station(world, StationId(spot.station_id))
    for live in (*memory.live.values(), *memory.ended.values()):
        if live.token == key:
            return live.transaction.id
    query = TransactionQuery(limit=1, stations=(memory.station.id,), since_ms=payment.created_ms, id_token=spot.token)
    found, _ = await find_transactions(world, query)
    return found[0].id if found else None


async def _ask_to_start(world: World, payment: Payment, spot: Spot) -> Payment:
    """Ask the station to start, and again where it would not, until the time is over."""
    now_ms = world.now_ms()
    if spot.start == "Accepted" or now_ms - spot.asked_ms < START_PAUSE_MS:
        return wait(world, payment, 1000)
    who = Principal(world.tenant, BY, frozenset(), frozenset({"*"}))
    start = Start(spot.token, TOKEN_TYPE, spot.evse_id)
    try:
        outcome, _ = await remote_start(Ask(world, who, StationId(spot.station_id), passing=Passing.AT_ONCE), start)
    except WattsealError as error:
        told = error.code
    else:
        match outcome:
            case Done():
                told = str(getattr(outcome.answer, "status", "answered"))
            case Declined():
                told = outcome.code
            case Unanswered():
                told = outcome.reason
            case Queued():
                told = "queued"

    def apply(found: Payment) -> Payment | None:
        if found.spot is None or found.state is not PaymentState.AUTHORISED:
            return None
        return replace(found, spot=replace(found.spot, asked_ms=now_ms, start=told[:32]))

    _, after = await change(world, payment.id, Act.PREPARED, apply)
    return wait(world, after, 1000)


async def _follow(world: World, payment: Payment, transaction_id: str) -> Payment:
    """Wait for the bill, then capture it; release all where the charge is free."""
    memory = None if payment.spot is None else world.stations.get(StationId(payment.spot.station_id))
    if memory is not None and any(live.transaction.id == transaction_id for live in memory.live.values()):
        return wait(world, payment, LOOK_PAUSE_MS)
    bill = await bill_of(world, transaction_id)
    if bill is not None:
        await _retire(world, payment, payment.spot)
        amount = payable(bill)
        return await (capture(world, payment.id, amount) if amount > 0 else cancel(world, payment.id))
    document = await world.journal.document(world.tenant, TRANSACTION, transaction_id)
    transaction = None if document is None else read(document, Transaction)
    if transaction is not None and not transaction.active and transaction.billing is Billing.FREE:
        await _retire(world, payment, payment.spot)
        return await cancel(world, payment.id)
    return wait(world, payment, LOOK_PAUSE_MS)


def payable(bill: Bill) -> int:
    """Return what a bill comes to in minor units, taxes included."""
    total = bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax
    return minor(total, bill.currency)


async def on_billed(world: World, bill: Bill) -> None:
    """Have the payment of a charge that was just billed looked at now, where there is one."""
    for payment in (await open_payments(world)).values():
        if payment.account == bill.account and payment.state is PaymentState.AUTHORISED:
            wait(world, payment, 0)


async def _retire(world: World, payment: Payment, spot: Spot | None) -> None:
    """Let the token start nothing any more, and nothing be charged on its account."""
    token = None if spot is None else await token_of(world, IdToken(spot.token, TOKEN_TYPE).key())
    if token is not None and token.status is TokenStatus.ACCEPTED:
        await put_a_token(world, replace(token, status=TokenStatus.EXPIRED))
    account = await account_of(world, payment.account)
    if account is not None and account.status is AccountStatus.OPEN:
        await change_account(world, payment.account, BY, status=AccountStatus.BLOCKED)


async def close(world: World, payment: Payment) -> None:
    """Close the account of a payment that is over; one on which something is left or owed stays blocked."""
    if payment.purpose is not Purpose.AD_HOC:
        return
    await _retire(world, payment, payment.spot)
    account = await account_of(world, payment.account)
    if account is None or account.status is AccountStatus.CLOSED or any(await balance_of(world, account)):
        return
    await change_account(world, payment.account, BY, status=AccountStatus.CLOSED)
