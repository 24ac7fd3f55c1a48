"""Rollups: what each session and each bill adds to the sums of its quarter of an hour.

The databases add up the same by triggers (`stores/migrations`); this is what they are held against.
"""

from collections.abc import Iterable
from decimal import Decimal

from wattseal.base.units import MAX_SESSION_WH
from wattseal.model.billing import Bill, BillState
from wattseal.model.rollup import QUARTER_MS, TOGETHER, ListedBill, ListedSession, RollupKey, SessionState
from wattseal.model.transaction import Transaction
from wattseal.rules.charge_posting import minor

LATEST_MS = 10**14
"""Times told from beyond (the year 5138) are taken for this one."""
MAX_SECONDS, MAX_EVSE, MAX_PARTY = 10**8, 10**9, 36
"""What is told beyond is cut: a row of a list keeps no message from being recorded."""
WIDTHS = (1, 4, 96)
"""Sums are kept of a quarter of an hour by station, and of an hour and a day (UTC) of all stations: in quarters.

Those of all stations are kept by party, and of all parties together."""


def listed_session(transaction: Transaction, state: SessionState) -> ListedSession:
    """Return the row of a transaction; `state` is `OPEN` exactly while it is."""
    ended = not transaction.active
    return ListedSession(
        recorded_ms=transaction.recorded_ms,
        id=transaction.id,
        station_id=transaction.station_id,
        evse_id=min(max(0, transaction.place), MAX_EVSE),
        party=_party(transaction.party),
        source=transaction.source.value,
        state=state.value,
        at_ms=_at(transaction.ended_ms or transaction.recorded_ms) if ended else 0,
        energy_mwh=_mwh(transaction.energy_wh) if ended else 0,
        seconds=_seconds(transaction) if ended else 0,
    )


def listed_bill(bill: Bill) -> ListedBill:
    """Return the row of a bill."""
    return ListedBill(
        billed_ms=bill.billed_ms,
        id=bill.id,
        account=bill.account,
        station_id=bill.station_id,
        evse_id=min(max(0, bill.evse_id), MAX_EVSE),
        party=_party(bill.party),
        currency=bill.currency,
        grade=int(bill.grade),
        source=bill.source.value,
        at_ms=_at(bill.ended_ms),
        energy_mwh=_mwh(bill.energy_wh),
        net=sum(minor(part.net, bill.currency) for part in bill.taxes),
        tax=sum(minor(part.tax, bill.currency) for part in bill.taxes),
        reversed=bill.state is BillState.REVERSED,
    )


def _at(ms: int) -> int:
    return min(max(0, ms), LATEST_MS)


def _party(told: str | None) -> str:
    return (told or "").replace("\0", "")[:MAX_PARTY]


def _mwh(energy_wh: Decimal | None) -> int:
    """Return whole mWh; what no vehicle can have taken is told in a wrong unit, and would drown all the rest."""
    if energy_wh is None or not 0 <= energy_wh <= MAX_SESSION_WH:
        return 0
    return int(energy_wh * 1000)


def _seconds(transaction: Transaction) -> int:
    """Return for how long it charged: as the station told (2.x), else from begin to end."""
    if transaction.charging_s is not None:
        return min(max(0, transaction.charging_s), MAX_SECONDS)
    if transaction.ended_ms is None or transaction.started_ms is None:
        return 0
    return min(max(0, transaction.ended_ms - transaction.started_ms) // 1000, MAX_SECONDS)


class Rollups:
    """Sums by key, made anew from rows."""

    def __init__(self, sessions: Iterable[ListedSession] = (), bills: Iterable[ListedBill] = ()) -> None:
        self.sums: dict[RollupKey, tuple[int, ...]] = {}
        for session in sessions:
            self.add_session(session)
        for bill in bills:
            self.add_bill(bill)

    def add_session(self, row: ListedSession) -> None:
        """Add a session; one that is open adds nothing."""
        if row.state == SessionState.OPEN:
            return
        states = (SessionState.PENDING, SessionState.QUARANTINED, SessionState.FREE, SessionState.BILLED)
        counts = tuple(int(row.state == state) for state in states)
        values = (*counts, row.energy_mwh, row.seconds, 0, 0, 0, 0, 0, 0, 0)
        self._add(row, ("", -1, row.source), values)

    def add_bill(self, row: ListedBill) -> None:
        """Add a bill."""
        back = (1, row.net, row.tax, row.energy_mwh) if row.reversed else (0, 0, 0, 0)
        values = (0, 0, 0, 0, row.energy_mwh, 0, 1, row.net, row.tax, *back)
        self._add(row, (row.currency, row.grade, row.source), values)

    def _add(self, row: ListedSession | ListedBill, of: tuple[str, int, str], values: tuple[int, ...]) -> None:
        quarter = row.at_ms // QUARTER_MS
        for width in WIDTHS:
            station, evse_id = (row.station_id, row.evse_id) if width == 1 else ("", 0)
            at = quarter - quarter % width
            self._add_to((width, station, at, evse_id, row.party, *of), values)
            if width > 1:
                self._add_to((width, TOGETHER, at, 0, "", *of), values)

    def _add_to(self, key: RollupKey, values: tuple[int, ...]) -> None:
        known = self.sums.get(key)
        self.sums[key] = values if known is None else tuple(map(int.__add__, known, values))
