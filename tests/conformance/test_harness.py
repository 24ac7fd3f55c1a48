"""What a conformance mark demands, tried on tests that do not keep to it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conformance.cases import STANDARDS, cases, gaps
from tests.conformance.wire import matches
from tests.support.doc_tree import ROOT

FAULTY = """
from tests.conformance.wire import Frame, Wire
import pytest

@pytest.fixture
def wire():
    return Wire(None)

def told(wire):
    wire.frames.append(Frame("S", "csms", [3, "1", {}]))
    wire.asserted += 1

"""
MARKED = '@pytest.mark.conformance("TC_B_01_CSMS")\n'
RUNNING = f"""
{MARKED}def test_looks_away(wire): pass
{MARKED}def test_looks(wire): told(wire)
def test_hears_nonsense(wire): wire.violations.append('interval is missing')
"""


def run(folder: Path, body: str) -> str:
    options = "--import-mode=importlib -p no:cacheprovider -p no:asyncio"
    (folder / "pytest.ini").write_text(f"[pytest]\nmarkers = conformance(*ids): x\naddopts = {options}\n")
    hooks = "from tests.conformance.plugin import pytest_collection_modifyitems, pytest_runtest_call\n"
    (folder / "conftest.py").write_text(hooks)
    (folder / "test_it.py").write_text(FAULTY + body)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-rf", "test_it.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "COLUMNS": "200", "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
    )
    return done.stdout + done.stderr


def test_a_marked_test_must_look_at_the_wire(tmp_path: Path) -> None:
    said = run(tmp_path, RUNNING)
    assert "test_looks_away - Failed: a conformance test asserts frames on the wire" in said, said
    assert "test_looks PASSED" in said, said
    assert "test_hears_nonsense - Failed: the CSMS broke a schema" in said, said


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        ('@pytest.mark.conformance("TC_B_99_CSMS")\ndef test_it(wire): told(wire)', "there is no case TC_B_99_CSMS"),
        (f"{MARKED}def test_it(): pass", "speaks through the fixture"),
    ],
)
def test_a_mark_out_of_place_is_refused(tmp_path: Path, body: str, trouble: str) -> None:
    assert trouble in run(tmp_path, body)


def test_what_is_expected_may_leave_out_keys_but_no_elements() -> None:
    assert matches({"a": 1, "b": [{"c": 2, "d": 3}]}, {"b": [{"c": 2}]})
    assert not matches({"b": [{"c": 2}, {"c": 3}]}, {"b": [{"c": 2}]})
    assert not matches({"a": None}, {"b": None})


def test_every_gap_is_a_case_and_has_its_reason() -> None:
    assert set(gaps()) <= set(cases())
    assert all(reason.strip() for reason in gaps().values())


@pytest.fixture(scope="module")
def covering() -> dict[str, list[str]]:
    """Return the tests of each case, as the page lists them."""
    code = "import json; from tools.make_conformance import collect; print(json.dumps(collect()))"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])},
    )
    found: dict[str, list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_every_case_is_covered_or_its_gap_is_explained(covering: dict[str, list[str]]) -> None:
    assert set(cases()) - set(covering) - set(gaps()) == set()
    assert set(gaps()) & set(covering) == set(), "what is covered is no gap"


def test_of_every_standard_nine_cases_in_ten_are_covered(covering: dict[str, list[str]]) -> None:
    for standard in STANDARDS:
        wanted = {case.id for case in cases().values() if case.standard == standard}
        assert len(wanted & set(covering)) >= len(wanted) * 9 // 10, standard


def test_the_page_is_what_the_marks_say() -> None:
    tool = ROOT / "tools/make_conformance.py"
    command = [sys.executable, str(tool), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own tool
    assert done.returncode == 0, done.stdout + done.stderr
