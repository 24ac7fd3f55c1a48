"""What a meter said: readings in base units and the signed bytes they came with."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

ENERGY_IMPORT_REGISTER = "Energy.Active.Import.Register"
"""The measurand that is billed (MeasurandEnumType)."""


@dataclass(frozen=True, slots=True)
class RawEvidence:
    """Bytes exactly as a foreign signer produced them.

    `format` is a name of `wattseal.evidence` ("OCMF", ...) or what the sender called it; `public_key` is
    the key sent along, DER: never trusted, only compared with the enrolled one.
    """

    format: str
    data: bytes
    public_key: bytes | None = None


class Reading(Struct, frozen=True, gc=False):
    """One sampled value in the base unit of its measurand (Wh, W, A, V, Hz, percent, Celsius), exact.

    `value` is None when the sample is only evidence. `context` is a ReadingContextEnumType such as
    "Transaction.Begin", "Sample.Periodic", "Transaction.End".
    """

    at: datetime
    measurand: str
    value: Decimal | None
    unit: str
    context: str = "Sample.Periodic"
    phase: str | None = None
    location: str = "Outlet"
    evidence: RawEvidence | None = None


def energy_register_wh(readings: tuple[Reading, ...]) -> Decimal | None:
    """Return the last total import register among `readings` in Wh, or None where none is stated."""
    values = [
        r.value for r in readings if r.measurand == ENERGY_IMPORT_REGISTER and r.value is not None and r.phase is None
    ]
    return values[-1] if values else None
