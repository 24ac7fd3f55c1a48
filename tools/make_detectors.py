"""Write the table of docs/reference/detectors.md from src/wattseal/watch; `--check` says whether it is up to date."""

import sys
from pathlib import Path

from wattseal.rules.notes import EFFECTS, Effect
from wattseal.watch import DETECTORS
from wattseal.watch.detector import Detector

PAGE = Path(__file__).parent.parent / "docs/reference/detectors.md"
BEGIN, END = "<!-- made by tools/make_detectors.py -->\n", "<!-- end -->\n"
HEAD = "| code | what it sees | threshold | why | effect | what to do |\n|---|---|---|---|---|---|\n"
SAID = {
    Effect.FINDING: "a note",
    Effect.ALARM: "alarm",
    Effect.QUARANTINE: "quarantine",
    Effect.ALARM_AND_QUARANTINE: "alarm, quarantine",
}


def row(detector: Detector) -> str:
    """Return a detector's line."""
    cells = (
        f"`{detector.code}`",
        detector.title,
        f"{detector.threshold} {detector.unit}",
        detector.why,
        SAID[EFFECTS[detector.code]],
        detector.then,
    )
    return f"| {' | '.join(cells)} |\n"


def page(text: str) -> str:
    """Return the page with the table as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + HEAD + "".join(map(row, DETECTORS)) + END + after


if __name__ == "__main__":
    kept = PAGE.read_text()
    if "--check" in sys.argv:
        sys.exit(0 if kept == page(kept) else f"{PAGE.name} is out of date: run tools/make_detectors.py")
    PAGE.write_text(page(kept))
