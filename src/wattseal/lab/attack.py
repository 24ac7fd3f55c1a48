"""What an attack is: somebody's steps against a running product, what must come of them, and its negative control.

One file in `lab.attacks` holds one. A control plays the same steps with the defence switched off, and must end in
`Outcome.MISSED`: an attack that fails without the defence as well proves nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum

from wattseal.lab.lab import Lab
from wattseal.lab.threats import THREATS, Threat

WITHIN_S = 90.0
"""How long an attack may take."""


class Outcome(StrEnum):
    """What came of an attack; `NOT_MET` is a threat the system does not meet today."""

    PREVENTED = "prevented"
    DETECTED = "detected"
    BOUNDED = "bounded"
    MISSED = "missed"
    NOT_MET = "not_met"


@dataclass(frozen=True, slots=True)
class Figure:
    """Something measured, for the report: `value` in `unit`."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot: `plot` names the drawing it belongs to, `points` are (x, y)."""

    plot: str
    name: str
    x_unit: str
    y_unit: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What one run came to.

    `evidence` says in words what names the attack: the record, the field, the alarm, the status. `seconds` is how long
    it took until then, `records` how many records went by; None where that has no meaning.
    """

    outcome: Outcome
    evidence: str
    seconds: float | None = None
    records: int | None = None
    figures: tuple[Figure, ...] = ()
    series: tuple[Series, ...] = ()


Play = Callable[[Lab], Awaitable[Found]]


class Ground(StrEnum):
    """What an attack is played on.

    `PURE`: the product's functions; `CLOCKWORK`: a CPO without sockets and with a clock that is moved; `ALONE`: a
    `wattseal serve` of its own; `LIVING`: the whole world of processes that attacks share; `OWN`: such a world alone.
    """

    PURE = "pure"
    CLOCKWORK = "clockwork"
    ALONE = "alone"
    LIVING = "living"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack on a line of the threat model.

    `line` is its id there, `title` what is tried, `steps` what he does, in order; `defence` what stops or shows it,
    `without` how the control does away with that, `residual` what remains possible. `expected` is what `perform` must
    come to; `within_s` bounds each of the two runs.
    """

    line: str
    title: str
    steps: tuple[str, ...]
    defence: str
    without: str
    residual: str
    expected: Outcome
    ground: Ground
    perform: Play
    control: Play
    within_s: float = field(default=WITHIN_S)

    @property
    def threat(self) -> Threat:
        """The line it belongs to."""
        return THREATS[self.line]
