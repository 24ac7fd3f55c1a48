"""Write docs/how-to/runbooks.md from src/wattseal/rules/runbooks.py; `--check` says whether it is up to date."""

import sys
from pathlib import Path

from wattseal.rules.alarms import severity_of
from wattseal.rules.runbooks import RUNBOOKS, Runbook

PAGE = Path(__file__).parent.parent / "docs/how-to/runbooks.md"
HEAD = """# Runbooks

What to do about an alarm. Each is short, for it is read at night; the pages and the API (`runbook`) lead to it by the
alarm's code. How grave it is stands beside it: *critical* where what is told or signed was meddled with, *warning*
where something is broken, *notice* where it is worth knowing. It is acknowledged by whoever looks at it, and closed
when they are done; both are on record.

<!-- made by tools/make_runbooks.py -->
"""


def section(code: str, runbook: Runbook) -> str:
    """Return an alarm's section."""
    return (
        f"\n## {code}\n{runbook.means} ({severity_of(code).value})\n\n- **Check:** {runbook.check}\n"
        f"- **Do:** {runbook.then}\n- **Do not conclude:** {runbook.not_so}\n"
    )


def page() -> str:
    """Return the whole page."""
    return HEAD + "".join(section(code, runbook) for code, runbook in sorted(RUNBOOKS.items()))


if __name__ == "__main__":
    if "--check" in sys.argv:
        fresh = PAGE.exists() and PAGE.read_text() == page()
        sys.exit(0 if fresh else f"{PAGE.name} is out of date: run tools/make_runbooks.py")
    PAGE.write_text(page())
