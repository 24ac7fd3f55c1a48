"""A journal as it was before it had rows and sums of sessions and bills, for the tests of each database."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from tests.stores.journal_contract import T1, T2
from tests.support.bills import bill, share

from wattseal.base.ids import StationId, TenantId
from wattseal.flow.documents import put_transaction, put_unbilled
from wattseal.flow.money.bills import put_bill
from wattseal.flow.ports import Batch, Journal, Put, RowsWanted
from wattseal.model.billing import Bill, BillState
from wattseal.model.rollup import SessionState
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Grade, Source
from wattseal.rules.rollup import listed_bill, listed_session

DROPPED = (
    "DROP TABLE sessions",
    "DROP TABLE bills",
    "DROP TABLE rollups",
    "UPDATE alembic_version SET version_num = '0002'",
)
FUNCTIONS = tuple(
    f"DROP FUNCTION wattseal_{table}_{change}"
    for table in ("sessions", "bills")
    for change in ("insert", "update", "delete")
)
"""On PostgreSQL besides."""
BILLS: tuple[Bill, ...] = (
    bill(1, energy_wh="12345.6789"),
    replace(bill(2, share("4.03", "19"), share("1", None)), party="DE*AAA", grade=Grade.G3, source=Source.METER),
    bill(3, share("500", "10"), currency="JPY", energy_wh="2000001", state=BillState.REVERSED),
    bill(4, currency="KWD", day=40),
)


def transactions() -> Iterator[tuple[Transaction, SessionState, bool | None]]:
    """Yield sessions of every state, and whether their document for billing is active; None where they have none."""
    ends = {"ended": "ab" * 32, "ended_ms": 1_793_520_900_123, "end_wh": Decimal("7000.25")}
    begun = {"started": "cd" * 32, "started_ms": 1_793_520_000_000, "start_wh": Decimal(1000)}

    def made(number: int, **told: object) -> Transaction:
        known = {
            "id": f"{number:032x}",
            "station_id": f"ST{number % 2}",
            "recorded_ms": 1_793_520_000_000 + number,
            "evse_id": 1,
        }
        return Transaction(**(known | told))  # type: ignore[arg-type] # as a test spells it

    yield made(1, **begun), SessionState.OPEN, None
    yield made(2, **begun, **ends), SessionState.PENDING, True
    yield made(3, **begun, **ends, source=Source.METER, party="NL*BBB"), SessionState.QUARANTINED, False
    yield made(4, **begun, **ends, charging_s=77, told_evse_id=2), SessionState.FREE, None
    yield made(5, **begun, **(ends | {"end_wh": Decimal(10)})), SessionState.FREE, None
    yield made(6, **(ends | {"ended_ms": None})), SessionState.QUARANTINED, False
    yield (
        made(7, **begun, **(ends | {"ended_ms": -5, "end_wh": Decimal(10**12)}), evse_id=2**40, party="x" * 99),
        SessionState.PENDING,
        True,
    )
    billed = BILLS[0]
    yield made(0, **begun, **ends, id=billed.id), SessionState.BILLED, None


def batches() -> tuple[Batch, Batch]:
    """Return what is written, in two commits: documents, rows and all; a tenant beside has a bill."""
    puts: list[Put] = []
    told = list(transactions())
    for transaction, _, waits in told:
        puts.append(put_transaction(transaction, 1))
        if waits is not None:
            puts.append(put_unbilled(transaction, 1, waits=waits))
    puts.append(Put("transaction", "damaged", 1, b"{", 1, StationId("ST1"), active=True))
    puts.extend(put for one in BILLS for put in put_bill(one, 1))
    rows = tuple(listed_session(transaction, state) for transaction, state, _ in told)
    return (
        Batch(T1, puts=tuple(puts), sessions=rows, bills=tuple(map(listed_bill, BILLS))),
        Batch(T2, puts=put_bill(BILLS[1], 1), bills=(listed_bill(BILLS[1]),)),
    )


Kept = tuple[object, object, object]


async def all_kept(store: Journal, tenant: TenantId) -> Kept:
    """Return every row and every sum."""
    wanted = RowsWanted(limit=1000)
    return (
        await store.sessions(tenant, wanted),
        await store.bills(tenant, wanted),
        await store.all_sums(tenant, None, 5000),
    )
