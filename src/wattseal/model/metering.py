"""What a meter said: readings in base units and the signed bytes they came with."""

from collections.abc import Sequence
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


BEGIN, END = "Transaction.Begin", "Transaction.End"
"""Contexts of the readings that a charge is billed by."""
_PHASES = (frozenset({"L1", "L2", "L3"}), frozenset({"L1-N", "L2-N", "L3-N"}))
_PLACES = ("Outlet", "Cable", "Inlet", "Body")
"""Where a station measures, the driver's side first; what the EV measures is not billed."""


def registers_wh(readings: Sequence[Reading]) -> tuple[tuple[str, Decimal], ...]:
    """Return the total import registers among `readings` in Wh with their contexts, in the order told.

    Those nearest to the driver count, where several places are told. Where no total is told but all three phases are,
    at one time, their sum is the total.
    """
    told = [r for r in readings if r.measurand == ENERGY_IMPORT_REGISTER and r.value is not None]
    if not told:
        return ()
    place = next((place for place in _PLACES if any(r.location == place for r in told)), None)
    here = [r for r in told if r.location == place]
    totals = tuple((r.context, r.value) for r in here if r.phase is None and r.value is not None)
    return totals or _summed(here)


def _summed(readings: Sequence[Reading]) -> tuple[tuple[str, Decimal], ...]:
    by_time: dict[tuple[datetime, str], dict[str, Decimal]] = {}
    for reading in readings:
        if reading.phase is not None and reading.value is not None:
            by_time.setdefault((reading.at, reading.context), {})[reading.phase] = reading.value
    return tuple(
        (context, sum(phases.values(), Decimal(0)))
        for (_, context), phases in by_time.items()
        if frozenset(phases) in _PHASES
    )


def energy_register_wh(readings: Sequence[Reading]) -> Decimal | None:
    """Return the last total import register among `readings` in Wh, or None where none is stated."""
    for reading in reversed(readings):  # what nearly every station tells, found without further ado
        if reading.measurand == ENERGY_IMPORT_REGISTER and reading.phase is None and reading.location == "Outlet":
            if reading.value is None:
                break
            return reading.value
    found = registers_wh(readings)
    return found[-1][1] if found else None


def begin_register_wh(readings: Sequence[Reading]) -> Decimal | None:
    """Return the register that was read when the transaction began, where `readings` tell it."""
    return next((value for context, value in registers_wh(readings) if context == BEGIN), None)
