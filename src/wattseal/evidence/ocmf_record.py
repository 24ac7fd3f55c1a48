"""OCMF 1.x records, parsed: `OCMF|payload|signature` (Open Charge Metering Format 1.4).

The payload bytes are kept exactly as sent, for they are what is signed. The pipe may occur nowhere else (OCMF
"JSON based OCMF format"), so that every reader splits a record alike. Unknown fields are ignored; a field of the wrong
type is a finding, unless the record cannot be read without it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from wattseal.base.errors import InputError, LimitError
from wattseal.base.text import shown
from wattseal.base.units import MAX_ENERGY_WH
from wattseal.evidence.format import Clock
from wattseal.evidence.strict_json import parse_object
from wattseal.model.verdict import Finding

MAX_BYTES = 65_536
MAX_READINGS = 1000
HEADER = b"OCMF|"
CLOCKS = {"U": Clock.UNKNOWN, "I": Clock.INFORMATIVE, "S": Clock.SYNCHRONISED, "R": Clock.RELATIVE}
_PAGE = re.compile(r"([TF])(0|[1-9][0-9]{0,17})")
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)[,.](\d{3})(?:([+-])(\d\d):?(\d\d)|(Z))(?: ([A-Z]))?", re.ASCII
)
_DECIMAL_TEXT = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,12})?")


@dataclass(frozen=True, slots=True)
class Page:
    """Pagination (PG, table 2): a counter per context, T of transactions or F fiscal."""

    context: str
    number: int


@dataclass(frozen=True, slots=True)
class OcmfReading:
    """One element of RD with what it inherits from the one before (table 7); "" where a text is not stated.

    `value` is exact with its zeros, in `unit`; `loss` is CL in the same unit. TX, EF and ST keep their letters.
    """

    at: datetime | None = None
    clock: Clock | None = None
    reason: str = ""
    value: Decimal | None = None
    register: str = ""
    unit: str = ""
    current: str = ""
    errors: str = ""
    status: str = ""
    loss: Decimal | None = None


@dataclass(frozen=True, slots=True)
class OcmfSignature:
    """The signature section (table 8) with its defaults filled in; `data` still encoded."""

    data: str
    algorithm: str = "ECDSA-secp256r1-SHA256"
    encoding: str = "hex"
    mime: str = "application/x-der"


@dataclass(frozen=True, slots=True)
class OcmfRecord:
    """A parsed record; `payload` are the signed bytes. `notes` are findings of reading it, before its meaning."""

    payload: bytes
    signature: OcmfSignature
    readings: tuple[OcmfReading, ...]
    page: Page | None
    notes: tuple[Finding, ...]
    format_version: str = ""
    gateway: str = ""
    gateway_serial: str = ""
    gateway_version: str = ""
    meter_vendor: str = ""
    meter_model: str = ""
    meter_serial: str = ""
    meter_firmware: str = ""
    identified: bool | None = None
    identity_level: str = ""
    identity_flags: tuple[str, ...] = ()
    identity_type: str = ""
    identity: str = ""
    tariff_text: str = ""
    controller_firmware: str = ""
    charge_point_type: str = ""
    charge_point: str = ""


_TEXT_FIELDS = {
    "FV": "format_version",
    "GI": "gateway",
    "GS": "gateway_serial",
    "GV": "gateway_version",
    "MV": "meter_vendor",
    "MM": "meter_model",
    "MS": "meter_serial",
    "MF": "meter_firmware",
    "IL": "identity_level",
    "IT": "identity_type",
    "ID": "identity",
    "TT": "tariff_text",
    "CF": "controller_firmware",
    "CT": "charge_point_type",
    "CI": "charge_point",
}
_READING_TEXTS = {"TX": "reason", "RI": "register", "RU": "unit", "RT": "current", "EF": "errors", "ST": "status"}


def parse(raw: bytes) -> OcmfRecord:
    """Parse one record; white space around the whole is ignored. What is not OCMF raises `InputError` with a code."""
    if len(raw) > MAX_BYTES:
        raise LimitError(f"a record is at most {MAX_BYTES} bytes", code="too_large", subject="OCMF")
    sections = raw.strip(b" \t\r\n").split(b"|")
    if len(sections) != 3 or sections[0] != HEADER[:-1]:
        raise InputError("not OCMF|payload|signature", code="not_ocmf", subject="OCMF")
    try:
        payload, signature = sections[1].decode("utf-8"), sections[2].decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError("record is not UTF-8", code="not_utf8", subject="OCMF") from error
    return _record(sections[1], parse_object(payload, "payload"), parse_object(signature, "signature"))


def _record(payload: bytes, fields: dict[str, Any], signature: dict[str, Any]) -> OcmfRecord:
    notes: list[Finding] = []
    texts = {name: _text(fields, key, notes) for key, name in _TEXT_FIELDS.items()}
    identified = fields.get("IS")
    if identified is not None and not isinstance(identified, bool):
        notes.append(Finding("field_type", "IS"))
        identified = None
    flags = fields.get("IF", [])
    if not isinstance(flags, list) or not all(isinstance(flag, str) for flag in flags):
        notes.append(Finding("field_type", "IF"))
        flags = []
    if "LC" in fields:
        notes.append(Finding("loss_compensated", "LC"))
    return OcmfRecord(
        payload=payload,
        signature=_signature(signature),
        page=_page(fields, notes),
        readings=_readings(fields, notes),
        identified=identified,
        identity_flags=tuple(flags),
        notes=tuple(notes),
        **texts,
    )


def _signature(fields: dict[str, Any]) -> OcmfSignature:
    texts = {}
    for key, name in (("SD", "data"), ("SA", "algorithm"), ("SE", "encoding"), ("SM", "mime")):
        if key in fields:
            if not isinstance(fields[key], str):
                raise InputError(f"{key} is not a string", code="field_type", subject=key)
            texts[name] = fields[key]
    return OcmfSignature(**{"data": "", **texts})


def _text(fields: dict[str, Any], key: str, notes: list[Finding]) -> str:
    value = fields.get(key, "")
    if isinstance(value, str):
        return value
    notes.append(Finding("field_type", key))
    return ""


def _page(fields: dict[str, Any], notes: list[Finding]) -> Page | None:
    if "PG" not in fields:
        notes.append(Finding("page_missing", "PG"))
        return None
    text = _text(fields, "PG", notes)
    match = _PAGE.fullmatch(text)
    if match is None:
        notes.append(Finding("page_malformed", "PG", shown(text)))
        return None
    return Page(match.group(1), int(match.group(2)))


def _readings(fields: dict[str, Any], notes: list[Finding]) -> tuple[OcmfReading, ...]:
    elements = fields.get("RD", [])
    if not isinstance(elements, list) or not all(isinstance(element, dict) for element in elements):
        raise InputError("RD is not an array of objects", code="field_type", subject="RD")
    if len(elements) > MAX_READINGS:
        raise LimitError(f"a record has at most {MAX_READINGS} readings", code="too_large", subject="RD")
    readings: list[OcmfReading] = []
    for index, element in enumerate(elements):
        readings.append(_reading(element, f"RD[{index}]", readings[-1] if readings else OcmfReading(), notes))
    return tuple(readings)


def _reading(element: dict[str, Any], place: str, before: OcmfReading, notes: list[Finding]) -> OcmfReading:
    """Read one element; what is absent is inherited, but for RV and CL, which belong to one reading only."""
    texts = {}
    for key, name in _READING_TEXTS.items():
        text = element.get(key)
        if text is None and key not in element:
            texts[name] = getattr(before, name)
        elif isinstance(text, str):
            texts[name] = text
        else:
            notes.append(Finding("field_type", f"{place}.{key}"))
            texts[name] = ""
    at, clock, value, loss = before.at, before.clock, None, None
    if "TM" in element:
        at, clock = _time(element["TM"], f"{place}.TM", notes)
    elif at is None and clock is None:
        notes.append(Finding("time_malformed", f"{place}.TM"))
    if "RV" in element:
        value = _value(element["RV"], f"{place}.RV", notes)
    else:
        notes.append(Finding("value_missing", f"{place}.RV"))
    if "CL" in element:
        loss = _value(element["CL"], f"{place}.CL", notes)
    return OcmfReading(at=at, clock=clock, value=value, loss=loss, **texts)


def _time(value: object, place: str, notes: list[Finding]) -> tuple[datetime | None, Clock | None]:
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        notes.append(Finding("time_malformed", place, shown(value) if isinstance(value, str) else ""))
        return None, None
    *parts, millis, sign, hours, minutes, _, state = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    clock = CLOCKS.get(state or "")
    if clock is None:
        notes.append(Finding("clock_missing", place, state or ""))
    try:
        year, month, day, hour, minute, second = map(int, parts)
        at = datetime(year, month, day, hour, minute, second, int(millis) * 1000, timezone(offset))
        at.astimezone(UTC)
    except (ValueError, OverflowError):
        notes.append(Finding("time_malformed", place, shown(match.group())))
        return None, clock
    return at, clock


def _value(value: object, place: str, notes: list[Finding]) -> Decimal | None:
    """Return a reading exactly; real meters also send it as text, with leading zeros or spaces."""
    if isinstance(value, str):
        notes.append(Finding("value_string", place, shown(value)))
        value = Decimal(value.strip(" ")) if _DECIMAL_TEXT.fullmatch(value.strip(" ")) else None
    if not isinstance(value, Decimal) or value.copy_abs() >= MAX_ENERGY_WH:
        notes.append(Finding("value_malformed", place))
        return None
    return value
