"""A tariff in the words of either version of OCPI, with what those words leave unsaid.

From one version to the other: everything but taxes is the same. Prices that contain taxes exist in 2.3.0 only. "No tax
applies" (N/A in 2.3.0) is components without VAT in 2.2.1, which come back as prices before tax (NO): the price is the
same. Neither version carries the time zone, which is the location's, or for how long a car may stand before that is
parking.
"""

from enum import StrEnum

from wattseal.model.tariff import Restrictions, Tariff, TaxIncluded
from wattseal.model.verdict import Finding
from wattseal.wire.ocpi import codec
from wattseal.wire.ocpi.v2_2_1 import tariffs as v2_2_1
from wattseal.wire.ocpi.v2_3_0 import tariffs as v2_3_0


class OcpiVersion(StrEnum):
    """Versions of OCPI that are spoken here."""

    V2_2_1 = "2.2.1"
    V2_3_0 = "2.3.0"


def decode_tariff(raw: bytes, version: OcpiVersion) -> Tariff:
    """Decode and lift a Tariff object; trouble is an `InputError`."""
    match version:
        case OcpiVersion.V2_2_1:
            return v2_2_1.decode_tariff(raw)
        case OcpiVersion.V2_3_0:
            return v2_3_0.decode_tariff(raw)


def encode_tariff(tariff: Tariff, version: OcpiVersion) -> tuple[bytes | None, tuple[Finding, ...]]:
    """Return the Tariff object, None where it cannot be said without bending a price, and what it leaves unsaid.

    Findings: `taxes_included` and `restriction_unknown` (no object), `time_zone_of_location`, `idle_grace`.
    """
    findings = _unsaid(tariff)
    if version is OcpiVersion.V2_2_1 and tariff.tax_included is TaxIncluded.YES:
        return None, (Finding("taxes_included", "tax_included"), *findings)
    if names := [name for when in _restrictions(tariff) for name in when.unknown]:
        return None, (Finding("restriction_unknown", names[0]), *findings)
    match version:
        case OcpiVersion.V2_2_1:
            return codec.encode(v2_2_1.lower(tariff)), findings
        case OcpiVersion.V2_3_0:
            return codec.encode(v2_3_0.lower(tariff)), findings


def needs_zone(tariff: Tariff) -> bool:
    """Return whether a tariff means something else in another time zone."""
    return any(
        when.start_time or when.end_time or when.start_date or when.end_date or when.days_of_week
        for when in _restrictions(tariff)
    )


def _restrictions(tariff: Tariff) -> list[Restrictions]:
    return [element.restrictions for element in tariff.elements if element.restrictions is not None]


def _unsaid(tariff: Tariff) -> tuple[Finding, ...]:
    findings = []
    if needs_zone(tariff):
        findings.append(Finding("time_zone_of_location", "restrictions", tariff.time_zone))
    if tariff.idle_grace_s:
        findings.append(Finding("idle_grace", "PARKING_TIME", str(tariff.idle_grace_s)))
    return tuple(findings)
