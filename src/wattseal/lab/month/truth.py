"""What was truly spoilt, in a file of its own until the audit has said what it found; then the two are compared."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wattseal.base.errors import ConfigError, InputError
from wattseal.lab.month.plan import CLASSES, Fault


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault: of which session (our id), and what was touched where that was in the database.

    `after` is the session that followed at the EVSE: what one left untold shows in the next one's register and pages.
    """

    session: str
    fault: Fault
    touched: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """How an audit did: injected faults and those reported by class, what it missed, and clean sessions it flagged."""

    injected: dict[str, int]
    reported: dict[str, int]
    missed: tuple[Injected, ...]
    false_alarms: tuple[dict[str, Any], ...]

    @property
    def ok(self) -> bool:
        """Whether everything was reported and nothing else."""
        return not self.missed and not self.false_alarms


def write_truth(file: Path, seed: int, injected: Iterable[Injected]) -> None:
    """Write down what was injected."""
    file.write_text(json.dumps({"seed": seed, "faults": [asdict(one) for one in injected]}, indent=1) + "\n")


def read_truth(file: Path) -> tuple[Injected, ...]:
    """Read it again; `InputError` where the file is another."""
    try:
        return tuple(Injected(f["session"], Fault(f["fault"]), f["touched"], f["after"]) for f in _json(file)["faults"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("this is no list of injected faults", code="bad_truth", subject=str(file)) from error


def compare(audit: Path, truth: Path) -> Compared:
    """Hold an audit's answer (`wattseal audit --json`) against what was injected."""
    try:
        faults: list[dict[str, Any]] = _json(audit)["faults"]
        about = {fault["session"] for fault in faults}
        text = {word for fault in faults for word in (fault["where"], fault["detail"])}
    except (KeyError, TypeError) as error:
        raise InputError("this is no answer of an audit", code="bad_audit", subject=str(audit)) from error
    injected = read_truth(truth)
    missed = tuple(one for one in injected if not _is_reported(one, about, text))
    spoilt = {one.session for one in injected}
    touched = {one.touched for one in injected if one.touched}
    followed = {one.after for one in injected if one.fault in CLASSES["gaps"]}
    false = tuple(
        f
        for f in faults
        if f["session"] not in spoilt
        and not _explained(f, touched)
        and not (f["session"] in followed and f["code"] in BETWEEN)
    )
    names = {fault: name for name, kinds in CLASSES.items() for fault in kinds}
    everything = Counter(names[one.fault] for one in injected)
    unseen = Counter(names[one.fault] for one in missed)
    reported = {name: count - unseen[name] for name, count in everything.items()}
    return Compared(dict(everything), reported, missed, false)


def _is_reported(one: Injected, about: set[str], text: set[str]) -> bool:
    if one.fault in {Fault.POSTING_INVENTED, Fault.POSTING_REMOVED}:
        return any(one.touched in words for words in text)
    return one.session in about


def _explained(fault: dict[str, Any], touched: set[str]) -> bool:
    """Return whether a fault of no session is about something that was touched, or about the sums that this changed."""
    if fault["session"]:
        return False
    words = f"{fault['where']} {fault['detail']}"
    return any(one in words for one in touched) or fault["code"] in SUMS


BETWEEN = frozenset({"unaccounted_session", "unaccounted_energy", "pagination_gap"})
"""Faults that tell of what lies between a session and the one before it."""
SUMS = frozenset({"ledger_unbalanced", "balance_differs"})
"""Faults of sums, which follow from any posting that was touched."""


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text())
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}", subject=str(file)) from error
    except ValueError as error:
        raise InputError("this is no JSON", code="bad_json", subject=str(file)) from error
