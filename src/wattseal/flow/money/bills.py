"""Bills as documents: by account and time, by transaction, and by the time they were made."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from wattseal.flow.documents import put, read, removal
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.rules.invoicing import wants_credit, wants_invoice
from wattseal.rules.rollup import listed_bill

BILL = "bill"
"""Document kind: a bill, by its transaction's id."""
BILL_OF_ACCOUNT, BILL_TIME = "bill_of_account", "bill_time"
"""Kinds of the documents that only point to a bill: by account and end of the session, and by when it was billed."""
BILL_OF_EVIDENCE = "bill_of_evidence"
"""Kind of the documents that say which bill is of an evidence hash, by that in hex."""
BILL_OPEN = "bill_open"
"""Kind of the documents of bills that are to go on an invoice or a credit note, by account and end of the session."""
LATEST_MS = 10**15 - 1
PAGE = 500


@dataclass(frozen=True, slots=True)
class Pointer:
    """Document: where a bill is."""

    bill: str


def put_bill(bill: Bill, now_ms: int) -> tuple[Put, ...]:
    """Return the documents of a bill, to be committed with its posting."""
    pointer, station = Pointer(bill.id), bill.station_id
    place = f"{bill.account}/{bill.ended_ms:015d}-{bill.id}"
    is_open = wants_invoice(bill) or wants_credit(bill)
    return (
        put(BILL_OPEN, place, pointer, now_ms, station_id=station) if is_open else removal(BILL_OPEN, place, now_ms),
        put(BILL, bill.id, bill, now_ms, station_id=station),
        put(BILL_OF_ACCOUNT, place, pointer, now_ms, station_id=station),
        put(BILL_OF_EVIDENCE, bill.evidence, pointer, now_ms, station_id=station),
        put(BILL_TIME, f"{bill.billed_ms:015d}-{bill.id}", pointer, now_ms, station_id=station),
    )


def keep_bill(step: Step, bill: Bill) -> None:
    """Put a bill's documents into a step, and its amounts into lists and sums."""
    step.puts.extend(put_bill(bill, step.now_ms))
    step.bills.append(listed_bill(bill))


async def bill_of(world: World, bill_id: str) -> Bill | None:
    """Return a bill by its id; a transaction's first one has the transaction's."""
    document = await world.journal.document(world.tenant, BILL, bill_id)
    return None if document is None else read(document, Bill)


async def billed_evidence(world: World, evidence: bytes) -> bool:
    """Return whether a bill is of this evidence hash."""
    return await world.journal.document(world.tenant, BILL_OF_EVIDENCE, evidence.hex()) is not None


async def bill_in_force(world: World, transaction_id: str) -> Bill | None:
    """Return the bill of a transaction that stands: the last one that took the place of another, or the first."""
    found = await bill_of(world, transaction_id)
    number = 1
    while found is not None and (later := await bill_of(world, f"{transaction_id}-{number}")) is not None:
        found, number = later, number + 1
    return found


async def bills_of_account(world: World, account: str, from_ms: int = 0, to_ms: int = LATEST_MS) -> AsyncIterator[Bill]:
    """Yield an account's bills of sessions that ended from `from_ms` on and before `to_ms`, in that order."""
    async for bill in _between(world, BILL_OF_ACCOUNT, f"{account}/", from_ms, to_ms):
        yield bill


async def all_bills(world: World, from_ms: int = 0, to_ms: int = LATEST_MS) -> AsyncIterator[Bill]:
    """Yield the bills made from `from_ms` on and before `to_ms`, in that order."""
    async for bill in _between(world, BILL_TIME, "", from_ms, to_ms):
        yield bill


async def _between(world: World, kind: str, prefix: str, from_ms: int, to_ms: int) -> AsyncIterator[Bill]:
    after, end = f"{prefix}{from_ms:015d}", f"{prefix}{to_ms:015d}"
    while page := await world.journal.documents(world.tenant, kind, after=after, limit=PAGE):
        for document in page:
            if document.key >= end:
                return
            bill = await bill_of(world, read(document, Pointer).bill)
            if bill is not None:
                yield bill
        after = page[-1].key
