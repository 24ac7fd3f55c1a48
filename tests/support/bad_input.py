"""docs/reference/bad-input.md as tests read it: each section's table, first column to second."""

import re

from tests.support.doc_tree import ROOT

PAGE = ROOT / "docs" / "reference" / "bad-input.md"


def documented(section: str) -> dict[str, str]:
    """Return what comes and what it is answered with, as the table of a section says."""
    _, found, rest = PAGE.read_text().partition(f"\n## {section}\n")
    assert found, f"{PAGE.name} has no section {section!r}"
    table = rest.partition("\n## ")[0]
    rows = [[cell.strip() for cell in row.split(" | ")] for row in re.findall(r"^\| (.+) \|$", table, re.MULTILINE)]
    assert all(len(row) == 3 and all(row) for row in rows), section
    return {row[0]: row[1] for row in rows[1:]}
