"""A key that signed records is never made anew: its loss is said, and nothing starts."""

import asyncio
from pathlib import Path

import pytest

from wattseal.app.cpo.cpo import run_cpo
from wattseal.app.cpo.parts import Options
from wattseal.app.settings import Serve, Settings
from wattseal.base.errors import ConfigError


async def started_once(data: Path) -> None:
    """Run a CPO until it answers, then end it."""
    up = asyncio.Event()
    settings = Settings(serve=Serve(ocpp_port=0, http_port=0))
    running = asyncio.create_task(run_cpo(Options(data, settings), lambda _: up.set()))
    answered = asyncio.create_task(up.wait())
    await asyncio.wait((running, answered), return_when=asyncio.FIRST_COMPLETED)
    answered.cancel()
    if running.done():
        running.result()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("name", ["log.pem", "csms-sign.pem"])
async def test_a_lost_key_stops_the_start_and_names_the_remedy(tmp_path: Path, name: str) -> None:
    data = tmp_path / "cpo"
    await started_once(data)
    key = data / "keys" / name
    kept = key.read_bytes()
    key.unlink()
    with pytest.raises(ConfigError, match="wattseal keys import") as caught:
        await started_once(data)
    assert (caught.value.code, name in str(caught.value)) == ("keys_lost", True)
    assert not key.exists()
    key.write_bytes(kept)
    key.chmod(0o600)
    await started_once(data)


@pytest.mark.parametrize("name", ["frames.sqlite3", "requests.sqlite3"])
async def test_a_file_that_is_no_record_and_cannot_be_used_is_named_with_the_remedy(tmp_path: Path, name: str) -> None:
    data = tmp_path / "cpo"
    await started_once(data)
    damaged = data / name
    damaged.write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigError, match="move it away") as caught:
        await started_once(data)
    assert (caught.value.code, caught.value.subject) == ("file_unusable", str(damaged))
    damaged.unlink()
    await started_once(data)
