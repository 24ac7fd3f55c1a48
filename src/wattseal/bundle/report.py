"""What the verifier says: numbered steps, records, a verdict and a grade; values, never bools."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec import Struct

from wattseal.model.verdict import Finding, Grade, Source, Verdict
from wattseal.pricing.money import COMPONENT_DIGITS, rounded
from wattseal.pricing.periods import Point
from wattseal.pricing.trace import Priced, TraceLine


class Outcome(StrEnum):
    """The verdict on a whole file."""

    VALID = "VALID"
    INVALID = "INVALID"
    INCOMPLETE = "INCOMPLETE"
    UNREADABLE = "UNREADABLE"


class StepResult(StrEnum):
    """What became of one numbered step."""

    OK = "ok"
    FAILED = "failed"
    INCOMPLETE = "incomplete"
    NOT_APPLICABLE = "not_applicable"
    NOT_REACHED = "not_reached"


STEP_NAMES = (
    "limits and strict parse",
    "suite",
    "keys entitled",
    "signatures",
    "chain",
    "commitments",
    "foreign evidence",
    "continuity",
    "inclusion",
    "checkpoint and witnesses",
    "authorisation",
    "price",
    "grade",
)


class Step(Struct, frozen=True, gc=False):
    """One step: `reason` is a message code, `field` and `record` name the place where it failed or what is missing."""

    number: int
    result: StepResult
    reason: str = ""
    field: str = ""
    record: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the step for `--json`."""
        named = {"reason": self.reason, "field": self.field, "record": self.record}
        shown = {k: v for k, v in named.items() if v}
        return {"step": self.number, "name": STEP_NAMES[self.number], "result": self.result.value} | shown


def finding_to_json(finding: Finding) -> dict[str, str]:
    """Return a finding for `--json`."""
    named = {"code": finding.code, "field": finding.field, "detail": finding.detail}
    return {k: v for k, v in named.items() if v}


class RecordReport(Struct, frozen=True, gc=False):
    """What was found of one record: its signature's verdict, and findings on its meaning."""

    verdict: Verdict
    format: str
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    record: str = ""
    kind: str = ""
    signer: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the record for `--json`."""
        shown: dict[str, Any] = {
            "verdict": self.verdict.value,
            "format": self.format,
            "reason": self.reason,
            "findings": [finding_to_json(f) for f in self.findings],
        }
        named = {"record": self.record, "kind": self.kind, "signer": self.signer}
        return shown | {k: v for k, v in named.items() if v}


@dataclass(frozen=True, slots=True)
class Repriced:
    """What a bundle's records come to under the tariff that was agreed, whoever asks for what; `tariff` is its id."""

    tariff: str
    priced: Priced

    def to_json(self) -> dict[str, Any]:
        """Return the price for `--json`; amounts are decimal strings, the lines' with at most four digits."""
        total, after_tax = self.priced.total, self.priced.total.after_tax
        return {
            "tariff": self.tariff,
            "currency": self.priced.currency,
            "total_excl_vat": format(total.before_tax, "f"),
            "total_incl_vat": format(total.before_tax if after_tax is None else after_tax, "f"),
            "taxes": [
                {
                    "percent": None if part.percent is None else format(part.percent, "f"),
                    "net": format(part.net, "f"),
                    "tax": format(part.tax, "f"),
                }
                for part in self.priced.taxes
            ],
            "lines": [_line_to_json(line) for line in self.priced.trace],
        }


def _line_to_json(line: TraceLine) -> dict[str, Any]:
    return {
        "why": line.why,
        "dimension": line.dimension,
        "local_start": line.local_start.isoformat(),
        "element": line.element,
        "component": line.component,
        "quantity": format(line.quantity, "f"),
        "unit_price": format(line.unit_price, "f"),
        "vat_percent": None if line.vat_percent is None else format(line.vat_percent, "f"),
        "before_tax": format(rounded(line.before_tax, COMPONENT_DIGITS), "f"),
        "after_tax": format(rounded(line.after_tax, COMPONENT_DIGITS), "f"),
    }


class Identification(Struct, frozen=True, gc=False):
    """A level of OCMF (None where none follows from what is shown), on which basis, and whose word it is.

    `basis` is "decision" (whoever decided was shown more than a number, of which `reference` is the hash), "token" (its
    kind, as recorded), "meter" (signed by it), "hidden" (the identity group is not open) or "not_told". `word` is
    "operator" where nobody but the CPO says so, "decider", "recorder" or "meter" where somebody else does. `meter` is
    what the meter signed, whether or not it counts.
    """

    level: str | None
    basis: str
    word: str = ""
    said_by: str = ""
    reference: str = ""
    meter: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return it for `--json`."""
        named = {name: getattr(self, name) for name in ("basis", "word", "said_by", "reference", "meter")}
        return {"level": self.level} | {name: text for name, text in named.items() if text}


@dataclass(frozen=True, slots=True)
class Report:
    """The verifier's whole answer. `points` are what a price is made from, of a bundle that is VALID; start first.

    `price` is the price recomputed, where step 11 was reached and something states one; `identification` how sure it is
    who charged, of a bundle that is VALID.
    """

    verdict: Outcome
    steps: Sequence[Step]
    records: Sequence[RecordReport] = ()
    grade: Grade | None = None
    source: Source | None = None
    energy_wh: Decimal | None = None
    findings: Sequence[Finding] = field(default=())
    points: tuple[Point, ...] = ()
    price: Repriced | None = None
    identification: Identification | None = None

    @property
    def failure(self) -> Step | None:
        """The first step that failed, or else the first that lacks something."""
        for result in (StepResult.FAILED, StepResult.INCOMPLETE):
            for step in self.steps:
                if step.result is result:
                    return step
        return None

    def to_json(self) -> dict[str, Any]:
        """Return the report for `--json`; energies are decimal strings in Wh."""
        return {
            "verdict": self.verdict.value,
            "grade": self.grade.name if self.grade is not None else None,
            "source": self.source.value if self.source is not None else None,
            "energy_wh": None if self.energy_wh is None else format(self.energy_wh, "f"),
            "price": None if self.price is None else self.price.to_json(),
            "identification": None if self.identification is None else self.identification.to_json(),
            "steps": [s.to_json() for s in self.steps],
            "records": [r.to_json() for r in self.records],
            "findings": [finding_to_json(f) for f in dict.fromkeys(self.findings)],
        }


def place_text(place: tuple[str, int, int, int]) -> str:
    """Return a place as people read it: `CPO/CS001 stream 1 epoch 0 seq 3`."""
    return f"{place[0]} stream {place[1]} epoch {place[2]} seq {place[3]}"
