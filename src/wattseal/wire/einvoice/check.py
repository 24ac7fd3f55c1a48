"""The check of an invoice's PDF, offline: each line by the bundle attached to it, the sums, and what is printed.

A line is VALID where its bundle is, under the trust file, and bundle, e-invoice and printed page say the same energy,
times, price and evidence. A grade higher than the one printed is no fault: witnesses may have come later.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import parse_bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.model.invoice import Language
from wattseal.model.verdict import Grade
from wattseal.wire.einvoice.attach import InvoiceFile
from wattseal.wire.einvoice.read import Shown, ShownLine, read_cii
from wattseal.wire.einvoice.words import WORDS, Words

_CREDIT_NOTE = "381"
_WORST_FIRST = (Outcome.INVALID, Outcome.UNREADABLE, Outcome.INCOMPLETE)


@dataclass(frozen=True, slots=True)
class LineReport:
    """One line: the verdict, why as a code where it is not VALID, and the verifier's report on its bundle."""

    number: int
    verdict: Outcome
    reason: str = ""
    shown: ShownLine | None = None
    report: Report | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the line for `--json`."""
        told: dict[str, Any] = {"line": self.number, "verdict": self.verdict.value, "reason": self.reason or None}
        if self.shown is not None:
            told |= {
                "session": self.shown.session,
                "energy_wh": format(self.shown.energy_wh, "f"),
                "charged": format(self.shown.charged, "f"),
                "grade": self.shown.grade,
                "source": self.shown.source,
            }
        return told | {"bundle": None if self.report is None else self.report.to_json()}


@dataclass(frozen=True, slots=True)
class InvoiceReport:
    """What an invoice's PDF is worth: its lines, and what is wrong with it as a whole, as codes."""

    shown: Shown
    lines: Sequence[LineReport]
    faults: Sequence[str]

    @property
    def verdict(self) -> Outcome:
        """The worst of all."""
        found = {line.verdict for line in self.lines} | ({Outcome.INVALID} if self.faults else set())
        return next((outcome for outcome in _WORST_FIRST if outcome in found), Outcome.VALID)

    def to_json(self) -> dict[str, Any]:
        """Return the report for `--json`."""
        return {
            "number": self.shown.number,
            "seller": self.shown.seller,
            "currency": self.shown.currency,
            "payable": format(self.shown.payable, "f"),
            "verdict": self.verdict.value,
            "faults": list(self.faults),
            "lines": [line.to_json() for line in self.lines],
        }


def check_invoice(data: bytes, trust: Trust | None, keys: Sequence[SealPrivateKey] = ()) -> InvoiceReport:
    """Check a PDF's bytes; `InputError` where it is no PDF with an e-invoice of ours."""
    file = InvoiceFile(data)
    shown = read_cii(file.xml)
    printed = " ".join(file.text.split())
    sessions = Counter(line.session for line in shown.lines)
    lines = []
    for line in shown.lines:
        report = _line(line, shown.currency, file.bundles.get(line.number), trust, keys)
        if sessions[line.session] > 1:
            report = LineReport(line.number, Outcome.INVALID, "charged_twice", line, report.report)
        elif report.verdict is not Outcome.INVALID and not _printed(line, shown.currency, printed):
            report = LineReport(line.number, Outcome.INVALID, "printed_differs", line, report.report)
        lines.append(report)
    return InvoiceReport(shown, lines, tuple(_faults(shown, file, printed)))


def _faults(shown: Shown, file: InvoiceFile, printed: str) -> Iterator[str]:
    yield from shown.faults()
    if not shown.lines:
        yield "no_lines"
    if file.bundles.keys() - {line.number for line in shown.lines}:
        yield "bundle_of_no_line"
    totals = {_due(shown, WORDS[language]) for language in Language}
    if not any(total in printed for total in totals) or shown.number not in printed:
        yield "printed_total_differs"


def _due(shown: Shown, words: Words) -> str:
    credit = shown.type_code == _CREDIT_NOTE
    label, amount = (words.given_back, shown.gross + shown.rounding) if credit else (words.payable, shown.payable)
    return f"{label} {words.amount(amount, shown.currency)} {shown.currency}"


def _line(
    line: ShownLine, currency: str, data: bytes | None, trust: Trust | None, keys: Sequence[SealPrivateKey]
) -> LineReport:
    if data is None:
        return LineReport(line.number, Outcome.INCOMPLETE, "bundle", line)
    report = check_bundle(data, trust, keys)
    failure = report.failure
    if report.verdict is Outcome.UNREADABLE:
        return LineReport(line.number, Outcome.INVALID, "bundle_unreadable", line, report)
    differs = _differs(line, currency, data, report)
    if differs:
        return LineReport(line.number, Outcome.INVALID, differs, line, report)
    if report.verdict is not Outcome.VALID:
        return LineReport(line.number, report.verdict, failure.reason if failure else "", line, report)
    if _cdr(data) is None:
        return LineReport(line.number, Outcome.INCOMPLETE, "price", line, report)
    if line.corrected:
        return LineReport(line.number, Outcome.INCOMPLETE, "price_decided", line, report)
    return LineReport(line.number, Outcome.VALID, "", line, report)


def _differs(line: ShownLine, currency: str, data: bytes, report: Report) -> str:
    """Return what the line says otherwise than its bundle, as a code; "" where nothing is."""
    subjects = {item.payload.subject.hex() for item in parse_bundle(data).items if item.payload.subject is not None}
    if line.session not in subjects:
        return "another_session"
    if report.energy_wh is not None and report.energy_wh != line.energy_wh:
        return "energy_differs"
    if report.grade is not None and report.source is not None:
        if line.grade not in Grade.__members__ or Grade[line.grade] > report.grade:
            return "grade_differs"
        if line.source != report.source.value:
            return "source_differs"
    cdr = _cdr(data)
    if cdr is None:
        return ""
    if cdr.energy_wh != line.energy_wh:
        return "energy_differs"
    if (cdr.start_ms, cdr.end_ms) != (line.start_ms, line.end_ms):
        return "times_differ"
    same = (cdr.currency, cdr.total_excl_vat, cdr.total_incl_vat) == (currency, line.net, line.charged)
    return "" if same or line.corrected else "price_differs"


def _cdr(data: bytes) -> CdrSummary | None:
    try:
        value = parse_bundle(data).cdr
        return None if value is None else CdrSummary.read(value)
    except InputError:
        return None


def _printed(line: ShownLine, currency: str, printed: str) -> bool:
    """Return whether what is printed beside a line's receipt is what the e-invoice says, in one of our languages."""
    _, found, after = printed.partition(f" {line.receipt} ")
    return bool(found) and any(_figures(line, currency, WORDS[language], after) for language in Language)


def _figures(line: ShownLine, currency: str, words: Words, after: str) -> bool:
    rest = after
    if not rest.startswith(words.kwh(line.energy_wh) + " "):
        return False
    rest = rest.removeprefix(words.kwh(line.energy_wh)).lstrip()
    for part in line.parts:
        head = f"{words.amount(part.net, currency)} {words.percent(part.percent)} "
        if not rest.startswith(head):
            return False
        _tax, _, rest = rest.removeprefix(head).partition(" ")
    return rest.startswith(words.amount(line.charged, currency))
