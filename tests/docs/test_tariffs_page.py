"""The commands of "Set a tariff", run as they stand but for the ports, and the figures that the page states."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.docs.test_first_charge import free_port, run
from tests.support.doc_tree import ROOT

PAGE = ROOT / "docs/how-to/tariffs.md"
BLOCKS = [
    re.sub(r"^   ", "", block, flags=re.MULTILINE)
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
]
STATED = re.findall(r"`(total .*?)`", PAGE.read_text())


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[list[str]]:
    if shutil.which("curl") is None:
        pytest.skip("the page asks with curl, which is not here")
    ocpp, http = str(free_port()), str(free_port())
    blocks = [block.replace("9000", ocpp).replace("8080", http) for block in BLOCKS]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    (tmp_path / "env").write_text(path)
    server = subprocess.Popen(  # noqa: S603 - the page's own command
        ["/bin/sh", "-c", f"exec {blocks[0].strip()}"],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
    )
    assert server.stdout is not None
    assert b"stations at" in server.stdout.readline()
    yield blocks[1:]
    server.send_signal(signal.SIGTERM)
    assert server.wait(timeout=30) == 0
    server.stdout.close()


def test_tariffs_are_set_assigned_and_previewed_as_the_page_says(shell: list[str], tmp_path: Path) -> None:
    said, before = [], "set -e\n"
    at = next(line for block in shell for line in block.splitlines() if line.startswith("at="))
    for step in shell:
        done = run(f"{before}{at}\n{step}", tmp_path)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
        said.append(done.stdout.decode())
    base, harbour, assigned, changed, removed = said
    assert len(STATED) == 2
    assert STATED[0] in base
    assert STATED[1] in harbour
    assert "HARBOUR, by site: 0.30 EUR/kWh 22:00-06:00; otherwise 0.42 EUR/kWh" in assigned
    assert "FLEET, by group: 0.36 EUR/kWh + 0.60 EUR a charge, incl. 20 % VAT" in assigned
    rows = {line.split()[1]: line for line in changed.splitlines() if "│" in line}
    assert "yes" in rows["BASE"], "everywhere"
    record = re.findall(r"is record ([0-9a-f]{64})", base)[0]
    assert record[:16] in rows["BASE"], "the announced price is not in force yet"
    assert removed.splitlines() == ["taken away from group FLEET", "removed"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ("set nothing.json", 78, "cannot be read"),
        ("set text.json", 65, "a JSON object with an id"),
        ("assign BASE", 78, "say where"),
        ("assign BASE --site a --token b", 78, "say where"),
        ("preview BASE --at 2027-01-15T18:00:00Z 60", 78, "MINUTES:KWH"),
        ("list", 65, "does not answer"),
    ],
)
def test_what_cannot_be_is_told_with_the_next_step(tmp_path: Path, arguments: str, code: int, text: str) -> None:
    (tmp_path / "text.json").write_text("not a tariff")
    (tmp_path / "token").write_text("t")
    (tmp_path / "env").write_text(os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    done = run(f"wattseal tariff {arguments} --url http://127.0.0.1:9 --token-file token", tmp_path)
    assert (done.returncode, text in done.stderr.decode()) == (code, True), done.stderr
