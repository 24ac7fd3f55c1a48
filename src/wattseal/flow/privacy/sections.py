"""The sections of an export: what of each is the account's, row by row. Each can be walked more than once."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from wattseal.flow.charges.payments import PAYMENT as TERMINAL_PAYMENT
from wattseal.flow.charges.payments import Payment as TerminalPayment
from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.documents import every_document, read
from wattseal.flow.drivers.reservations import RESERVATION
from wattseal.flow.limits.batteries import SWAP, Swap
from wattseal.flow.limits.needs import NEEDS, KeptNeeds
from wattseal.flow.limits.store import PRIORITY, Priority
from wattseal.flow.money.bills import BILL, bills_of_account
from wattseal.flow.money.bookkeeping import all_postings
from wattseal.flow.money.disputes import DISPUTE
from wattseal.flow.money.held import HOLD
from wattseal.flow.money.holds import BY_HAND
from wattseal.flow.money.invoice_list import INVOICE, invoices_of_account
from wattseal.flow.money.payments import (
    PAYMENT,
    PAYMENT_FINDING,
    PAYMENT_OF_ACCOUNT,
    PaymentFinding,
    PaymentId,
    payment_of,
)
from wattseal.flow.money.receipts import known_receipt
from wattseal.flow.ports import KeptPosting
from wattseal.flow.privacy.account_history import history
from wattseal.flow.privacy.finding import Belongings, holds_on
from wattseal.flow.privacy.plain import Row, plain
from wattseal.flow.privacy.sessions import session_row
from wattseal.flow.world import World
from wattseal.model.account import AccountKind
from wattseal.model.dispute import Dispute
from wattseal.model.ledger import Posting
from wattseal.model.reservation import Reservation
from wattseal.model.token import TokenStatus, canonical
from wattseal.rules import chart
from wattseal.rules.bookkeeping import MANUAL_KEY
from wattseal.rules.charge_posting import REVERSAL_KEY
from wattseal.rules.holding import in_units

SOMEBODY = "another account"


@dataclass(slots=True)
class Inside:
    """What sections are made of. `evidence` says of a session why it has no file, `files` of an invoice."""

    world: World
    mine: Belongings
    evidence: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


Rows = AsyncIterator[Row]


async def _cards(inside: Inside) -> Rows:
    """Yield the cards; a token of one use that still starts a charge paid on the spot is a secret, and no card."""
    once = inside.mine.account.kind is AccountKind.AD_HOC
    for card in inside.mine.cards:
        if not (once and card.status is TokenStatus.ACCEPTED):
            yield plain("token", card)


async def _sessions(inside: Inside) -> Rows:
    for _, session in inside.mine.sessions:
        missing = inside.evidence.get(session)
        row = await session_row(inside.world, session, f"evidence/{session}.wsb" if missing is None else missing)
        if row is not None:
            yield row


async def _bills(inside: Inside) -> Rows:
    async for bill in bills_of_account(inside.world, inside.mine.account.id):
        yield plain(BILL, bill) | {"receipt": await known_receipt(inside.world, bill.id)}


async def _holds(inside: Inside) -> Rows:
    async for held in holds_on(inside.world, inside.mine.account):
        yield plain(HOLD, held)


async def _ledger(inside: Inside) -> Rows:
    account = inside.mine.account.id
    own = {chart.customer(account), chart.held(account)}
    balance: dict[str, int] = {}
    async for kept in all_postings(inside.world, chart.customer(account)):
        yield _posting(kept, own, balance)


def _posting(kept: KeptPosting, own: set[str], balance: dict[str, int]) -> Row:
    """Return a posting with what it moved and what there was then, holds included; others' accounts have no name."""
    posting = kept.posting
    mine = [t for t in posting.transfers if own & {t.debit, t.credit}]
    amount = sum(t.amount * ((t.credit in own) - (t.debit in own)) for t in mine)
    balance[posting.currency] = balance.get(posting.currency, 0) + amount
    told = msgspec.to_builtins(posting) | {
        "memo": _memo(posting),
        "transfers": [
            {"debit": _named(t.debit, own), "credit": _named(t.credit, own), "amount": t.amount} for t in mine
        ],
        "amount": format(in_units(amount, posting.currency), "f"),
        "balance": format(in_units(balance[posting.currency], posting.currency), "f"),
    }
    return {"number": kept.number, **told}


def _memo(posting: Posting) -> str:
    """Return why it was posted, without who of the staff did so."""
    if posting.key.removeprefix(REVERSAL_KEY).startswith(MANUAL_KEY):
        return posting.memo.partition(": ")[2]
    return posting.memo.partition(": ")[0] if posting.memo.startswith(BY_HAND) else posting.memo


