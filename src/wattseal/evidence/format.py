"""The contract of a foreign signed format, and what all formats say in one vocabulary."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum

from wattseal.model.verdict import Finding, Verdict


class Clock(Enum):
    """What the signer says of its clock (OCMF table 19); the values are the clock quality of records."""

    UNKNOWN = 0
    INFORMATIVE = 1
    SYNCHRONISED = 2
    RELATIVE = 3


class Moment(Enum):
    """Where in a transaction a reading stands."""

    BEGIN = "begin"
    DURING = "during"
    END = "end"
    OUTSIDE = "outside"
    UNSTATED = "unstated"
    """The format does not say: what the record that holds it is about decides."""


class Direction(Enum):
    """Which way a register counts energy, seen from the charging station's meter."""

    IMPORT = "import"
    EXPORT = "export"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class SignedReading:
    """One reading: `value_wh` is exact, None where it is absent, malformed or no energy; `register` an OBIS code."""

    at: datetime | None
    clock: Clock | None
    moment: Moment
    register: str
    direction: Direction
    value_wh: Decimal | None


@dataclass(frozen=True, slots=True)
class RegisterEnergy:
    """One register over one transaction; `energy_wh` is None unless begin and end are stated and usable."""

    register: str
    direction: Direction
    begin: SignedReading | None
    end: SignedReading | None
    energy_wh: Decimal | None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one or several signed records of one transaction say, whoever signed them.

    `energy_wh` is the imported energy between begin and end, None wherever it does not follow; `page` as written.
    `identity_type` and `identity` are personal data: never log them.
    """

    meter_serial: str
    gateway_serial: str
    page: str
    readings: tuple[SignedReading, ...]
    registers: tuple[RegisterEnergy, ...]
    energy_wh: Decimal | None
    findings: tuple[Finding, ...]
    identity_type: str = ""
    identity: str = ""
    identity_level: str = ""
    tariff_text: str = ""

    def serials(self) -> frozenset[str]:
        """Return the serial numbers by which an enrolled meter may be recognised."""
        return frozenset({self.meter_serial, self.gateway_serial} - {""})


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking one record.

    `verdict` is the signature's under the supplied keys and nothing else; `reason` a code of docs/spec/evidence.md;
    `key` the supplied key that verified it; `meaning` is None only where the record is UNREADABLE.
    """

    format: str
    verdict: Verdict
    reason: str
    meaning: Meaning | None = None
    key: bytes | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader should know about the record's content; never a reason for the verdict."""
        return self.meaning.findings if self.meaning else ()

    @property
    def energy_wh(self) -> Decimal | None:
        """The imported energy, only where the signature is VALID: an unverified claim is no energy."""
        return self.meaning.energy_wh if self.meaning and self.verdict is Verdict.VALID else None


@dataclass(frozen=True, slots=True)
class Format:
    """A foreign signed format: one file in this room holds one.

    `sniff(raw)` says whether bytes look like it; `parse(raws)` returns what records of one transaction, in order, say
    together, raising `InputError` where one is none; `check(raw, keys)` never raises, whatever the bytes. A key is SPKI
    DER or the bare point a meter shows; several keys mean any of them may have signed. `continuity(raws)` tells what is
    wrong between consecutive records of one meter, `own_key(raw)` the key that a record carries: a claim, no more.
    """

    name: str
    sniff: Callable[[bytes], bool]
    parse: Callable[[Sequence[bytes]], Meaning]
    check: Callable[[bytes, Sequence[bytes]], Checked]
    continuity: Callable[[Sequence[bytes]], tuple[Finding, ...]] = lambda _: ()
    own_key: Callable[[bytes], bytes | None] = lambda _: None
