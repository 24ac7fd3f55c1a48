"""The reference page of OCPP says what the code does."""

import re
from pathlib import Path

from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.version import Fault, Version

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/reference/ocpp.md").read_text()


def rows(heading: str) -> list[list[str]]:
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1:]]


def test_the_page_lists_every_action_and_its_versions() -> None:
    expected = [
        [m.action, ", ".join(v for v in Version if v in m.requests), m.sender.value]
        for m in sorted(catalog.MESSAGES, key=lambda m: m.action)
    ]
    assert rows("Actions") == expected


def test_the_page_lists_every_finding() -> None:
    code = "".join(path.read_text() for path in (ROOT / "src/wattseal/wire/ocpp").rglob("*.py"))
    assert [row[0].strip("`") for row in rows("Findings")] == sorted(set(re.findall(r'Finding\("([a-z_]+)"', code)))


def test_the_page_spells_the_error_codes() -> None:
    spelled = {name for row in rows("Errors") for cell in row[1:] for name in cell.split("; ")}
    told = [Fault.UNREADABLE, Fault.STRUCTURE, Fault.MALFORMED, Fault.COUNT, Fault.TYPE, Fault.VALUE]
    told += [Fault.UNKNOWN_ACTION, Fault.UNSUPPORTED_ACTION]
    assert spelled == {fault.code(version) for fault in told for version in Version}
