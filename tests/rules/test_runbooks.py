"""Every alarm that can be raised has a runbook, and the page is made of them."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

from tests.support.doc_tree import ROOT

from wattseal.flow.identity.station_certificates import Progress
from wattseal.rules.alarms import CODES, severity_of
from wattseal.rules.runbooks import RUNBOOKS

FLOW = ROOT / "src" / "wattseal" / "flow"
RAISES = {"alarm", "raise_alarm", "Alarm"}


def raised_in(file: Path) -> set[str]:
    """Return the codes with which a file raises alarms, as texts or by the names of constants."""
    name = ".".join(file.relative_to(ROOT / "src").with_suffix("").parts)
    module = importlib.import_module(name.removesuffix(".__init__"))
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RAISES:
            told = [_text(argument, module) for argument in node.args[:2]]
            found.update([text for text in told if text][:1])
    return found


def _text(argument: ast.expr, module: ModuleType) -> str | None:
    match argument:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name) if isinstance(getattr(module, name, None), str):
            return str(getattr(module, name))
        case _:
            return None


def test_every_code_that_is_raised_is_listed() -> None:
    raised = set().union(*(raised_in(file) for file in FLOW.rglob("*.py")))
    assert {"security_event", "uid_guessing", "password_guessing", "alarms_removed"} <= raised
    certificates = {f"certificate_{each}" for each in Progress if each not in {Progress.WAITING, Progress.ACCEPTED}}
    assert sorted((raised | certificates) - CODES) == []


def test_every_alarm_has_a_runbook_and_no_runbook_lacks_its_alarm() -> None:
    assert sorted(CODES ^ RUNBOOKS.keys()) == []
    for code, runbook in RUNBOOKS.items():
        for text in (runbook.means, runbook.check, runbook.then, runbook.not_so):
            assert text.endswith("."), code
        assert severity_of(code)


def test_the_page_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools/make_runbooks.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command
    assert done.returncode == 0, done.stderr