def _named(place: str, own: set[str]) -> str:
    somebody = place.startswith((chart.customer(""), chart.held("")))
    return SOMEBODY if somebody and place not in own else place


async def _invoices(inside: Inside) -> Rows:
    async for issued in invoices_of_account(inside.world, inside.mine.account.id):
        yield plain(INVOICE, issued) | {"files": inside.files.get(issued.number, "invoices/")}


async def _payments(inside: Inside) -> Rows:
    async for payment_id in _payment_ids(inside):
        payment = await payment_of(inside.world, payment_id)
        if payment is not None:
            yield plain(PAYMENT, payment) | {"has_method": payment.method is not None}


async def _payment_ids(inside: Inside) -> AsyncIterator[str]:
    prefix, world = f"{inside.mine.account.id}/", inside.world
    after = prefix
    while page := await world.journal.documents(world.tenant, PAYMENT_OF_ACCOUNT, after=after, limit=500):
        for document in page:
            if not document.key.startswith(prefix):
                return
            yield read(document, PaymentId).id
        after = page[-1].key


async def _payment_findings(inside: Inside) -> Rows:
    ids = {one async for one in _payment_ids(inside)}
    async for document in _every(inside, PAYMENT_FINDING):
        found = read(document, PaymentFinding)
        if found.payment in ids:
            yield plain(PAYMENT_FINDING, found)


async def _disputes(inside: Inside) -> Rows:
    async for document in _every(inside, DISPUTE):
        found = read(document, Dispute)
        if found.transaction in inside.mine.ids:
            yield plain(DISPUTE, found)


async def _reservations(inside: Inside) -> Rows:
    """Yield what was reserved with one of the cards, while it was the account's or for one of its sessions."""
    mine = inside.mine
    async for document in _every(inside, RESERVATION):
        found = read(document, Reservation)
        card = found.id_token.key()
        if mine.had(card, found.requested_ms) or (card in mine.since and found.transaction in mine.ids):
            yield plain(RESERVATION, found)


async def _swaps(inside: Inside) -> Rows:
    async for document in _every(inside, SWAP):
        found = read(document, Swap)
        if inside.mine.had(canonical(found.id_token), found.at_ms):
            yield plain(SWAP, found)


async def _commands(inside: Inside) -> Rows:
    """Yield the commands whose payload holds one of the cards, without the payload."""
    async for document in _every(inside, COMMAND):
        found = read(document, CommandKept)
        named = _texts(msgspec.json.decode(found.payload))
        if any(inside.mine.had(card, found.asked_at_ms) for card in named):
            yield plain(COMMAND, found)


def _texts(value: object) -> list[str]:
    """Return every text in a value of JSON, as cards are looked up."""
    match value:
        case str():
            return [canonical(value)]
        case dict():
            return [text for child in value.values() for text in _texts(child)]
        case list():
            return [text for child in value for text in _texts(child)]
        case _:
            return []


def _every(inside: Inside, kind: str) -> AsyncIterator[Any]:
    return every_document(inside.world.journal, inside.world.tenant, kind)


async def _history(inside: Inside) -> Rows:
    async for row in history(inside.world, inside.mine.account.id):
        yield row


class _OfSession(Protocol):
    """What a station told of one of its transactions, under its own number."""

    @property
    def station_id(self) -> str: ...

    @property
    def transaction_id(self) -> str | None: ...


def _of_sessions(kind: str, shape: type[_OfSession]) -> Callable[[Inside], Rows]:
    """Return what yields the documents of a kind that are about one of the account's sessions."""

    async def rows(inside: Inside) -> Rows:
        async for document in _every(inside, kind):
            found = read(document, shape)
            if inside.mine.took(found.station_id, found.transaction_id):
                yield plain(kind, found)

    return rows


SECTIONS: Mapping[str, Callable[[Inside], Rows]] = {
    "cards": _cards,
    "sessions": _sessions,
    "bills": _bills,
    "holds": _holds,
    "ledger": _ledger,
    "invoices": _invoices,
    "payments": _payments,
    "payment_findings": _payment_findings,
    "terminal_payments": _of_sessions(TERMINAL_PAYMENT, TerminalPayment),
    "disputes": _disputes,
    "reservations": _reservations,
    "vehicle_needs": _of_sessions(NEEDS, KeptNeeds),
    "priority": _of_sessions(PRIORITY, Priority),
    "battery_swaps": _swaps,
    "commands": _commands,
    "history": _history,
}
"""Lists in `data.json`, in this order, beside `account` and `payer`."""
