"""What a meter signed inside a message: verified under the enrolled key only, compared with what the message says."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.base.units import ROUNDING_WH
from wattseal.crypto.curves import parse_public_key
from wattseal.evidence.findings import Effect, effect_of
from wattseal.evidence.format import Checked, Direction, Moment
from wattseal.model.metering import RawEvidence, Reading
from wattseal.model.transaction import EvidenceVerdict
from wattseal.model.verdict import Finding, Verdict
from wattseal.rules.recorded import UNREMARKABLE, Observed
from wattseal.rules.vehicle import Contracts, Shown, examine_receipts, is_receipt

MAX_EVIDENCE = 16
"""Signed readings looked at in one message; more are kept in the raw frame only."""
MAX_EVIDENCE_BYTES = 16_000
"""Signed bytes that a record holds beside its frame."""


class Metered(Struct, frozen=True):
    """Evidence of one message: what to keep, what was observed, the registers that verified, what vehicles signed."""

    evidence: tuple[tuple[str, bytes], ...] = ()
    observed: Observed = UNREMARKABLE
    signed_wh: Decimal | None = None
    valid: tuple[bytes, ...] = ()
    shown: tuple[Shown, ...] = ()


NONE = Metered()
_NO_CONTRACTS = Contracts()


def examine(
    readings: Sequence[Reading],
    record: str,
    moment: Moment | None,
    key: bytes | None,
    serial: str | None,
    *,
    contracts: Contracts = _NO_CONTRACTS,
) -> Metered:
    """Check the evidence among `readings` for the record named ("started", "reading", "ended").

    `signed_wh` is the last verified import register at `moment`. A key sent along is compared with the enrolled `key`,
    never used. Receipts of vehicles are checked under `contracts` and kept beside what the meter signed.
    """
    found = tuple(r.evidence for r in readings if r.evidence is not None)
    if not found:
        return NONE
    notes: list[Finding] = []
    verdicts: list[EvidenceVerdict] = []
    valid: list[bytes] = []
    signed_wh: Decimal | None = None
    looked_at = tuple(dict.fromkeys(found[:MAX_EVIDENCE]))
    receipts = examine_receipts([raw for raw in looked_at if is_receipt(raw)], contracts, serial)
    for raw in looked_at:
        if is_receipt(raw):
            continue
        checked = evidence.check(raw.data, () if key is None else (key,))
        verdicts.append(EvidenceVerdict(record, checked.format or raw.format, checked.verdict, checked.reason))
        notes.extend(_notes(raw, checked, key, serial))
        if checked.verdict is Verdict.VALID:
            valid.append(raw.data)
            at_moment = _register_wh(checked, moment)
            signed_wh = signed_wh if at_moment is None else at_moment
    kept, left = _fitting(found[:MAX_EVIDENCE])
    if left:
        notes.append(Finding("evidence_left_in_frame", "evidence", f"{left} records"))
    observed = Observed(tuple(dict.fromkeys((*notes, *receipts.notes))), (*verdicts, *receipts.verdicts))
    return Metered(kept, observed, signed_wh, tuple(valid), receipts.shown)


def _fitting(found: Sequence[RawEvidence]) -> tuple[tuple[tuple[str, bytes], ...], int]:
    """Return what a record holds of the evidence, and how many records of it are left in the frame alone."""
    kept: list[tuple[str, bytes]] = []
    room, each = MAX_EVIDENCE_BYTES, tuple(dict.fromkeys(found))
    for raw in each:
        if len(raw.data) <= room:
            room -= len(raw.data)
            kept.append((raw.format[:64], raw.data))
    return tuple(kept), len(each) - len(kept)


def reconcile(plain_wh: Decimal | None, metered: Metered) -> tuple[Decimal | None, tuple[Finding, ...]]:
    """Return the register to record: the signed one where it says the same, the plain one with an alarm where not."""
    if metered.signed_wh is None:
        return plain_wh, ()
    if plain_wh is None or abs(plain_wh - metered.signed_wh) < ROUNDING_WH:
        return metered.signed_wh, ()
    return plain_wh, (Finding("evidence_differs", "register_wh", f"{plain_wh} told, {metered.signed_wh} signed"),)


def signed_end_wh(valid: Sequence[bytes]) -> Decimal | None:
    """Return the import register at the end that verified records tell; None where none of them tells an end."""
    for raw in reversed(valid):
        try:
            meaning = evidence.parse_transaction((raw,))
        except InputError:
            continue
        ends = [r.value_wh for r in meaning.readings if r.direction is Direction.IMPORT and r.moment is Moment.END]
        if ends and ends[-1] is not None:
            return ends[-1]
    return None


def signed_start_wh(valid: Sequence[bytes], start_wh: Decimal | None, end_wh: Decimal | None) -> Decimal | None:
    """Return the register at the start after the meter: what, up to `end_wh`, gives the energy that it signed.

    None where verified records, begin and end together, do not tell this session's energy. `start_wh` as the station
    told it may be rounded; the meter's figure is the one that counts.
    """
    if not valid or start_wh is None or end_wh is None:
        return None
    try:
        meaning = evidence.parse_transaction(tuple(dict.fromkeys(valid)))
    except InputError:
        return None
    exact_wh = None if meaning.energy_wh is None else end_wh - meaning.energy_wh
    return None if exact_wh is None or abs(exact_wh - start_wh) >= ROUNDING_WH else exact_wh


def pages_complete(valid: Sequence[bytes]) -> bool:
    """Return whether the verified records of one meter follow each other page by page, with nothing doubtful."""
    try:
        doubts = evidence.parse_transaction(tuple(dict.fromkeys(valid))).findings
    except InputError:
        return False
    return all(effect_of(finding) is Effect.NOTE for finding in doubts)


def _notes(raw: RawEvidence, checked: Checked, key: bytes | None, serial: str | None) -> list[Finding]:
    notes = list(checked.findings)
    match checked.verdict:
        case Verdict.INVALID:
            notes.append(Finding("evidence_invalid", "signature", checked.reason))
        case Verdict.UNREADABLE if checked.reason == "format_unknown":
            notes.append(Finding("evidence_format_unknown", "signature", raw.format[:50]))
        case Verdict.UNREADABLE:
            notes.append(Finding("evidence_unreadable", "signature", checked.reason))
        case Verdict.UNKNOWN_KEY:
            notes.append(Finding("evidence_key_unknown", "signature", checked.reason))
        case Verdict.VALID | Verdict.UNSIGNED:
            pass
    if key is not None and raw.public_key is not None and not _same_key(raw.public_key, key):
        notes.append(Finding("evidence_key_differs", "public_key"))
    if serial is not None and checked.meaning is not None and serial not in checked.meaning.serials():
        notes.append(Finding("evidence_of_another_meter", "meter_serial"))
    return notes


def _same_key(sent: bytes, enrolled: bytes) -> bool:
    try:
        return parse_public_key(sent).point == parse_public_key(enrolled).point
    except InputError:
        return sent == enrolled


def _register_wh(checked: Checked, moment: Moment | None) -> Decimal | None:
    if checked.meaning is None:
        return None
    values = [
        r.value_wh
        for r in checked.meaning.readings
        if r.direction is Direction.IMPORT
        and r.value_wh is not None
        and (moment is None or r.moment in {moment, Moment.UNSTATED})
    ]
    return values[-1] if values else None
