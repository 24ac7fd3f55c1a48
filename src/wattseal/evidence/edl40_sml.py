"""EDL_40_P: a charging meter's signed register as an SML file, secp192r1 (`edl40` has the signed bytes).

The list holds four objects that are signed: the register, the second index, the page and the contract. The list's
signature is 48 bytes and two more, the logbook counter, which is signed too. Newer meters sign further objects and on
another curve: their layout is not known here and such a list is UNREADABLE, never half-read.
"""

from collections.abc import Sequence

from wattseal.base.errors import InputError
from wattseal.crypto.curves import Curve
from wattseal.evidence import edl40, sml
from wattseal.evidence.ecdsa import verify_raw
from wattseal.evidence.edl40 import EdlRecord
from wattseal.evidence.format import Checked, Format, Meaning
from wattseal.evidence.isa_edl40p import is_isa
from wattseal.model.verdict import Finding, Verdict

NAME = "EDL_40_P"
_REGISTER, _SECONDS, _PAGE, _CONTRACT = "0100011100ff", "810060080001", "8180817101ff", "8182815401ff"
_MAKERS_OWN = bytes.fromhex("8180816101ff")
_KNOWN = frozenset({_MAKERS_OWN, *map(bytes.fromhex, (_REGISTER, _SECONDS, _PAGE, _CONTRACT))})
_SIGNATURE_BYTES = 50
_WEEK_MINUTES = 7 * 24 * 60


def sniff(raw: bytes) -> bool:
    """Return whether `raw` is SML, and not ISA's."""
    return sml.starts(raw) and not is_isa(raw)


def read(raw: bytes) -> tuple[EdlRecord, bytes]:
    """Return what is signed and the 48 bytes of its signature; `InputError` where the file is another."""
    found = sml.read(raw)
    if len(found.signature) != _SIGNATURE_BYTES or found.entries.keys() - _KNOWN:
        raise InputError("signed over objects not known here", code="layout_unsupported", subject="signature")
    register, contract = found.entry(_REGISTER), found.entry(_CONTRACT)
    if register.unit is None or register.scaler is None or register.status is None:
        raise InputError("the register has no status, unit or scaler", code="field_missing", subject=_REGISTER)
    record = EdlRecord(
        server_id=found.server_id,
        local_s=_local_s(register.time),
        status=register.status & 0xFF,
        second_index=_second_index(found.entry(_SECONDS).value),
        page=_number(found.entry(_PAGE).value),
        obis=register.name,
        unit=register.unit,
        scaler=register.scaler,
        value=_number(register.value),
        logbook=found.signature[48:],
        contract=_octets(contract.value),
        contract_local_s=_local_s(contract.time),
    )
    record.pack()
    return record, found.signature[:48]


def _local_s(time: sml.Value) -> int:
    """Return the seconds of local time that are signed: SML_TimestampLocal with its offsets, in minutes, added."""
    match time:
        case (3, (int(seconds), int(offset), int(season))) if max(abs(offset), abs(season)) < _WEEK_MINUTES:
            return seconds + 60 * (offset + season)
    raise InputError("a time that is no local time", code="field_type", subject="time")


def _second_index(value: sml.Value) -> int:
    match value:
        case (1, (1, int(seconds))):
            return seconds
    raise InputError("no second index", code="field_type", subject=_SECONDS)


def _number(value: sml.Value) -> int:
    if not isinstance(value, int):
        raise InputError("not a number", code="field_type", subject="value")
    return value


def _octets(value: sml.Value) -> bytes:
    if not isinstance(value, bytes):
        raise InputError("not octets", code="field_type", subject="value")
    return value


def parse_transaction(raws: Sequence[bytes]) -> Meaning:
    """Return what records of one transaction say together; one that does not read: `InputError`."""
    return edl40.meaning_of([read(raw)[0] for raw in raws])


def between(raws: Sequence[bytes]) -> tuple[Finding, ...]:
    """Return what is wrong between consecutive records; one that does not read: `InputError`."""
    return edl40.continuity([read(raw)[0] for raw in raws])


def check(raw: bytes, keys: Sequence[bytes]) -> Checked:
    """Check one record under `keys`; never raises."""
    try:
        record, signature = read(raw)
    except InputError as error:
        return Checked("SML", Verdict.UNREADABLE, error.code)
    verdict, reason, key = verify_raw(keys, Curve.SECP192R1, record.pack(), signature)
    return Checked(NAME, verdict, reason, edl40.meaning_of([record]), key)


FORMAT = Format(name=NAME, sniff=sniff, parse=parse_transaction, check=check, continuity=between)
