"""EDL_40_MENNEKES: a billing file with the fields of two EDL40 records, begin and end, each signed (secp192r1).

The signed bytes are put together again from the fields (`edl40`): times as local time with the offset they are written
with, the register always 1.17.0 in Wh, the event counter as the logbook. Names, addresses and titles of the file are
signed by nobody and not read. One file is one record here and holds one charging process.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from wattseal.base.errors import InputError
from wattseal.crypto.curves import Curve
from wattseal.evidence import edl40, strict_xml
from wattseal.evidence.ecdsa import all_of, verify_raw
from wattseal.evidence.edl40 import EdlRecord
from wattseal.evidence.format import Checked, Format, Meaning, Moment
from wattseal.evidence.strict_xml import Element
from wattseal.model.verdict import Finding, Verdict

NAME = "EDL_40_MENNEKES"
MAX_BYTES = 65_536
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_SIGNATURE_BYTES = 48
_BOUNDS = (Moment.BEGIN, Moment.END)
Measured = tuple[EdlRecord, bytes]


def sniff(raw: bytes) -> bool:
    """Return whether `raw` is such a file, or its one process alone."""
    return strict_xml.starts(raw, b"Billing", b"ChargingProcess")


def read(raw: bytes) -> tuple[Measured, Measured]:
    """Return begin and end, each with its signature; `InputError` where the file is another."""
    process = _process(raw)
    return _measured(process, "MeasurementStart"), _measured(process, "MeasurementEnd")


def _process(raw: bytes) -> Element:
    processes = strict_xml.read(raw.strip(b" \t\r\n"), MAX_BYTES).all("ChargingProcess")
    if len(processes) != 1:
        text = f"{len(processes)} charging processes in one file: give them one by one"
        raise InputError(text, code="layout_unsupported", subject="ChargingProcess")
    return processes[0]


def _measured(process: Element, name: str) -> Measured:
    told = process.only(name)
    customer = told.optional("TimestampCustomerIdent") or process.only("TimestampCustomerIdent")
    signature = _hex(told.only("Signature"))
    if len(signature) != _SIGNATURE_BYTES:
        raise InputError("a signature of another length", code="layout_unsupported", subject="Signature")
    record = EdlRecord(
        server_id=_hex(process.only("ServerId")),
        local_s=_local_s(told.only("Timestamp")),
        status=_integer(told.only("MeterStatus")) & 0xFF,
        second_index=_integer(told.only("SecondIndex")),
        page=_integer(told.only("Pagination")),
        obis=edl40.REGISTER,
        unit=edl40.UNIT_WH,
        scaler=_integer(told.only("Scaler")),
        value=_integer(told.only("Value")),
        logbook=(_integer(told.only("EventCounter")) & 0xFFFF).to_bytes(2),
        contract=_hex(process.only("CustomerIdent")),
        contract_local_s=_local_s(customer),
    )
    record.pack()
    return record, signature


def _hex(element: Element) -> bytes:
    text = "".join(element.text.split())
    if not _HEX.fullmatch(text):
        raise InputError(f"<{element.name}> is not hex", code="field_encoding", subject=element.name)
    return bytes.fromhex(text)


def _integer(element: Element) -> int:
    text = element.text.strip()
    if not _INTEGER.fullmatch(text):
        raise InputError(f"<{element.name}> is no integer", code="field_type", subject=element.name)
    return int(text)


def _local_s(element: Element) -> int:
    """Return the seconds of local time: what the clock on the wall showed, which is what the meter signed."""
    text = element.text.strip()
    try:
        if not _TIME.fullmatch(text):
            raise InputError(f"<{element.name}> is no time", code="field_type", subject=element.name)
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise InputError(f"<{element.name}> is no time", code="field_type", subject=element.name) from error


def own_key(raw: bytes) -> bytes | None:
    """Return the key that the file carries: a claim."""
    try:
        return _hex(_process(raw).only("PublicKey"))
    except InputError:
        return None


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what one file says, begin and end; several files, or one that does not read: `InputError`."""
    if len(raws) != 1:
        raise InputError("one file is a whole transaction", code="layout_unsupported", subject=NAME)
    return edl40.meaning_of([record for record, _ in read(raws[0])], _BOUNDS)


def between(raws: Sequence[bytes]) -> tuple[Finding, ...]:
    """Return what is wrong between the records of consecutive files; one that does not read: `InputError`."""
    return edl40.continuity([record for raw in raws for record, _ in read(raw)])


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check both signatures of one file under `keys`; never raises."""
    try:
        measured = read(raw)
    except InputError as error:
        return Checked(NAME, Verdict.UNREADABLE, error.code)
    verdict, reason, key = all_of(
        verify_raw(keys, Curve.SECP192R1, record.pack(), signature) for record, signature in measured
    )
    return Checked(NAME, verdict, reason, edl40.meaning_of([record for record, _ in measured], _BOUNDS), key)


FORMAT = Format(name=NAME, sniff=sniff, parse=parse_transaction, check=check, continuity=between, own_key=own_key)
