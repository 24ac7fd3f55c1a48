"""Meter values of all versions to readings in base units, and back.

Unit names are those of OCPP 1.6 (7.45) and the 2.x appendices; numbers are scaled by powers of ten only, hence exactly.
"""

import re
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model.metering import BEGIN, END, ENERGY_IMPORT_REGISTER, RawEvidence, Reading, registers_wh
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import evidence
from wattseal.wire.ocpp.generated.v16 import meter_values as v16_meter
from wattseal.wire.ocpp.generated.v16 import stop_transaction as v16_stop
from wattseal.wire.ocpp.generated.v21 import types as v21
from wattseal.wire.ocpp.generated.v201 import types as v201
from wattseal.wire.ocpp.message import Payload, present, utc
from wattseal.wire.ocpp.version import Version

__all__ = ["BEGIN", "END", "lift_2", "lift_16", "lower", "register"]

MAX_LENGTH = 28
"""Longest number taken, in characters: its digits fit the arithmetic that follows without rounding."""
MAX_EXPONENT = 30
DEFAULT_CONTEXT = "Sample.Periodic"
DEFAULT_LOCATION = "Outlet"

_SCALES = {
    "kWh": ("Wh", 3),
    "kvarh": ("varh", 3),
    "kVAh": ("VAh", 3),
    "kW": ("W", 3),
    "kVA": ("VA", 3),
    "kvar": ("var", 3),
    "Celcius": ("Celsius", 0),
    "Hertz": ("Hz", 0),
}
_NATURAL_UNITS = {
    "Energy": "Wh",
    "Power": "W",
    "Current": "A",
    "Voltage": "V",
    "Frequency": "Hz",
    "SoC": "Percent",
    "Temperature": "Celsius",
}
_SHORT_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
"""What nearly every number looks like; nothing about such a one needs a closer look."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,27}(\.[0-9]{1,27})?([eE][+-]?[0-9]{1,2})?")

MeterValue16 = v16_meter.MeterValue | v16_stop.TransactionData
MeterValue2 = v201.MeterValueType | v21.MeterValueType


def lift_16(values: Iterable[MeterValue16], findings: list[Finding]) -> tuple[Reading, ...]:
    """Return the readings in 1.6 meter values, signed ones (`format` SignedData) with their evidence."""
    readings = []
    for meter_value in values:
        at = utc(meter_value.timestamp, findings, "meterValue.timestamp")
        for sample in meter_value.sampledValue:
            measurand = sample.measurand or ENERGY_IMPORT_REGISTER
            unit, exponent = _base_unit(sample.unit or None, measurand)
            value: Decimal | None = None
            proof: RawEvidence | None = None
            if sample.format == "SignedData":
                proof = evidence.lift_16(sample.value, findings)
            elif exponent == 0 and _SHORT_NUMBER.fullmatch(sample.value):
                value = Decimal(sample.value)
            else:
                value = _scaled(_parsed(sample.value), exponent, findings)
            context = sample.context or DEFAULT_CONTEXT
            location = sample.location or DEFAULT_LOCATION
            readings.append(Reading(at, measurand, value, unit, context, sample.phase or None, location, proof))
    return tuple(readings)


def lift_2(values: Iterable[MeterValue2], findings: list[Finding]) -> tuple[Reading, ...]:
    """Return the readings in 2.x meter values, with the evidence in their `signedMeterValue`."""
    readings = []
    for meter_value in values:
        at = utc(meter_value.timestamp, findings, "meterValue.timestamp")
        for sample in meter_value.sampledValue:
            measurand = sample.measurand or ENERGY_IMPORT_REGISTER
            told = sample.unitOfMeasure or None
            unit, exponent = _base_unit((told and told.unit) or None, measurand)
            if told:
                exponent += told.multiplier or 0
            value = _scaled(sample.value, exponent, findings)
            proof = evidence.lift_2(sample.signedMeterValue, findings) if sample.signedMeterValue else None
            context = sample.context or DEFAULT_CONTEXT
            location = sample.location or DEFAULT_LOCATION
            readings.append(Reading(at, measurand, value, unit, context, sample.phase or None, location, proof))
    return tuple(readings)


def register(readings: tuple[Reading, ...], context: str) -> Decimal | None:
    """Return the import register in `context` (`BEGIN` or `END`), else the first or last one told, in Wh."""
    told = registers_wh(readings)
    if context == END:
        told = told[::-1]
    exact = next((value for where, value in told if where == context), None)
    return exact if exact is not None or not told else told[0][1]


def lower(readings: tuple[Reading, ...], version: Version) -> list[Payload] | None:
    """Return meter values that spell `readings`, grouped by time; None for none."""
    by_time: dict[datetime, list[Payload]] = {}
    for reading in readings:
        samples = by_time.setdefault(reading.at, [])
        if version is Version.V16:
            samples.extend(_samples_16(reading))
        else:
            samples.append(_sample_2(reading, version))
    return [{"timestamp": at, "sampledValue": samples} for at, samples in by_time.items()] or None


def _samples_16(reading: Reading) -> list[Payload]:
    common = present(
        context=reading.context,
        measurand=reading.measurand,
        phase=reading.phase,
        location=reading.location,
        unit={"Hz": "Hertz"}.get(reading.unit, reading.unit),
    )
    samples: list[Payload] = []
    if reading.value is not None:
        samples.append({"value": f"{reading.value:f}", "format": "Raw", **common})
    if reading.evidence is not None:
        samples.append({"value": evidence.lower_16(reading.evidence), "format": "SignedData", **common})
    return samples


def _sample_2(reading: Reading, version: Version) -> Payload:
    if reading.value is None:
        raise InputError("OCPP 2.x has no sampled value without a number", subject="sampledValue.value")
    return present(
        value=reading.value,
        context=reading.context,
        measurand=reading.measurand,
        phase=reading.phase,
        location=reading.location,
        unitOfMeasure={"unit": reading.unit},
        signedMeterValue=evidence.lower_2(reading.evidence, version) if reading.evidence else None,
    )


def _base_unit(told: str | None, measurand: str) -> tuple[str, int]:
    """Return `(base unit, power of ten to reach it)`; where no unit is told, the measurand's own."""
    if told is None:
        return _NATURAL_UNITS.get(measurand.partition(".")[0], ""), 0
    return _SCALES.get(told) or (told, 0)


def _parsed(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def _scaled(value: Decimal | None, exponent: int, findings: list[Finding]) -> Decimal | None:
    """Return value x 10^exponent exactly, or None with a finding where it is no sane number."""
    if value is None:
        findings.append(Finding("value_not_numeric", "sampledValue.value"))
        return None
    if len(str(value)) > MAX_LENGTH or max(abs(value.adjusted()), abs(exponent)) > MAX_EXPONENT:
        findings.append(Finding("value_out_of_range", "sampledValue.value"))
        return None
    return value.scaleb(exponent) if exponent else value
