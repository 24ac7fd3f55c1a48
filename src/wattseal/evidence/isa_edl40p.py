"""ISA_EDL_40_P: a transaction's begin and its present or last register in one signed SML file, secp256r1.

The list's name says which: 81 80 81 62 nn FF with nn 0 begin, 1 during, 2 end. Signed are 320 bytes: device id, time,
status, OBIS, unit, scaler and register now; the logbook counter; the register's own signature (66 bytes, opaque here);
contract; the same of the begin; the list's name; page. Times are UTC (SML_Timestamp), as signed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from wattseal.base.errors import InputError
from wattseal.crypto.curves import Curve
from wattseal.evidence import edl40, sml
from wattseal.evidence.ecdsa import verify_raw
from wattseal.evidence.findings import EFFECTS, Effect
from wattseal.evidence.format import Checked, Direction, Format, Meaning, Moment, RegisterEnergy, SignedReading
from wattseal.model.verdict import Finding, Verdict

NAME = "ISA_EDL_40_P"
_CONTEXT = bytes.fromhex("81808162")
_MOMENTS = {0: Moment.BEGIN, 1: Moment.DURING, 2: Moment.END}
_CONTRACT, _BEGIN, _PAGE, _NOW, _SERVICE = (
    "8182815401ff",
    "010001080080",
    "8180c7f040ff",
    "0100010800ff",
    "8180816101ff",
)
_SIGNATURE_BYTES = 66


@dataclass(frozen=True, slots=True)
class IsaReading:
    """One register as signed: UTC seconds, the status word's lowest byte, OBIS, unit, scaler, value."""

    utc_s: int
    status: int
    obis: bytes
    unit: int
    scaler: int
    value: int

    def pack(self) -> tuple[bytes, bytes]:
        """Return the time, and status, OBIS, unit, scaler and value."""
        try:
            rest = (
                self.status.to_bytes(1)
                + self.obis
                + self.unit.to_bytes(1)
                + self.scaler.to_bytes(1, signed=True)
                + self.value.to_bytes(8, "little", signed=True)
            )
            return self.utc_s.to_bytes(4, "little"), rest
        except OverflowError as error:
            raise InputError("a number out of its range", code="field_range", subject=NAME) from error


@dataclass(frozen=True, slots=True)
class IsaRecord:
    """What is signed."""

    server_id: bytes
    context: bytes
    begin: IsaReading
    now: IsaReading
    now_signature: bytes
    logbook: bytes
    contract: bytes
    service: bytes
    page: int

    @property
    def moment(self) -> Moment:
        """Where in the transaction the present register stands."""
        return _MOMENTS[self.context[4]]

    def pack(self) -> bytes:
        """Return the 320 bytes."""
        (now_at, now), (begin_at, begin) = self.now.pack(), self.begin.pack()
        page = self.page.to_bytes(4, "little") if 0 <= self.page < 1 << 32 else b""
        parts = (
            (self.server_id, 10),
            (now_at, 4),
            (now, 17),
            (self.logbook, 2),
            (self.now_signature, 66),
            (self.contract.ljust(128, b"\0"), 128),
            (begin_at, 4),
            (self.service, 20),
            (begin, 17),
            (self.context, 6),
            (page, 4),
        )
        if any(len(part) != width for part, width in parts):
            raise InputError("a field of another length", code="field_range", subject=NAME)
        return b"".join(part for part, _ in parts).ljust(edl40.SIZE, b"\0")


def is_isa(raw: bytes) -> bool:
    """Return whether an SML file's list has the name of this format; False for what does not read."""
    try:
        return sml.starts(raw) and sml.read(raw).name.startswith(_CONTEXT)
    except InputError:
        return False


def read(raw: bytes) -> tuple[IsaRecord, bytes]:
    """Return what is signed and the 64 bytes of its signature; `InputError` where the file is another."""
    found = sml.read(raw)
    name = found.name
    if len(name) != 6 or name[:4] != _CONTEXT or name[4] not in _MOMENTS or name[5] != 0xFF:
        raise InputError("the list's name is not known here", code="layout_unsupported", subject="list name")
    if len(found.signature) != _SIGNATURE_BYTES:
        raise InputError("a signature of another length", code="layout_unsupported", subject="signature")
    contract, service, page = (found.entry(key).value for key in (_CONTRACT, _SERVICE, _PAGE))
    if not (isinstance(contract, bytes) and isinstance(service, bytes) and isinstance(page, int)):
        raise InputError("a field of another kind", code="field_type", subject=NAME)
    now = found.entry(_NOW)
    record = IsaRecord(
        server_id=found.server_id,
        context=name,
        begin=_reading(found.entry(_BEGIN)),
        now=_reading(now),
        now_signature=now.signature,
        logbook=found.signature[64:],
        contract=contract,
        service=service,
        page=page,
    )
    record.pack()
    return record, found.signature[:64]


def _reading(entry: sml.Entry) -> IsaReading:
    match entry.time, entry.value, entry.status, entry.unit, entry.scaler:
        case (2, int(seconds)), int(value), int(status), int(unit), int(scaler):
            return IsaReading(seconds, status & 0xFF, entry.name, unit, scaler, value)
    raise InputError("a register without time, status, unit, scaler or value", code="field_type", subject=NAME)


