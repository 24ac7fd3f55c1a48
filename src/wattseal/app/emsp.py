"""The eMSP process: its directory, keys, books, trust file, HTTP service and timers."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from aiohttp import web

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import ConfigError, WattsealError
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.model.verdict import Grade
from wattseal.parties.emsp.books import Books
from wattseal.parties.emsp.desk import Desk, EmspKeys, Terms
from wattseal.parties.emsp.service import Emsp
from wattseal.rules.settlement import Contract
from wattseal.serve.emsp import EmspService
from wattseal.stores.files import write_durably
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal

TRUST_CHECK_S: Final = 1.0
EXPIRY_CHECK_S: Final = 30.0
_log = structlog.get_logger("wattseal.emsp")


class PartnerConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A CPO: the token it calls with (here or in a file), and what its charges must prove."""

    party: str
    token: str = ""
    token_file: str = ""
    log_origin: str = ""
    minimum_grade: str = "G2"
    accept_g1: bool = False
    stations: dict[str, str] = {}


class PolicyConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is held for a charge, and how long words are good."""

    hold: Decimal = Decimal(50)
    least_hold: Decimal = Decimal(5)
    max_session_wh: int = 200_000
    decision_s: int = 900
    request_age_s: int = 900
    clock_skew_s: int = 300


class EmspConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The eMSP's configuration file (TOML)."""

    party: str = "MSP"
    trust: str = ""
    policy: PolicyConfig = PolicyConfig()
    partners: tuple[PartnerConfig, ...] = ()


