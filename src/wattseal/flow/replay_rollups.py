"""Lists and sums re-proved: rows of sessions as their records have them, of bills as their documents, and the sums.

Where a session stands is told by its documents for billing; bills are held against records by `flow.audit`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

from msgspec.structs import astuple, replace

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.documents import UNBILLED, every_document, read
from wattseal.flow.money.bills import BILL
from wattseal.flow.ports import Journal, RowsWanted
from wattseal.flow.replay import Replayed
from wattseal.model.billing import Bill
from wattseal.model.rollup import TOGETHER, ListedBill, ListedSession, RollupKey, SessionState
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding
from wattseal.rules.rollup import Rollups, listed_bill, listed_session

PAGE = 1000
Row = ListedSession | ListedBill


async def compare_rollups(journal: Journal, tenant: TenantId, replayed: Replayed) -> None:
    """Compare every row and every sum with the one that records and documents give."""
    try:
        sessions = [row async for row in _sessions(journal, tenant)]
        bills = [row async for row in _bills(journal, tenant)]
        _compare(replayed, "session", sessions, await _due_sessions(journal, tenant, replayed.transactions))
        _compare(replayed, "bill", bills, await _due_bills(journal, tenant))
        replayed.findings.extend(await _compare_sums(journal, tenant, Rollups(sessions, bills)))
    except (ArithmeticError, ValueError, TypeError) as error:
        replayed.found("rows_unreadable", "rows of sessions and bills", type(error).__name__)


async def _sessions(journal: Journal, tenant: TenantId) -> AsyncIterator[ListedSession]:
    wanted = RowsWanted(limit=PAGE, documents=False)
    while page := await journal.sessions(tenant, wanted):
        for kept in page:
            yield kept.row
        wanted = RowsWanted(limit=PAGE, documents=False, before=(page[-1].row.recorded_ms, page[-1].row.id))


async def _bills(journal: Journal, tenant: TenantId) -> AsyncIterator[ListedBill]:
    wanted = RowsWanted(limit=PAGE, documents=False)
    while page := await journal.bills(tenant, wanted):
        for kept in page:
            yield kept.row
        wanted = RowsWanted(limit=PAGE, documents=False, before=(page[-1].row.billed_ms, page[-1].row.id))


async def _due_sessions(
    journal: Journal, tenant: TenantId, transactions: Mapping[str, Transaction]
) -> dict[str, ListedSession]:
    waits = {d.key: d.active async for d in every_document(journal, tenant, UNBILLED)}
    billed = {d.key async for d in every_document(journal, tenant, BILL)}
    return {
        t.id: listed_session(t, _state(t, waits=waits.get(t.id), is_billed=t.id in billed))
        for t in transactions.values()
        if t.started or t.ended or t.opened
    }


def _state(transaction: Transaction, *, waits: bool | None, is_billed: bool) -> SessionState:
    if transaction.active:
        return SessionState.OPEN
    if waits is not None:
        return SessionState.PENDING if waits else SessionState.QUARANTINED
    return SessionState.BILLED if is_billed else SessionState.FREE


async def _due_bills(journal: Journal, tenant: TenantId) -> dict[str, ListedBill]:
    found: dict[str, ListedBill] = {}
    async for document in every_document(journal, tenant, BILL):
        try:
            found[document.key] = listed_bill(read(document, Bill))
        except (StoreError, InputError):
            continue  # its row, if it has one, is without a bill that can be read
    return found


def _compare(replayed: Replayed, noun: str, rows: Sequence[Row], due: Mapping[str, Row]) -> None:
    left = dict(due)
    for row in rows:
        where, session, expected = f"{noun} row {row.id}", row.id.partition("-")[0], left.pop(row.id, None)
        if expected is None:
            replayed.found(f"{noun}_row_without_records", where, session=session)
            continue
        if isinstance(expected, ListedSession) and expected.state == SessionState.OPEN:
            expected = replace(expected, evse_id=row.evse_id, party=row.party, source=row.source)
        for name, told, by_records in zip(row.__struct_fields__, astuple(row), astuple(expected), strict=True):
            if told != by_records:
                detail = f"stored {told}, by its records {by_records}"
                replayed.found(f"{noun}_row_differs", f"{where} field {name}", detail, session)
    for missing in left:
        replayed.found(f"{noun}_row_missing", f"{noun} row {missing}", session=missing.partition("-")[0])


async def _compare_sums(journal: Journal, tenant: TenantId, made: Rollups) -> list[Finding]:
    found: list[Finding] = []
    due = {key: values for key, values in made.sums.items() if any(values)}
    after: RollupKey | None = None
    while page := await journal.all_sums(tenant, after, PAGE):
        for key, told in page:
            expected = due.pop(key, (0,) * len(told))
            if told != expected:
                found.append(Finding("sum_differs", _place(key), f"stored {told}, the rows come to {expected}"))
        after = page[-1][0]
    return [*found, *(Finding("sum_missing", _place(key), f"the rows come to {due[key]}") for key in due)]


def _place(key: RollupKey) -> str:
    width, station, quarter, evse_id, party, currency, grade, source = key
    whose = f"station {station} EVSE {evse_id}" if width == 1 else "all stations"
    whom = "every party" if width > 1 and station == TOGETHER else f"party {party or 'none'}"
    of = f"{currency} G{grade}" if currency else "sessions"
    return f"sums of {width} quarters from {quarter}, {whose}, {whom}, {of}, source {source}"
