"""Verdicts and grades: results of verification are values, never bools."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Verdict(StrEnum):
    """What the signature of one record or evidence says; meaning is told by findings."""

    VALID = "VALID"
    INVALID = "INVALID"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNSIGNED = "UNSIGNED"
    UNREADABLE = "UNREADABLE"


class Grade(IntEnum):
    """Evidence grades G0 to G4 (docs/spec/bundle.md); cumulative, never rounded up."""

    G0 = 0
    G1 = 1
    G2 = 2
    G3 = 3
    G4 = 4


class Source(StrEnum):
    """Who signed what a grade rests on."""

    METER = "meter"
    STATION = "station"
    EDGE = "edge"
    CSMS = "csms"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader should know about a record: a translatable `code`, the `field` it is about, parameters.

    Findings lower a grade and never change a verdict.
    """

    code: str
    field: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class EvidencePin:
    """The grade and source a station's sessions must reach, fixed at enrolment."""

    grade: Grade
    source: Source


def attainable(source: Source, *, sealed: bool) -> Grade:
    """Return the best grade a session with this source can reach once logged and cosigned."""
    if source is Source.CSMS:
        return Grade.G1
    return Grade.G4 if sealed else Grade.G3


def meets_pin(source: Source, pin: EvidencePin, *, sealed: bool) -> bool:
    """Return whether a session's evidence can satisfy the station's pin.

    The source pinned must be the source seen, except that any source is at least as good as the CSMS's own word.
    """
    if attainable(source, sealed=sealed) < pin.grade:
        return False
    return pin.source is Source.CSMS or pin.source is source