def load_config(path: Path | None) -> EmspConfig:
    """Read the configuration; `ConfigError` names the field."""
    if path is None:
        return EmspConfig()
    try:
        return msgspec.toml.decode(path.read_bytes(), type=EmspConfig, strict=False)
    except OSError as error:
        raise ConfigError(f"cannot read: {error.strerror}", code="unreadable_file", subject=str(path)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{error}; see docs/how-to/emsp.md", code="bad_config", subject=str(path)) from error


def contracts_of(config: EmspConfig, trust: Trust) -> dict[str, Contract]:
    """Return the contracts by CPO; a CPO's log is the one the trust file names for it, unless configured."""
    return {partner.party: _contract(partner, trust) for partner in config.partners}


def _contract(partner: PartnerConfig, trust: Trust) -> Contract:
    logs = [log.key.name for log in trust.logs if log.party == partner.party]
    origin = partner.log_origin or next(iter(logs), f"{partner.party}/log")
    pins = {station: _grade(name) for station, name in partner.stations.items()}
    return Contract(partner.party, origin, _grade(partner.minimum_grade), partner.accept_g1, pins)


def _grade(name: str) -> Grade:
    try:
        return Grade[name]
    except KeyError as error:
        raise ConfigError("a grade is G0, G1, G2, G3 or G4", code="bad_config", subject=name) from error


def _tokens(config: EmspConfig) -> dict[str, str]:
    tokens = {}
    for partner in config.partners:
        token = partner.token or (_read_token(Path(partner.token_file)) if partner.token_file else "")
        if len(token) < 16:
            raise ConfigError(
                "a partner's token has 16 characters at least: set token or token_file under [[partners]]",
                code="weak_token",
                subject=partner.party,
            )
        tokens[partner.party] = token
    return tokens


def _read_token(path: Path) -> str:
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError("cannot read the partner's token", code="unreadable_file", subject=str(path)) from error


def open_keys(data: Path) -> EmspKeys:
    """Return the keys in DIR/keys, making them at the first start, readable by their owner only."""
    folder = data / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    sign_file, seal_file = folder / "emsp-sign.pem", folder / "emsp-seal.pem"
    random = SystemRandom()
    if not sign_file.exists():
        write_durably(sign_file, SigningKey.from_seed(Algorithm.ED25519, random.bytes(32)).to_pem(), 0o600)
    if not seal_file.exists():
        write_durably(seal_file, SealPrivateKey.from_seed(random.bytes(32)).to_pem(), 0o600)
    return EmspKeys(SigningKey.from_pem(sign_file.read_bytes()), SealPrivateKey.from_pem(seal_file.read_bytes()))


def admin_token(data: Path) -> str:
    """Return the token in DIR/admin-token, drawing it at the first start."""
    path = data / "admin-token"
    if not path.exists():
        write_durably(path, (SystemRandom().bytes(24).hex() + "\n").encode(), 0o600)
    return path.read_text().strip()


@asynccontextmanager
async def assembled(data: Path, config: EmspConfig, trust: Trust) -> AsyncIterator[Emsp]:
    """Open an eMSP's directory and put the eMSP together; its books are checked before it is handed out."""
    database = data / "emsp.db"
    await asyncio.to_thread(migrate, f"sqlite:///{database}")
    journal = await SqliteJournal.open(database)
    try:
        policy = config.policy
        terms = Terms(
            hold=policy.hold,
            least_hold=policy.least_hold,
            max_session_wh=policy.max_session_wh,
            decision_ms=policy.decision_s * 1000,
            request_age_ms=policy.request_age_s * 1000,
            clock_skew_ms=policy.clock_skew_s * 1000,
        )
        books = Books(config.party, journal, SystemClock(), SystemRandom())
        emsp = Emsp(Desk(config.party, open_keys(data), terms, contracts_of(config, trust), books, trust))
        await emsp.start()
        yield emsp
    finally:
        await journal.close()


async def run_emsp(
    data: Path,
    port: int,
    *,
    config: EmspConfig,
    trust_file: Path,
    host: str = "127.0.0.1",
    ready: Callable[[Mapping[str, Any]], None],
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first. `ready` is told the address and keys."""
    trust = Trust.parse(_read(trust_file))
    tokens = _tokens(config)
    async with assembled(data, config, trust) as emsp:
        service = EmspService(emsp, SystemClock(), tokens=tokens, admin_token=admin_token(data))
        runner = web.AppRunner(service.application(), access_log=None)
        await runner.setup()
        timers = [
            asyncio.create_task(_follow_trust(emsp, service, config, trust_file)),
            asyncio.create_task(_expire(emsp, service)),
        ]
        try:
            bound = await _listen(runner, host, port)
            write_durably(data / "ports.json", json.dumps({"http": bound}).encode())
            with _stop_signal() as stop:
                ready({"ready": "emsp", "party": config.party, "http": f"http://{host}:{bound}", "port": bound})
                await stop.wait()
        finally:
            for timer in timers:
                timer.cancel()
            await asyncio.gather(*timers, return_exceptions=True)
            await runner.cleanup()
            (data / "ports.json").unlink(missing_ok=True)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the trust file: {error.strerror}; the enrolment registry makes it, see docs/spec/trust.md",
            code="no_trust_file",
            subject=str(path),
        ) from error


async def _follow_trust(emsp: Emsp, service: EmspService, config: EmspConfig, path: Path) -> None:
    """Take over a trust file that changed: new stations and revocations count from the next request on."""
    known = _stamp(path)
    while True:
        await asyncio.sleep(TRUST_CHECK_S)
        stamp = _stamp(path)
        if stamp == known or stamp is None:
            continue
        known = stamp
        try:
            trust = Trust.parse(await asyncio.to_thread(path.read_bytes))
            contracts = contracts_of(config, trust)
        except (WattsealError, OSError) as error:
            _log.warning("trust_file_not_taken_over", error=str(error))
            continue
        async with service.turn:
            emsp.desk.trust = trust
            emsp.desk.contracts = contracts


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


async def _expire(emsp: Emsp, service: EmspService) -> None:
    while True:
        await asyncio.sleep(EXPIRY_CHECK_S)
        try:
            async with service.turn:
                await emsp.release_expired()
        except WattsealError as error:
            _log.warning("holds_not_released", error=error.code)


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
