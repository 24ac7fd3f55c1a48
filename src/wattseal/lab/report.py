"""The report of a campaign: one HTML file that needs nothing else, with tables by family and plots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from wattseal import __version__
from wattseal.lab.attack import Outcome
from wattseal.lab.plot import Plot, plots
from wattseal.lab.threats import THREATS, Family

WORDS = {
    Outcome.PREVENTED: "prevented",
    Outcome.DETECTED: "detected",
    Outcome.BOUNDED: "bounded",
    Outcome.MISSED: "missed",
    Outcome.NOT_MET: "not met",
}


MEANINGS = {
    Outcome.PREVENTED: "the attacker did not get what was wanted",
    Outcome.DETECTED: "it happened and was told, within the time and records named beside it",
    Outcome.BOUNDED: "it happened, and did no more harm than the bound named",
    Outcome.MISSED: "it happened and nothing told of it",
    Outcome.NOT_MET: "not played, with the reason",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """A family of threats with the entries of its attacks, as in the campaign's JSON."""

    family: str
    entries: Sequence[Mapping[str, Any]]


def write_report(path: Path, told: Mapping[str, Any], day: str) -> None:
    """Write the report of a campaign, given as its JSON object, to a file; `day` is when it was played."""
    made = Environment(
        loader=PackageLoader("wattseal.lab"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    entries = sorted(told["attacks"], key=lambda each: (each["line"], each["name"]))
    order = [family.value for family in Family]
    by_family = groupby(sorted(entries, key=lambda each: order.index(each["class"])), key=lambda each: each["class"])
    chapters = [Chapter(family, list(group)) for family, group in by_family]
    played = [each for each in entries if each["outcome"] != Outcome.NOT_MET]
    text = made.get_template("attack_report.html").render(
        version=__version__,
        chapters=chapters,
        counts=_counts(entries),
        lines=len({each["line"] for each in played}),
        all_lines=len(THREATS),
        attacks=len(played),
        controls=sum(each["negative_control"] == "held" for each in played),
        ok=told["ok"],
        words=WORDS,
        meanings=MEANINGS,
        day=day,
        after=after,
        threats=THREATS,
        plots=drawn(played),
        comparison=told["comparison"],
    )
    path.write_text(text, encoding="utf-8")


def after(entry: Mapping[str, Any]) -> str:
    """Return how long an attack went on until it ended or was seen: seconds, records, or both."""
    seconds, records = entry.get("seconds"), entry.get("records")
    told = [] if seconds is None else [f"{seconds:.0f} s" if seconds >= 100 else f"{seconds:.2g} s"]
    if records is not None:
        told.append("1 record" if records == 1 else f"{records} records")
    return ", ".join(told)


def drawn(entries: Sequence[Mapping[str, Any]]) -> list[Plot]:
    """Return the plots that the attacks' series make."""
    return plots([series for each in entries for series in each["series"]])


def _counts(entries: Sequence[Mapping[str, Any]]) -> dict[Outcome, int]:
    return {outcome: sum(each["outcome"] == outcome for each in entries) for outcome in WORDS}
