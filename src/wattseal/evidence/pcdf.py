"""PCDF: one signed line of a DC charger about a whole session, `128.8.0(ST:...)(CT:...)...(PK:...)(SG:...)`.

secp256r1 and SHA-256 over every byte before `(SG:`; the signature is DER in hex. The line tells the session's energy,
not a register: nothing in it can be compared with a register, before it or after it. Its times say no offset to UTC.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.base.errors import InputError, LimitError
from wattseal.crypto.curves import Curve, HashName, read_der_signature
from wattseal.evidence.ecdsa import verify_under
from wattseal.evidence.findings import EFFECTS, Effect
from wattseal.evidence.format import Checked, Clock, Direction, Format, Meaning, Moment, RegisterEnergy, SignedReading
from wattseal.model.verdict import Finding, Verdict

NAME = "PCDF"
MAX_BYTES = 4096
_HEADER = b"128.8.0("
_REGISTER = "128.8.0"
_FIELD = re.compile(r"\(([A-Z]{2,3}):([^()]*)\)")
_FIELDS = {
    "ST": r"[0-9]{12}",
    "CT": r"[0-9]{12}",
    "CD": r"[0-9]{6}",
    "TV": r"[01]",
    "BV": r"[01]",
    "CSC": r"[0-9]{1,9}",
    "SP": r"[01]",
    "RV": r"[0-9]{4}\.[0-9]{3}\*kWh",
    "SI": r"[^*]{1,36}\*[0-9]\*[^*]{1,36}",
    "CS": r"[^*]{8}",
    "HW": r"[^*]{11}",
    "DT": r"[0-9]{1,2}",
    "PK": r"(?:[0-9A-Fa-f]{2})+",
    "SG": r"(?:[0-9A-Fa-f]{2})+",
}
_IDENTITIES = {"1": "RFID", "2": "EMAID", "3": "CREDIT_CARD", "4": "REMOTE", "5": "NFC"}


@dataclass(frozen=True, slots=True)
class PcdfRecord:
    """The line: the bytes that are signed, and its fields as written."""

    payload: bytes
    fields: dict[str, str]

    @property
    def energy_wh(self) -> Decimal:
        """The session's energy (RV)."""
        return Decimal(self.fields["RV"].removesuffix("*kWh")).scaleb(3)


def sniff(raw: bytes) -> bool:
    """Return whether `raw` starts like such a line, with or without its STX."""
    return raw[:64].lstrip(b"\x02 \t\r\n").startswith(_HEADER)


def read(raw: bytes) -> PcdfRecord:
    """Return the line; each field is there once, SG last. `InputError` where it is another."""
    if len(raw) > MAX_BYTES:
        raise LimitError(f"a line is at most {MAX_BYTES} bytes", code="too_large", subject=NAME)
    line = raw.strip(b" \t\r\n").removeprefix(b"\x02").removesuffix(b"\x03")
    try:
        text = line.decode("ascii")
    except UnicodeDecodeError as error:
        raise InputError("the line is not ASCII", code="not_pcdf", subject=NAME) from error
    pairs = _FIELD.findall(text)
    if not text.isprintable() or _REGISTER + "".join(f"({name}:{value})" for name, value in pairs) != text:
        raise InputError("not 128.8.0 and fields in brackets", code="not_pcdf", subject=NAME)
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InputError("a field stands twice", code="field_doubled", subject=NAME)
    for name, pattern in _FIELDS.items():
        if name not in fields:
            raise InputError(f"{name} is missing", code="field_missing", subject=name)
        if not re.fullmatch(pattern, fields[name]):
            raise InputError(f"{name} is not written as it should be", code="field_type", subject=name)
    if pairs[-1][0] != "SG" or fields.keys() - _FIELDS.keys():
        raise InputError("SG is not the last field, or a field is not known", code="not_pcdf", subject=NAME)
    _time(fields["ST"])
    _time(fields["CT"])
    return PcdfRecord(line[: line.index(b"(SG:")], fields)


def _time(text: str) -> datetime:
    try:
        year, month, day, hour, minute, second = (int(text[i : i + 2]) for i in range(0, 12, 2))
        return datetime(2000 + year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError as error:
        raise InputError("no time", code="field_type", subject="time") from error


def meaning_of(record: PcdfRecord) -> Meaning:
    """Return what the line says; its times as if they were UTC, on a clock that is right for durations."""
    fields = record.fields
    begin, end = _time(fields["ST"]), _time(fields["CT"])
    said = (
        (fields["BV"] == "0", Finding("energy_flagged", "BV")),
        (fields["SP"] == "0", Finding("end_missing", "SP")),
        (fields["TV"] == "0", Finding("time_flagged", "TV")),
        (end < begin, Finding("time_backwards", "CT")),
        (True, Finding("time_local", "ST")),
        (True, Finding("register_unstated", "RV")),
        (True, Finding("identity_in_clear", "SI", _IDENTITIES.get(fields["SI"].split("*")[1], ""))),
    )
    findings = tuple(finding for true, finding in said if true)
    usable = all(EFFECTS[f.code] is not Effect.UNUSABLE for f in findings)
    identity, kind, _ = fields["SI"].split("*")
    return Meaning(
        meter_serial=fields["HW"],
        gateway_serial="",
        page=fields["CSC"],
        readings=(_at(begin, Moment.BEGIN), _at(end, Moment.END)),
        registers=(RegisterEnergy(_REGISTER, Direction.IMPORT, None, None, record.energy_wh),),
        energy_wh=record.energy_wh if usable else None,
        findings=findings,
        identity_type=_IDENTITIES.get(kind, ""),
        identity=identity,
    )


def _at(time: datetime, moment: Moment) -> SignedReading:
    return SignedReading(time, Clock.RELATIVE, moment, _REGISTER, Direction.OTHER, None)


def own_key(raw: bytes) -> bytes | None:
    """Return the key that the line carries: a claim."""
    try:
        return bytes.fromhex(read(raw).fields["PK"])
    except InputError:
        return None


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what one line says, which is a whole session; several, or one that does not read: `InputError`."""
    if len(raws) != 1:
        raise InputError("one line is a whole session", code="layout_unsupported", subject=NAME)
    return meaning_of(read(raws[0]))


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one line under `keys`; never raises."""
    try:
        record = read(raw)
    except InputError as error:
        return Checked(NAME, Verdict.UNREADABLE, error.code)
    signature = bytes.fromhex(record.fields["SG"])
    if read_der_signature(signature) is None:
        return Checked(NAME, Verdict.INVALID, "signature_not_der", meaning_of(record))
    verdict, reason, key = verify_under(keys, Curve.SECP256R1, HashName.SHA256, record.payload, signature)
    return Checked(NAME, verdict, reason, meaning_of(record), key)


FORMAT = Format(name=NAME, sniff=sniff, parse=parse_transaction, check=check, own_key=own_key)
