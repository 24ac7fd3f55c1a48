"""The witness process: its key, its state, its HTTP service."""

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiohttp import web

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.log.keys import SignatureType, SigningKey, VerifierKey
from wattseal.serve.witness import WitnessService
from wattseal.stores.witness import WitnessStore


def _no_notice(_key: VerifierKey, _port: int) -> None:
    """Ignore that the witness is ready."""


async def run_witness(
    data_dir: Path,
    port: int,
    *,
    logs: Iterable[VerifierKey] = (),
    name: str | None = None,
    host: str = "127.0.0.1",
    ready: Callable[[VerifierKey, int], None] = _no_notice,
) -> None:
    """Serve until SIGTERM or SIGINT (or cancellation); requests under way are finished first.

    `port` 0 takes a free one. `ready` is told the witness's vkey and the port once it answers. `ConfigError` for a
    directory in use, a wrong name or a port that is taken.
    """
    store = WitnessStore.open(data_dir, _fresh_key(name), name=name)
    try:
        store.trust(logs)
        store.trusted()
        runner = web.AppRunner(WitnessService(store, SystemClock()).application(), access_log=None)
        await runner.setup()
        try:
            bound = await _listen(runner, host, port)
            with _stop_signal() as stop:
                ready(store.key.verifier, bound)
                await stop.wait()
        finally:
            await runner.cleanup()
    finally:
        store.close()


async def _listen(runner: web.AppRunner, host: str, port: int) -> int:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        text = f"cannot listen on {host}:{port}: {error.strerror}: choose another port"
        raise ConfigError(text, code="port_unusable", subject=str(port)) from error
    return int(runner.addresses[0][1])


@contextmanager
def _stop_signal() -> Iterator[asyncio.Event]:
    """Give an event that SIGTERM and SIGINT set meanwhile."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _fresh_key(name: str | None) -> SigningKey:
    """Return a new key; without a name given it is called after its own first bytes."""
    random = SystemRandom()
    return SigningKey(name or f"witness/{random.bytes(8).hex()}", SignatureType.COSIGNATURE_ED25519, random.bytes(32))
