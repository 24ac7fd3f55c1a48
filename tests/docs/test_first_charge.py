"""The pages' own commands, run as they stand but for the ports."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.doc_tree import ROOT

PAGE = ROOT / "docs/how-to/first-charge.md"
BLOCKS = [
    re.sub(r"^   ", "", block, flags=re.MULTILINE)
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[list[str]]:
    """Return the page's blocks with free ports, the first one running."""
    if shutil.which("curl") is None:
        pytest.skip("the page asks with curl, which is not here")
    ocpp, http = str(free_port()), str(free_port())
    blocks = [block.replace("9000", ocpp).replace("8080", http) for block in BLOCKS]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    (tmp_path / "env").write_text(path)
    server = subprocess.Popen(  # noqa: S603 - the page's own command
        ["/bin/sh", "-c", f"exec env {blocks[0].strip()}"],
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


def run(step: str, folder: Path) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"PATH": (folder / "env").read_text()}
    command = ["/bin/bash", "-c", step]
    return subprocess.run(command, cwd=folder, env=environment, check=False, capture_output=True)  # noqa: S603 - the page's own commands


def test_the_first_charge_goes_as_the_page_says(shell: list[str], tmp_path: Path) -> None:
    *steps, verify = shell
    for step in steps:
        done = run(f"set -e\n{step}", tmp_path)
        assert done.returncode == 0, (step, done.stdout, done.stderr)
    transaction = json.loads((tmp_path / "transactions.json").read_text())[0]
    assert (transaction["energy_wh"], transaction["grade"], transaction["source"]) == ("5000", "G2", "meter")
    verdict = run(verify, tmp_path)
    assert verdict.returncode == 2
    assert b"INCOMPLETE" in verdict.stdout