def meaning_of(records: Sequence[IsaRecord]) -> Meaning:
    """Return what records of one transaction, in order, say together: the last one counts, it holds the begin too."""
    last = records[-1]
    findings: list[Finding] = []
    for number, record in enumerate(records, 1):
        prefix = f"{number}:" if len(records) > 1 else ""
        for name, reading in (("begin", record.begin), ("now", record.now)):
            findings += edl40.value_findings(reading.value, reading.scaler, reading.unit, f"{prefix}{name}.value")
            findings.append(Finding("status_uninterpreted", f"{prefix}{name}.status", f"{reading.status:02X}"))
        findings.append(Finding("clock_missing", f"{prefix}time"))
    findings += _within(last)
    findings += continuity(records)
    begin, now = _signed(last.begin, Moment.BEGIN), _signed(last.now, last.moment)
    end = now if last.moment is Moment.END else None
    during = (_signed(r.now, r.moment) for r in records if r.moment is Moment.DURING)
    readings = (begin, *during) if end is None else (begin, *during, end)
    energy = None
    if end and begin.value_wh is not None and end.value_wh is not None:
        energy = end.value_wh - begin.value_wh
    usable = all(EFFECTS[f.code] is not Effect.UNUSABLE for f in findings)
    return Meaning(
        meter_serial=last.server_id.hex().upper(),
        gateway_serial="",
        page="-".join(dict.fromkeys(str(r.page) for r in (records[0], last))),
        readings=readings,
        registers=(RegisterEnergy(begin.register, begin.direction, begin, end, energy),),
        energy_wh=energy if usable else None,
        findings=tuple(dict.fromkeys(findings)),
        identity_type="CONTRACT",
        identity=last.contract.rstrip(b"\0").hex().upper(),
    )


def _within(record: IsaRecord) -> list[Finding]:
    """Note what does not fit between the two registers of one record."""
    findings = []
    if record.contract.strip(b"\0"):
        findings.append(Finding("identity_in_clear", "contract"))
    if record.moment is not Moment.END:
        findings.append(Finding("end_missing", "now"))
    if record.now.utc_s < record.begin.utc_s:
        findings.append(Finding("time_backwards", "now.time"))
    values = [edl40.energy_wh(r.value, r.scaler, r.unit) for r in (record.begin, record.now)]
    if values[0] is not None and values[1] is not None and values[1] < values[0]:
        findings.append(Finding("register_decreasing", "now.value"))
    return findings


def _signed(reading: IsaReading, moment: Moment) -> SignedReading:
    return SignedReading(
        at=edl40.utc(reading.utc_s),
        clock=None,
        moment=moment,
        register=edl40.register_text(reading.obis),
        direction=Direction.IMPORT,
        value_wh=edl40.energy_wh(reading.value, reading.scaler, reading.unit),
    )


def continuity(records: Sequence[IsaRecord]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records of one meter.

    Records of one transaction share its begin and may share its page; those of neighbours count pages up by one.
    """
    findings: list[Finding] = []
    for number, (before, after) in enumerate(pairwise(records), 2):
        place, pages = f"{number}:", f"{before.page} -> {after.page}"
        if before.server_id != after.server_id:
            findings.append(Finding("meter_changed", f"{place}server_id"))
            continue
        same = (before.begin, before.contract) == (after.begin, after.contract)
        if not same and after.begin.utc_s <= before.begin.utc_s:
            findings.append(Finding("transaction_changed", f"{place}begin"))
        if after.page < before.page or (not same and after.page == before.page):
            findings.append(Finding("page_order", f"{place}page", pages))
        elif after.page > before.page + 1:
            findings.append(Finding("page_gap", f"{place}page", pages))
        if after.now.utc_s < before.now.utc_s:
            findings.append(Finding("time_backwards", f"{place}now.time"))
        values = [edl40.energy_wh(r.now.value, r.now.scaler, r.now.unit) for r in (before, after)]
        if values[0] is not None and values[1] is not None and values[1] < values[0]:
            findings.append(Finding("register_decreasing", f"{place}now.value"))
        if same and after.logbook != before.logbook:
            findings.append(Finding("logbook_changed", f"{place}logbook"))
    return tuple(findings)


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what records of one transaction say together; one that does not read: `InputError`."""
    return meaning_of([read(raw)[0] for raw in raws])


def between(raws: Sequence[bytes]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records; one that does not read: `InputError`."""
    return continuity([read(raw)[0] for raw in raws])


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one record under `keys`; never raises."""
    try:
        record, signature = read(raw)
    except InputError as error:
        return Checked(NAME, Verdict.UNREADABLE, error.code)
    verdict, reason, key = verify_raw(keys, Curve.SECP256R1, record.pack(), signature)
    return Checked(NAME, verdict, reason, meaning_of([record]), key)


FORMAT = Format(name=NAME, sniff=is_isa, parse=parse_transaction, check=check, continuity=between)
