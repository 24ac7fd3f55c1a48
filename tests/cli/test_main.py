import io
import json
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import wattseal.cli
from wattseal.base.errors import ConfigError, InputError, StoreError
from wattseal.cli import main as cli

HELPERS = {"identified_line", "keys_ca", "keys_drill", "fleet", "passphrase", "main", "output", "price_lines", "remote"}
MAKE_APP = cli.make_app


def run(monkeypatch: pytest.MonkeyPatch, action: Callable[..., Any], *arguments: str) -> tuple[int, str]:
    app = MAKE_APP()
    app.command(action, name="act")
    monkeypatch.setattr(cli, "make_app", lambda: app)
    errors = io.StringIO()
    return cli.run(["act", *arguments], errors), errors.getvalue()


def test_every_module_is_a_command_and_every_command_a_module() -> None:
    modules = {m.name for m in pkgutil.iter_modules(wattseal.cli.__path__)} - HELPERS
    assert modules == {command.name for command in cli.COMMANDS}


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda c: c.name)
def test_every_command_explains_itself(command: cli.Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([command.name, "--help"], io.StringIO()) == 0
    assert f"wattseal {command.name}" in capsys.readouterr().out


def test_a_returned_number_is_the_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, lambda: 3) == (3, "")
    assert run(monkeypatch, lambda: None) == (0, "")


@pytest.mark.parametrize(
    ("error", "code"),
    [(InputError("x"), 65), (StoreError("x"), 74), (ConfigError("x"), 78), (KeyboardInterrupt(), 130)],
)
def test_each_kind_of_trouble_has_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
) -> None:
    def act() -> None:
        raise error

    assert run(monkeypatch, act)[0] == code


def test_an_error_is_one_line_that_cannot_move_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    def act() -> None:
        raise InputError("bad \x1b[2J\nname", subject="evil\u202e")

    code, text = run(monkeypatch, act)
    assert code == 65
    assert text.count("\n") == 1
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_an_error_is_json_when_results_are(monkeypatch: pytest.MonkeyPatch) -> None:
    def act(*, json: bool = False) -> None:
        raise InputError(f"too long {json}", code="limit_exceeded", subject="id")

    _, text = run(monkeypatch, act, "--json")
    assert json.loads(text) == {"error": {"code": "limit_exceeded", "subject": "id", "text": "too long True"}}


def test_a_defect_shows_its_stack_only_with_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    def act() -> None:
        raise ZeroDivisionError("password=hunter2")

    code, text = run(monkeypatch, act)
    assert code == 70
    assert "Traceback" not in text
    assert "hunter2" not in text
    code, text = run(monkeypatch, act, "--debug")
    assert code == 70
    assert "Traceback" in text


def test_debug_after_the_separator_belongs_to_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def act(*words: str) -> None:
        seen.extend(words)

    assert run(monkeypatch, act, "--", "--debug")[0] == 0
    assert seen == ["--debug"]


def test_wrong_usage_names_the_help(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run(monkeypatch, lambda: None, "--nonsense")
    assert code == 64
    assert "--help" in text


def test_starting_the_command_imports_no_room_but_the_base() -> None:
    script = (
        "import sys; from wattseal.cli.main import make_app; make_app(); "
        "print(sorted({m.split('.')[1] for m in sys.modules if m.startswith('wattseal.')}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout.strip() == "['base', 'cli']"


def test_verify_knows_no_server_no_store_and_no_network(tmp_path: Path) -> None:
    """Any party, offline: what `wattseal verify` loads is what a verifier needs."""
    record = tmp_path / "broken.wsb"
    record.write_bytes(b"not a bundle")
    script = (
        "import io, sys; from wattseal.cli.main import run; "
        f"code = run(['verify', {str(record)!r}], io.StringIO()); "
        "print(code, [m for m in sys.modules if m.split('.')[0] in ('aiohttp', 'litestar', 'picows', 'sqlalchemy', "
        "'sqlite3', 'asyncpg', 'uvicorn') or m.split('.')[:2] in (['wattseal', r] for r in "
        "('serve', 'dial', 'stores', 'flow', 'rules', 'wire', 'app', 'parties'))])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout.splitlines()[-1] == "3 []"


def test_a_server_loads_at_its_start_nothing_that_few_need() -> None:
    """Passkeys, PDF, Parquet and migrations have slow libraries: whoever needs one waits for it, not every start."""
    script = (
        "import sys, wattseal.cli.serve; "
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'webauthn', 'OpenSSL', 'reportlab', 'pypdf', 'duckdb', 'alembic', 'sqlalchemy', 'aiohttp'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout.strip() == "['aiohttp']"
