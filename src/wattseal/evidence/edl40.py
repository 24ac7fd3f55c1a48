"""The 320 bytes that EDL40 charging meters sign, and what such records say.

The layout as verification software of the market has it: device id, local time, status, second index, pagination,
OBIS, unit, scaler, register, logbook, contract and its local time; numbers little-endian. The signature is r || s over
their SHA-256 (on secp192r1, ECDSA itself cuts the hash to 24 bytes). Three carriers bring it: SML, XML of the bytes as
such, and MENNEKES billing files.

Two things the bytes do not say, so that nobody may read them out: where local time stands to UTC (times are given as
if they were UTC, on a relative clock), and whether a reading begins or ends a transaction. That two readings belong to
one transaction they do say: contract and its time are in both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Context, Decimal, Inexact
from itertools import pairwise

from wattseal.base.errors import InputError
from wattseal.base.units import MAX_ENERGY_WH
from wattseal.evidence.findings import EFFECTS, Effect
from wattseal.evidence.format import Clock, Direction, Meaning, Moment, RegisterEnergy, SignedReading
from wattseal.model.verdict import Finding

SIZE = 320
REGISTER = bytes.fromhex("0100011100ff")
UNIT_WH = 30
MAX_SCALER = 9
_EXACT = Context(prec=60, traps=[Inexact])
_CLOCK_SET_AFTER_S = 946_684_800
"""2000-01-01: a clock that says less was never set."""


@dataclass(frozen=True, slots=True)
class EdlRecord:
    """What is signed. `local_s` and `contract_local_s` are Unix seconds of local time; `rest` the last 147 bytes."""

    server_id: bytes
    local_s: int
    status: int
    second_index: int
    page: int
    obis: bytes
    unit: int
    scaler: int
    value: int
    logbook: bytes
    contract: bytes
    contract_local_s: int
    rest: bytes = bytes(147)

    def pack(self) -> bytes:
        """Return the 320 bytes; a field out of its range raises `InputError`."""
        try:
            packed = b"".join(
                (
                    self.server_id,
                    self.local_s.to_bytes(4, "little"),
                    self.status.to_bytes(1),
                    self.second_index.to_bytes(4, "little"),
                    self.page.to_bytes(4, "little"),
                    self.obis,
                    self.unit.to_bytes(1),
                    self.scaler.to_bytes(1, signed=True),
                    self.value.to_bytes(8, "little", signed=True),
                    self.logbook,
                    self.contract.ljust(128, b"\0"),
                    self.contract_local_s.to_bytes(4, "little"),
                    self.rest,
                )
            )
        except OverflowError as error:
            raise InputError("a number out of its range", code="field_range", subject="EDL40") from error
        widths = (len(self.server_id), len(self.obis), len(self.logbook))
        if widths != (10, 6, 2) or len(packed) != SIZE:
            raise InputError("a field of another length", code="field_range", subject="EDL40")
        return packed

    @staticmethod
    def unpack(data: bytes) -> "EdlRecord":
        """Return the fields of 320 bytes; of another number of bytes: `InputError`."""
        if len(data) != SIZE:
            raise InputError(f"{len(data)} bytes and not {SIZE}", code="field_range", subject="EDL40")
        return EdlRecord(
            server_id=data[:10],
            local_s=int.from_bytes(data[10:14], "little"),
            status=data[14],
            second_index=int.from_bytes(data[15:19], "little"),
            page=int.from_bytes(data[19:23], "little"),
            obis=data[23:29],
            unit=data[29],
            scaler=int.from_bytes(data[30:31], signed=True),
            value=int.from_bytes(data[31:39], "little", signed=True),
            logbook=data[39:41],
            contract=data[41:169],
            contract_local_s=int.from_bytes(data[169:173], "little"),
            rest=data[173:],
        )


def energy_wh(value: int, scaler: int, unit: int) -> Decimal | None:
    """Return value x 10^scaler in Wh, exactly; None where it is no energy an electricity meter can show."""
    if unit != UNIT_WH or abs(scaler) > MAX_SCALER or value < 0:
        return None
    scaled = _EXACT.scaleb(Decimal(value), scaler)
    plain = scaled.quantize(Decimal(1), context=_EXACT) if scaler > 0 else scaled
    return plain if plain < MAX_ENERGY_WH else None


def value_findings(value: int, scaler: int, unit: int, place: str) -> list[Finding]:
    """Note why `energy_wh` gives none."""
    if energy_wh(value, scaler, unit) is not None:
        return []
    code = "unit_unknown" if unit != UNIT_WH else "value_negative" if value < 0 else "value_malformed"
    return [Finding(code, place)]


def utc(seconds: int) -> datetime:
    """Return Unix seconds as a time."""
    return datetime.fromtimestamp(seconds, UTC)


def register_text(obis: bytes) -> str:
    """Return six OBIS bytes as OCMF writes them, in hex: "01-00:01.11.00*FF"."""
    return "{:02X}-{:02X}:{:02X}.{:02X}.{:02X}*{:02X}".format(*obis)


def meaning_of(records: Sequence[EdlRecord], moments: Sequence[Moment] = ()) -> Meaning:
    """Return what records of one transaction, in order, say together; at least one is given.

    `moments`, where the carrier states them, are taken; else the first of several is the begin and the last the end,
    with a finding.
    """
    findings: list[Finding] = []
    readings = []
    for number, record in enumerate(records, 1):
        prefix = f"{number}:" if len(records) > 1 else ""
        findings += _own_findings(record, prefix)
        moment = moments[number - 1] if moments else Moment.UNSTATED
        readings.append(_reading(record, moment))
    findings += continuity(records)
    findings += _pairing(records, stated=bool(moments))
    begin, end = (readings[0], readings[-1]) if len(readings) > 1 else (None, None)
    energy = None
    if begin and end and begin.value_wh is not None and end.value_wh is not None:
        energy = _EXACT.subtract(end.value_wh, begin.value_wh)
    register = RegisterEnergy(readings[0].register, readings[0].direction, begin, end, energy)
    usable = all(EFFECTS[f.code] is not Effect.UNUSABLE for f in findings)
    first = records[0]
    return Meaning(
        meter_serial=first.server_id.hex().upper(),
        gateway_serial="",
        page="-".join(dict.fromkeys(str(r.page) for r in (first, records[-1]))),
        readings=tuple(readings),
        registers=(register,),
        energy_wh=energy if usable else None,
        findings=tuple(dict.fromkeys(findings)),
        identity_type="CONTRACT",
        identity=first.contract.rstrip(b"\0").hex().upper(),
    )


def _own_findings(record: EdlRecord, prefix: str) -> list[Finding]:
    findings = [
        *value_findings(record.value, record.scaler, record.unit, f"{prefix}value"),
        Finding("time_local", f"{prefix}time"),
        Finding("status_uninterpreted", f"{prefix}status", f"{record.status:02X}"),
    ]
    if record.local_s < _CLOCK_SET_AFTER_S:
        findings.append(Finding("clock_unsynchronised", f"{prefix}time"))
    if record.obis != REGISTER:
        findings.append(Finding("register_unknown", f"{prefix}obis", register_text(record.obis)))
        findings.append(Finding("import_missing", f"{prefix}obis"))
    if any(record.rest):
        findings.append(Finding("extension_uninterpreted", f"{prefix}rest"))
    if record.contract.strip(b"\0"):
        findings.append(Finding("identity_in_clear", "contract"))
    return findings


def _reading(record: EdlRecord, moment: Moment) -> SignedReading:
    known = record.obis == REGISTER
    return SignedReading(
        at=utc(record.local_s),
        clock=Clock.RELATIVE if record.local_s >= _CLOCK_SET_AFTER_S else Clock.UNKNOWN,
        moment=moment,
        register=register_text(record.obis),
        direction=Direction.IMPORT if known else Direction.OTHER,
        value_wh=energy_wh(record.value, record.scaler, record.unit) if known else None,
    )


def _pairing(records: Sequence[EdlRecord], *, stated: bool) -> list[Finding]:
    """Note what ties the records to one transaction, or does not."""
    if len(records) == 1:
        return [Finding("end_missing", "records")]
    findings = [] if stated else [Finding("bounds_unstated", "records")]
    if len({(r.contract.rstrip(b"\0"), r.contract_local_s) for r in records}) > 1:
        findings.append(Finding("transaction_changed", "contract"))
    if len({r.logbook for r in records}) > 1:
        findings.append(Finding("logbook_changed", "logbook"))
    return findings


def continuity(records: Iterable[EdlRecord]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records: another meter, pages, order in time, a rewind."""
    findings: list[Finding] = []
    for number, (before, after) in enumerate(pairwise(records), 2):
        place = f"{number}:"
        if before.server_id != after.server_id:
            findings.append(Finding("meter_changed", f"{place}server_id"))
            continue
        pages = f"{before.page} -> {after.page}"
        if after.page <= before.page:
            findings.append(Finding("page_order", f"{place}page", pages))
        elif after.page != before.page + 1:
            findings.append(Finding("page_gap", f"{place}page", pages))
        if after.second_index < before.second_index:
            findings.append(Finding("time_backwards", f"{place}second_index"))
        values = [energy_wh(r.value, r.scaler, r.unit) for r in (before, after)]
        if values[0] is not None and values[1] is not None and values[1] < values[0]:
            findings.append(Finding("register_decreasing", f"{place}value"))
    return tuple(findings)
