import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.doc_tree import ROOT, pages, tracked

from wattseal.cli.main import COMMANDS

LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
# Written apart so that this file does not contain what it looks for.
LEAKS = re.compile(
    "|".join(
        [
            r"(?<![\w./-])/(?:wo" + r"rk|fa" + r"rm)/",
            r"\.\./sha" + "red",
            "pythonho" + "sted",
            r"pypi\.org/sim" + "ple",
            r"registry\.npm" + "js",
            r"--(?:extra-)?index" + "-url",
            r'"resol' + r'ved": *"http',
            r"(?<![\w./-])/tmp/" + r"(?:w|x|venv)/",
        ]
    )
)
CI_ENTRY = ROOT / ".ci" / "run"


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(FENCE.sub("", page.read_text())):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        goal = (page.parent / path).resolve() if path else page
        assert goal.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(goal), f"{page.name} links to {target}"


def test_nothing_in_the_tree_names_the_machine_it_was_written_on() -> None:
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found = LEAKS.search(text)
        assert found is None or path == CI_ENTRY, f"{path.relative_to(ROOT)} contains {found}"


@pytest.mark.parametrize(
    "leak", ["see /wo" + "rk/x", "../sha" + "red/y", "--index" + "-url z", '"resol' + 'ved": "https:']
)
def test_such_a_name_would_be_found(leak: str) -> None:
    assert LEAKS.search(leak)


def test_the_index_lists_every_page_and_every_decision() -> None:
    listed = {(ROOT / "docs" / target).resolve() for target in LINK.findall((ROOT / "docs/index.md").read_text())}
    adr = ROOT / "docs/adr"
    assert {p for p in (ROOT / "docs").rglob("*.md") if adr not in p.parents} - {ROOT / "docs/index.md"} <= listed
    listed = {(adr / target).resolve() for target in LINK.findall((adr / "README.md").read_text())}
    assert listed == set(adr.glob("[0-9]*.md"))


def test_decisions_are_numbered_without_gap_and_have_their_parts() -> None:
    decisions = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert len(set(numbers)) == len(numbers)
    for path in decisions:
        text = path.read_text()
        assert text.startswith(f"# {int(path.name[:4])}. "), path.name
        assert re.search(r"^Status: (proposed|accepted|superseded by)", text, re.MULTILINE), path.name
        for part in ("## Context", "## Decision", "## Consequences"):
            assert part in text, f"{path.name} lacks {part}"


def test_the_readme_shows_the_help_as_it_is() -> None:
    plain = os.environ | {"COLUMNS": "80", "TERM": "dumb", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "wattseal", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=plain)  # noqa: S603 - our own command
    assert f"$ wattseal --help\n{done.stdout.rstrip()}\n```" in (ROOT / "README.md").read_text(), done.stdout


def test_every_make_target_the_pages_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in pages():
        for line in re.findall(r"(?:^|`)make ((?:[a-z-]+ ?)+)", page.read_text(), re.MULTILINE):
            assert set(line.split()) <= targets, f"{page.name}: make {line}"


def test_every_command_the_pages_name_exists() -> None:
    commands = {command.name for command in COMMANDS}
    for page in pages():
        text = page.read_text()
        named = re.findall(r"[`/]wattseal ([a-z]+)", text)
        for block in FENCE.findall(text):
            named += re.findall(r"^wattseal ([a-z]+)", block, re.MULTILINE)
        for name in named:
            assert name in commands, f"{page.name}: wattseal {name}"


def test_every_room_is_in_the_list_of_rooms() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    for room in (ROOT / "src/wattseal").iterdir():
        if (room / "__init__.py").exists():
            assert re.search(rf"^\| .*`{room.name}`.* \|", text, re.MULTILINE), room.name
