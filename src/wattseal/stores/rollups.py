"""Rows of sessions and bills, and their sums by time: columns, statements, and how rows are read back.

The sums are kept by triggers (migrations `0003` and `0004`): whatever writes a row of a session or a bill has written
its sums.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import add, sub
from typing import Any, Final

from wattseal.flow.ports import KeptBill, KeptSession, Put, RowsWanted
from wattseal.model.rollup import QUARTER_MS, TOGETHER, ListedBill, ListedSession, RolledUp, RollupKey, SessionState
from wattseal.rules.rollup_spans import hours_and_days, on_hours, quarters

SUM_COLUMNS: Final = (
    *("pending", "quarantined", "free", "billed", "energy_mwh", "seconds", "bills", "net", "tax"),
    *("reversed_bills", "reversed_net", "reversed_tax", "reversed_mwh"),
)
SESSION_COLUMNS: Final = (
    "tenant_id, recorded_ms, id, station_id, evse_id, party, source, state, at_ms, energy_mwh, seconds"
)
"""The columns of a `SessionRow`, in its order."""
BILL_COLUMNS: Final = (
    "tenant_id, billed_ms, id, account, station_id, evse_id, party, currency, grade, source, at_ms, energy_mwh, net, "
    "tax, reversed"
)
"""The columns of a `BillRow`, in its order."""


def _put(columns: str) -> str:
    names = columns.split(", ")
    changed = ", ".join(f"{name} = excluded.{name}" for name in names[3:])
    return f" ON CONFLICT ({', '.join(names[:3])}) DO UPDATE SET {changed}"


PUT_SESSION: Final = _put(SESSION_COLUMNS)
PUT_BILL: Final = _put(BILL_COLUMNS)

_OF_SESSIONS: Final = ("energy_mwh", *SUM_COLUMNS[:4], "seconds")
_OF_BILLS: Final = ("energy_mwh", *SUM_COLUMNS[6:])
_EVERY_STATION: Final = (
    "wanted(station_id) AS (SELECT min(station_id) FROM rollups WHERE tenant_id = $1 AND width = 1 UNION ALL "
    "SELECT (SELECT min(station_id) FROM rollups WHERE tenant_id = $1 AND width = 1 AND station_id > w.station_id) "
    "FROM wanted w WHERE w.station_id IS NOT NULL)"
)
"""Walks from station to station in the key, without reading what is between."""


@dataclass(frozen=True, slots=True)
class SumsQuery:
    """What `Journal.rollups` reads: ranges of sums, each once, however many steps it counts in.

    A line read is (number of its range, currency, grade, source, sums of sessions or of bills). Sums of sessions and of
    bills share but their energy: each is read without what only the other has.
    """

    sql: str
    parameters: list[Any]
    counts: tuple[tuple[tuple[int, int], ...], ...]
    """By range the steps it counts in, each with how many times."""

    def rolled_up(self, lines: Iterable[Sequence[Any]]) -> tuple[RolledUp, ...]:
        """Add up the lines of all ranges by steps."""
        found: dict[tuple[int, Sequence[Any]], Sequence[int]] = {}
        for line in lines:
            whose, sums = line[1:_FIRST], line[_FIRST:]
            for step, sign in self.counts[line[0]]:
                known = found.get((step, whose))
                if known is None and sign > 0:
                    found[step, whose] = sums
                else:
                    found[step, whose] = [*map(add if sign > 0 else sub, known or _ZEROS, sums)]
        return tuple(_rolled_up(step, *whose, *map(int, sums)) for (step, whose), sums in found.items())


_FIRST: Final = 4
_ZEROS: Final = [0] * len(_OF_BILLS)


def _rolled_up(step: int, currency: str, grade: int, source: str, energy_mwh: int, *sums: int) -> RolledUp:
    if currency:
        return RolledUp(step, currency, grade, source, 0, 0, 0, 0, energy_mwh, 0, *sums)
    pending, quarantined, free, billed, seconds, *_ = sums
    return RolledUp(step, currency, grade, source, pending, quarantined, free, billed, energy_mwh, seconds)


def rollups_query(
    tenant: str, bounds_ms: Sequence[int], stations: Sequence[str] | None, parties: Sequence[str] | None
) -> SumsQuery:
    """Return what to ask for `Journal.rollups`."""
    bounds = [bound // QUARTER_MS for bound in bounds_ms]
    parameters: list[Any] = [tenant]
    whole = stations is None and on_hours(bounds)
    counts: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    for step, sign, width, since, until in (hours_and_days if whole else quarters)(bounds):
        counts.setdefault((width, since, until), []).append((step, sign))
    ranges = ", ".join(str((number, *place)) for number, place in enumerate(counts))
    tables = [f"ranges(number, width, since, until) AS (VALUES {ranges})"]
    if stations is not None:
        tables.append(f"wanted(station_id) AS (VALUES {_marks(parameters, stations, '({})')})")
    elif not whole:
        tables.append(_EVERY_STATION)
    of_all = "" if parties else TOGETHER
    station = f"'{of_all}'" if whole else "w.station_id"
    wanted = "" if whole else " CROSS JOIN wanted w"
    rows = (
        f"FROM ranges s{wanted} CROSS JOIN rollups r WHERE r.tenant_id = $1 AND r.width = s.width "
        f"AND r.station_id = {station} AND r.at >= s.since AND r.at < s.until"
    )
    if parties is not None:
        rows += f" AND r.party IN ({_marks(parameters, parties, '{}')})"
    of_sessions, of_bills = (", ".join(f"sum(r.{column})" for column in of) for of in (_OF_SESSIONS, _OF_BILLS))
    sql = (
        f"WITH RECURSIVE {', '.join(tables)} "
        f"SELECT s.number, '', -1, r.source, {of_sessions}, 0, 0 {rows} AND r.currency = '' "
        f"GROUP BY s.number, r.source UNION ALL "
        f"SELECT s.number, r.currency, r.grade, r.source, {of_bills} {rows} AND r.currency <> '' "
        f"GROUP BY s.number, r.currency, r.grade, r.source"
    )
    return SumsQuery(sql, parameters, tuple(map(tuple, counts.values())))


def _marks(parameters: list[Any], values: Sequence[str], each: str) -> str:
    """Add parameters, and return their marks."""
    first = len(parameters) + 1
    parameters.extend(values)
    return ", ".join(each.format(f"${number}") for number in range(first, first + len(values)))


_KEY: Final = "width, station_id, at, evse_id, party, currency, grade, source"
ALL_SUMS: Final = (
    f"SELECT {_KEY}, {', '.join(SUM_COLUMNS)} FROM rollups WHERE tenant_id = $1 "  # noqa: S608 - constants only
    f"AND ({_KEY}) > ($2, $3, $4, $5, $6, $7, $8, $9) ORDER BY {_KEY} LIMIT $10"
)
BEFORE_ALL: Final[RollupKey] = (-1, "", 0, 0, "", "", 0, "")


def kept_sums(row: Sequence[Any]) -> tuple[RollupKey, tuple[int, ...]]:
    """Read a row of `ALL_SUMS`."""
    width, station_id, at, evse_id, party, currency, grade, source, *sums = row
    return (width, station_id, at, evse_id, party, currency, grade, source), tuple(sums)


OPEN: Final = (
    f"SELECT count(*) FROM sessions WHERE tenant_id = $1 AND state = '{SessionState.OPEN}' "  # noqa: S608 - constants only
    f"AND state <> '{SessionState.BILLED}'"
)
ENDED: Final = (
    "SELECT coalesce(sum(pending), 0), coalesce(sum(quarantined), 0), coalesce(sum(free), 0), coalesce(sum(billed), 0) "  # noqa: S608 - constants only
    f"FROM rollups WHERE tenant_id = $1 AND width = 96 AND station_id = '{TOGETHER}'"
)


@dataclass(frozen=True, slots=True)
class _Rows:
    """A table of rows by time, and the kind of their documents."""

    table: str
    columns: str
    time: str
    kind: str


_SESSIONS: Final = _Rows("sessions", SESSION_COLUMNS, "recorded_ms", "transaction")
_BILLS: Final = _Rows("bills", BILL_COLUMNS, "billed_ms", "bill")


def sessions_query(tenant: str, wanted: RowsWanted, index: str = "") -> tuple[str, list[Any]]:
    """Return the statement and parameters for `Journal.sessions`; `index` is what SQLite is told to walk."""
    return _newest(_SESSIONS, tenant, wanted, index)


def bills_query(tenant: str, wanted: RowsWanted) -> tuple[str, list[Any]]:
    """Return the statement and parameters for `Journal.bills`."""
    return _newest(_BILLS, tenant, wanted)


def sessions_index(wanted: RowsWanted) -> str:
    """Return which index leaves the fewest sessions to look at, as SQLite is told; "" for the order of time itself.

    SQLite knows nothing of how many there are of a kind, and would walk all of them.
    """
    if wanted.state in {SessionState.OPEN, SessionState.PENDING, SessionState.QUARANTINED}:
        return " INDEXED BY sessions_state"
    if wanted.station_id is not None:
        return " INDEXED BY sessions_station"
    if wanted.state is SessionState.FREE:
        return " INDEXED BY sessions_state"
    return " INDEXED BY sessions_party" if wanted.party else ""


def _newest(of: _Rows, tenant: str, wanted: RowsWanted, index: str = "") -> tuple[str, list[Any]]:
    parameters: list[Any] = [tenant, *wanted.before, wanted.limit]
    names = ", ".join(f"t.{name}" for name in of.columns.split(", ")[1:])
    document, join = "NULL, NULL, NULL, NULL, NULL", ""
    if wanted.documents:
        document = "d.version, d.body, d.updated_at_ms, d.station_id, d.active"
        join = f"LEFT JOIN documents d ON d.tenant_id = t.tenant_id AND d.kind = '{of.kind}' AND d.key = t.id "
    sql = (
        f"SELECT {names}, {document} FROM {of.table} t{index} {join}"  # noqa: S608 - constants only
        f"WHERE t.tenant_id = $1 AND (t.{of.time}, t.id) < ($2, $3)"
    )
    for condition, value in (
        (f"t.{of.time} >= ", wanted.since_ms),
        ("t.station_id = ", wanted.station_id),
        ("t.evse_id = ", wanted.evse_id),
        ("t.party = ", wanted.party),
        ("t.account = ", wanted.account),
    ):
        if value is not None:
            parameters.append(value)
            sql += f" AND {condition}${len(parameters)}"
    if wanted.party:
        sql += " AND t.party <> ''"
    if wanted.state is not None:
        sql += f" AND t.state = '{SessionState(wanted.state).value}'"
        if wanted.state is not SessionState.BILLED:
            sql += f" AND t.state <> '{SessionState.BILLED}'"
    return f"{sql} ORDER BY t.{of.time} DESC, t.id DESC LIMIT $4", parameters


def kept_session(row: Sequence[Any]) -> KeptSession:
    """Read a row of `sessions_query`."""
    return KeptSession(ListedSession(*row[:10]), _document("transaction", row[1], row[10:]))


def kept_bill(row: Sequence[Any]) -> KeptBill:
    """Read a row of `bills_query`."""
    values = (*row[:13], bool(row[13]))
    return KeptBill(ListedBill(*values), _document("bill", row[1], row[14:]))


def _document(kind: str, key: str, row: Sequence[Any]) -> Put | None:
    version, body, updated_at_ms, station_id, active = row
    if body is None:
        return None
    return Put(kind, key, version, bytes(body), updated_at_ms, station_id, None if active is None else bool(active))
