"""Write the tables of docs/threat-model.md from the lab's catalogue and what a campaign came to (`--json` of it).

wattseal attack --all --json report.json && python tools/make_threat_model.py report.json
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wattseal.lab.catalogue import NOT_MET, catalogue
from wattseal.lab.report import after
from wattseal.lab.threats import THREATS, Family, Threat

PAGE = Path(__file__).parent.parent / "docs/threat-model.md"
HEAD = "| id | threat | by | wanted | attack | result | what remains |\n|---|---|---|---|---|---|---|\n"
BEGIN, END = "<!-- made by tools/make_threat_model.py -->\n", "<!-- end -->\n"
LONGEST = 220
"""A result longer than this is cut: the report has all of it."""


def main(report: Path) -> None:
    """Rewrite the tables; what stands around them stays."""
    told = json.loads(report.read_text())["attacks"]
    results = {each["name"]: each for each in told if each["name"]}
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    PAGE.write_text(head + BEGIN + tables(results) + END + rest.split(END)[1])


def tables(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the tables of all families, with what each attack came to."""
    played = len({attack.line for attack in catalogue().values()})
    parts = [f"{played} of {len(THREATS)} lines can be played today, by {len(catalogue())} attacks.\n"]
    for family in Family:
        rows = [row(threat, results) for threat in THREATS.values() if threat.family is family]
        parts.append(f"\n## {family.value}\n{HEAD}{''.join(rows)}")
    return "".join(parts)


def row(threat: Threat, results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return one line of a table."""
    head = f"| {threat.id} | {threat.title} | {threat.adversary.value} | {threat.wanted} |"
    names = [name for name, attack in catalogue().items() if attack.line == threat.id]
    if not names:
        return f"{head} none | not met: {NOT_MET[threat.id]} | all of it |\n"
    links = "<br>".join(link(name) for name in names)
    found = "<br>".join(result(results[name]) for name in names)
    remains = "<br>".join(dict.fromkeys(cell(catalogue()[name].residual) for name in names))
    return f"{head} {links} | {found} | {remains} |\n"


def link(name: str) -> str:
    """Return an attack's name as a link to its file."""
    return f"[`{name}`](../src/wattseal/lab/attacks/{name.replace('-', '_')}.py)"


def result(told: Mapping[str, Any]) -> str:
    """Return what an attack came to: the outcome, after how long, what names it, and its control."""
    took = after(told)
    when = f" after {took}" if took else ""
    return f"{told['outcome']}{when}: {cell(told['evidence'])} (control {told['negative_control']})"


def cell(text: str) -> str:
    """Return text as a table can hold it; ids and numbers that chance made are what that run had."""
    short = text if len(text) <= LONGEST else f"{text[:LONGEST].rsplit(' ', 1)[0]} ..."
    return re.sub(r"\s+", " ", short).replace("|", "\\|").replace("<", "&lt;")


def arguments(given: Sequence[str]) -> Path:
    """Return the report's path; without one, say how to make it."""
    if len(given) != 1:
        sys.exit(__doc__)
    return Path(given[0])


if __name__ == "__main__":
    main(arguments(sys.argv[1:]))
