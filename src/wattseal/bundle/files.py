"""Checking a file of any kind a person may hold: a bundle, signed meter records, or an XML transparency file."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome, RecordReport, Report
from wattseal.bundle.trust import Trust
from wattseal.evidence import iso15118_receipt, xml_transparency
from wattseal.evidence.findings import Effect, effect_of
from wattseal.evidence.format import Checked, Format, Meaning
from wattseal.model.verdict import Finding, Grade, Source, Verdict

BUNDLE_START = b"\x00\x64wsb1"
_NEXT_RECORD = re.compile(rb"(?m)^[ \t]*(?=OCMF\|)")


@dataclass(frozen=True, slots=True)
class FileReport:
    """The report on one file; `key_source` is "argument", "file" or "" and `problem` why nothing could be read."""

    report: Report
    key_source: str = ""
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the object `wattseal verify --json` prints, without its path."""
        extra = {"key_source": self.key_source, "problem": self.problem}
        return self.report.to_json() | {k: v for k, v in extra.items() if v}


def check_file(data: bytes, trust: Trust | None, public_key: bytes | None) -> FileReport:
    """Check a file's bytes; never raises for bad input. `public_key` is the enrolled meter key for foreign records."""
    if data[1:7] == BUNDLE_START:
        return FileReport(check_bundle(data, trust))
    keys = None if public_key is None else (public_key,)
    records = [part.strip() for part in _NEXT_RECORD.split(data) if part.strip()]
    if records and all(r.startswith(b"OCMF|") for r in records):
        checked = [(r, evidence.check(r, keys or ())) for r in records]
        return FileReport(_foreign_report(checked, graded=keys is not None), "argument" if keys else "")
    single = evidence.format_of(data)
    if single is not None:
        return _check_single(single, data, keys, trust)
    if xml_transparency.sniff(data):
        return _check_xml(data, keys)
    return _unreadable("not a wattseal bundle, a signed meter record in a known format or an XML transparency file")


def _check_single(single: Format, data: bytes, keys: Sequence[bytes] | None, trust: Trust | None) -> FileReport:
    """Check a file that is one record, under the key it carries where none is given.

    A vehicle's receipt is checked under the trust file's contract roots alone: nobody enrols a vehicle's key.
    """
    if single.name == iso15118_receipt.NAME:
        receipt = iso15118_receipt.check_at(data, trust.contracts() if trust else (), None)
        return FileReport(_foreign_report([(data, receipt)], graded=False))
    claimed = single.own_key(data) if keys is None else None
    checked = single.check(data, keys or (() if claimed is None else (claimed,)))
    source = "argument" if keys else "" if claimed is None else "file"
    return FileReport(_foreign_report([(data, checked)], graded=keys is not None), source)


def _check_xml(data: bytes, keys: Sequence[bytes] | None) -> FileReport:
    try:
        values = xml_transparency.read(data)
    except InputError as error:
        return _unreadable(str(error))
    if not values:
        return _unreadable("the XML holds no <value> with signed data")
    checked = [(v.data or b"", xml_transparency.check(v, keys)) for v in values]
    return FileReport(_foreign_report(checked, graded=keys is not None), "file" if keys is None else "argument")


def _unreadable(problem: str) -> FileReport:
    return FileReport(Report(Outcome.UNREADABLE, ()), problem=problem)


def _outcome(verdicts: Sequence[Verdict]) -> Outcome:
    if Verdict.INVALID in verdicts:
        return Outcome.INVALID
    if Verdict.UNREADABLE in verdicts:
        return Outcome.UNREADABLE
    return Outcome.INCOMPLETE if set(verdicts) - {Verdict.VALID} else Outcome.VALID


def _foreign_report(checked: Sequence[tuple[bytes, Checked]], *, graded: bool) -> Report:
    """Report on signed records of one file; energy and grade where all of them tell of one transaction.

    Findings about all of them together stand with the last one.
    """
    outcome = _outcome([c.verdict for _, c in checked])
    records = [RecordReport(c.verdict, c.format, c.reason, c.findings) for _, c in checked]
    meaning, gaps = _together([raw for raw, c in checked if c.meaning is not None])
    if gaps:
        records[-1] = structs.replace(records[-1], findings=(*records[-1].findings, *gaps))
    if meaning is not None and len(records) > 1:
        records = _as_a_whole(records, meaning)
    if outcome is not Outcome.VALID or meaning is None:
        return Report(outcome, (), records)
    grade = _grade(meaning) if graded else None
    source = None if grade is None else Source.METER
    return Report(outcome, (), records, grade=grade, source=source, energy_wh=meaning.energy_wh)


_HALVES = frozenset({"begin_missing", "end_missing"})
"""Of no account in one record where others of the file have the other half."""


def _as_a_whole(records: Sequence[RecordReport], meaning: Meaning) -> list[RecordReport]:
    """Leave to the whole transaction what it says of begin and end, and of records that do not fit together."""
    told = {f.code for f in meaning.findings}
    kept = [structs.replace(r, findings=tuple(f for f in r.findings if f.code not in _HALVES - told)) for r in records]
    own = {f.code for r in kept for f in r.findings}
    more = tuple(f for f in meaning.findings if f.code not in own)
    return [*kept[:-1], structs.replace(kept[-1], findings=(*kept[-1].findings, *more))]


def _together(raws: Sequence[bytes]) -> tuple[Meaning | None, tuple[Finding, ...]]:
    try:
        return evidence.parse_transaction(raws), evidence.continuity(raws)
    except InputError:  # none, of several formats, or whole transactions one after the other
        return None, ()


def _grade(meaning: Meaning) -> Grade:
    """G2 where the meter signed start and end and nothing makes the energy unusable, else G0: imported, no more."""
    unusable = any(effect_of(f) is Effect.UNUSABLE for f in meaning.findings)
    return Grade.G0 if unusable or meaning.energy_wh is None else Grade.G2
