"""The transaction as this system sees it: a projection of its records, and nothing else."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

import msgspec

from wattseal.model.ruling import RulingVerdict
from wattseal.model.token import TokenStatus
from wattseal.model.verdict import Finding, Source, Verdict


class Billing(StrEnum):
    """Where a transaction stands; received = quarantined + billed + free + pending, always."""

    PENDING = "pending"
    BILLED = "billed"
    QUARANTINED = "quarantined"
    FREE = "free"


MESSAGE = "message"
"""In place of a record's name: the signature is that of the whole OCPP message, not of a meter in it."""


VEHICLE = "vehicle"
"""In place of a record's name: the signature is a vehicle's over what it was shown, and no meter's."""


@dataclass(frozen=True, slots=True)
class EvidenceVerdict:
    """What checking one signature gave: `record` is "started", "reading", "ended", `MESSAGE` or `VEHICLE`."""

    record: str
    format: str
    verdict: Verdict
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """That the eMSP settled, without its figures: those stay sealed in its record and are opened when asked for.

    `free` says whether there is nothing to pay for; None where the settlement states no energy.
    """

    accepted: bool
    free: bool | None = None
    grade: int | None = None
    source: str | None = None
    step: int | None = None
    reason: str | None = None


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """One charge; a struct, for it is copied, encoded and decoded with every message that changes it.

    `id` is the subject of its records in hex; hashes are payload hashes in hex; `*_ms` Unix time.

    `started_ms`/`ended_ms` are the station's times, `recorded_ms` the CSMS's. `sealed` means the meter group is closed
    to this CPO: `start_wh` and `end_wh` are then None and stay so. `evse_id` is the chain its records are on, 0 where
    the start named none: `told_evse_id` is then what was told later. Of 2.x only: `charging_state` is the latest told,
    `charging_s` how long energy had flowed by then, `remote_start_id` that of the command it began with. `opened` is
    the first record of one whose start arrived late or never; `ended_first`: its end is still to be told after it.
    `identity_level` is how sure it is who charged (rules.identity_level), None where the CPO is not told the token.
    `identified` is the hash of what was shown beyond a number, by which its decision calls it (a code of an app).
    `ruling` is the record of a person's decision on it, `ruled` what that says, `ruled_on` the reasons it was taken in
    knowledge of.
    """

    id: str
    station_id: str
    recorded_ms: int
    transaction_id: str | None = None
    evse_id: int = 0
    connector_id: int | None = None
    origin: str | None = None
    started_ms: int | None = None
    ended_ms: int | None = None
    start_wh: Decimal | None = None
    end_wh: Decimal | None = None
    stop_reason: str | None = None
    sealed: bool = False
    party: str | None = None
    authorization: TokenStatus | None = None
    identity_level: str | None = None
    identified: str | None = None
    request: str | None = None
    decision: str | None = None
    started: str | None = None
    ended: str | None = None
    settlement: str | None = None
    settled: Settled | None = None
    verdicts: tuple[EvidenceVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    alarms: tuple[Finding, ...] = ()
    source: Source = Source.CSMS
    billing: Billing = Billing.PENDING
    reason: str | None = None
    opened: str | None = None
    ended_first: bool = False
    told_evse_id: int | None = None
    charging_state: str | None = None
    charging_seq: int | None = None
    charging_s: int | None = None
    remote_start_id: int | None = None
    ruling: str | None = None
    ruled: RulingVerdict | None = None
    ruled_on: tuple[str, ...] = ()

    @property
    def place(self) -> int:
        """The EVSE as far as it is known, else 0."""
        return self.told_evse_id or self.evse_id

    @property
    def active(self) -> bool:
        """Whether it has not ended."""
        return self.ended is None

    @property
    def energy_wh(self) -> Decimal | None:
        """End minus start register, exactly; None while open, sealed, or without both registers."""
        if self.ended is None or self.start_wh is None or self.end_wh is None:
            return None
        return self.end_wh - self.start_wh
