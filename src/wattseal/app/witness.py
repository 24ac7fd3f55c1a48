"""The witness process: its key, its state, its HTTP service."""

from collections.abc import Callable, Iterable
from pathlib import Path

from wattseal.app.listening import listening
from wattseal.app.stop import stop_signal
from wattseal.app.system import SystemClock, SystemRandom
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
        application = WitnessService(store, SystemClock()).application()
        async with listening(application, host, port) as bound, stop_signal() as stop:
            ready(store.key.verifier, bound)
            await stop.wait()
    finally:
        store.close()


def _fresh_key(name: str | None) -> SigningKey:
    """Return a new key; without a name given it is called after its own first bytes."""
    random = SystemRandom()
    return SigningKey(name or f"witness/{random.bytes(8).hex()}", SignatureType.COSIGNATURE_ED25519, random.bytes(32))
