"""Starting `wattseal serve`: what cannot be started says why, and development mode stays on this machine."""

import asyncio
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.cpo_process import Caller, Nursery
from tests.support.forking import wattseal_command


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.close()


def serve(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own command
        [*wattseal_command(), "serve", "--data", str(data), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("option", ["--ocpp-port", "--http-port"])
def test_a_port_that_is_taken_is_named(tmp_path: Path, option: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        other = "--http-port" if option == "--ocpp-port" else "--ocpp-port"
        done = serve(tmp_path / "cpo", option, port, other, "0")
    assert done.returncode == 78
    assert port in done.stderr
    assert "choose another port" in done.stderr


def test_development_mode_is_refused_beyond_this_machine(tmp_path: Path) -> None:
    done = serve(tmp_path / "cpo", "--host", "0.0.0.0", "--ocpp-port", "0", "--http-port", "0", "--insecure-dev")  # noqa: S104
    assert done.returncode == 78
    assert "loopback" in done.stderr


async def test_a_directory_in_use_and_another_partys_are_refused(nursery: Nursery, tmp_path: Path) -> None:
    cpo = nursery.start(tmp_path / "cpo")
    busy = await asyncio.to_thread(serve, tmp_path / "cpo", "--ocpp-port", "0", "--http-port", "0")
    assert busy.returncode == 78
    assert "another process" in busy.stderr
    cpo.kill(signal.SIGKILL)
    await cpo.gone()
    options = ("--ocpp-port", "0", "--http-port", "0", "--party", "OTHER")
    other = await asyncio.to_thread(serve, tmp_path / "cpo", *options)
    assert other.returncode == 78
    assert "this directory is of CPO" in other.stderr


async def test_an_orderly_end_keeps_everything_and_the_next_start_goes_on(nursery: Nursery, tmp_path: Path) -> None:
    first = nursery.start(tmp_path / "cpo")
    first.enrol("ST1")
    first.add_token()
    async with first.dial("ST1") as socket_:
        start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": "2026-01-01T00:00:00Z"}
        number = (await Caller(socket_).call("StartTransaction", start))["transactionId"]
        first.kill(signal.SIGTERM)
        await first.gone()
    second = nursery.start(tmp_path / "cpo")
    async with second.dial("ST1") as socket_:
        stop = {"transactionId": number, "meterStop": 700, "timestamp": "2026-01-01T01:00:00Z"}
        await Caller(socket_).call("StopTransaction", stop)
    shown = (await second.asked("GET", f"/api/v1/transactions/{number}?station_id=ST1")).json()
    assert (shown["energy_wh"], shown["billing"]) == ("700", "billed")
