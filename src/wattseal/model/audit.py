"""What an audit says: of which period, what its sessions came to, and everything that is wrong."""

from dataclasses import dataclass, field
from decimal import Decimal

from wattseal.model.transaction import Transaction

CLOCK_BELIEVED_MS = 31 * 86_400_000
"""A station's time further than this from ours is not believed."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `from_ms` on and before `to_ms`, Unix milliseconds; a session belongs where it ended."""

    from_ms: int
    to_ms: int

    def has(self, transaction: Transaction) -> bool:
        """Return whether a session is of the period: by its end, where its clock can be believed, else by ours."""
        at, heard = transaction.ended_ms, transaction.recorded_ms
        if at is None or abs(at - heard) > CLOCK_BELIEVED_MS:
            at = heard
        return self.from_ms <= at < self.to_ms


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong: a code, the session (hex; "" where it is about none), and where exactly."""

    code: str
    session: str = ""
    station_id: str = ""
    where: str = ""
    detail: str = ""


@dataclass(slots=True)
class Sum:
    """What one currency came to, in minor units: by the records, and in the ledger; bills taken back count nothing."""

    due: int = 0
    posted: int = 0
    sessions: int = 0


@dataclass(slots=True)
class Audited:
    """What an audit found. `standings` counts sessions by where they stand, `grades` those billed by their grade."""

    sessions: int = 0
    standings: dict[str, int] = field(default_factory=dict)
    grades: dict[str, int] = field(default_factory=dict)
    sums: dict[str, Sum] = field(default_factory=dict)
    energy_wh: Decimal = Decimal(0)
    faults: list[Fault] = field(default_factory=list)

    def found(self, code: str, transaction: Transaction | None = None, where: str = "", detail: str = "") -> None:
        """Note a fault, of a session or of none."""
        session, station = ("", "") if transaction is None else (transaction.id, transaction.station_id)
        self.faults.append(Fault(code, session, station, where, detail))

    def stands(self, standing: str, reason: str | None = None) -> None:
        """Count a session by where it stands."""
        name = standing if reason is None else f"{standing}: {reason}"
        self.standings[name] = self.standings.get(name, 0) + 1

    def sum_of(self, currency: str) -> Sum:
        """Return what a currency came to so far."""
        return self.sums.setdefault(currency, Sum())
