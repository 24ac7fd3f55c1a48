"""The eMSP process: its directory, keys, books, trust file, HTTP service and timers."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import structlog

from wattseal.app.listening import listening
from wattseal.app.settings import Emsp as EmspSettings
from wattseal.app.settings import Partner, Settings
from wattseal.app.stop import stop_signal
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
from wattseal.stores.datadir import DataDir
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import KeyFiles, admin_token
from wattseal.stores.sqlite import SqliteJournal

TRUST_CHECK_S: Final = 1.0
EXPIRY_CHECK_S: Final = 30.0
MIN_TOKEN: Final = 16
_log = structlog.get_logger("wattseal.emsp")


def contracts_of(settings: Settings, trust: Trust) -> dict[str, Contract]:
    """Return the contracts by CPO; a CPO's log is the one the trust file names for it, unless configured."""
    return {partner.party: _contract(partner, trust) for partner in settings.partners}


def _contract(partner: Partner, trust: Trust) -> Contract:
    logs = [log.key.name for log in trust.logs if log.party == partner.party]
    origin = partner.log_origin or next(iter(logs), f"{partner.party}/log")
    pins = {station: Grade[name.value] for station, name in partner.stations.items()}
    minimum = Grade[partner.minimum_grade.value]
    return Contract(partner.party, origin, minimum, partner.accept_g1, pins, partner.country_code)


def _tokens(settings: Settings) -> dict[str, str]:
    tokens = {partner.party: partner.token.reveal() for partner in settings.partners}
    for party, token in tokens.items():
        if len(token) < MIN_TOKEN:
            raise ConfigError(
                f"a partner's token has {MIN_TOKEN} characters at least: set token or token_file under [[partners]]",
                code="weak_token",
                subject=party,
            )
    if len(set(tokens.values())) != len(tokens):
        raise ConfigError("two partners have one token: give each its own", code="shared_token", subject="partners")
    return tokens


def _terms(settings: EmspSettings) -> Terms:
    if not 0 < settings.least_hold <= settings.hold:
        raise ConfigError("0 < least_hold <= hold", code="bad_config", subject="emsp.hold")
    if not 0 < settings.extend_at <= 1:
        raise ConfigError("extend_at is a share above 0, up to 1", code="bad_config", subject="emsp.extend_at")
    return Terms(
        hold=settings.hold,
        least_hold=settings.least_hold,
        extend_at=settings.extend_at,
        max_session_wh=settings.max_session_wh,
        decision_ms=int(settings.decision_s * 1000),
        request_age_ms=int(settings.request_age_s * 1000),
        clock_skew_ms=int(settings.clock_skew_s * 1000),
    )


def open_keys(keys: KeyFiles) -> EmspKeys:
    """Return the key pairs, making them at the first start."""
    random = SystemRandom()
    sign = keys.load_or_create(
        "emsp-sign.pem", lambda: SigningKey.from_seed(Algorithm.ED25519, random.bytes(32)).to_pem()
    )
    seal = keys.load_or_create("emsp-seal.pem", lambda: SealPrivateKey.from_seed(random.bytes(32)).to_pem())
    return EmspKeys(SigningKey.from_pem(sign), SealPrivateKey.from_pem(seal))


@asynccontextmanager
async def assembled(directory: DataDir, settings: Settings, trust: Trust) -> AsyncIterator[Emsp]:
    """Put the eMSP of an opened directory together; its books are checked before it is handed out."""
    directory.refuse_archive()
    journal = await SqliteJournal.open(await asyncio.to_thread(directory.prepare_journal))
    try:
        party = settings.emsp.party
        books = Books(party, journal, SystemClock(), SystemRandom())
        journal.doubt(books.doubt)
        terms = _terms(settings.emsp)
        keys = open_keys(directory.keys)
        emsp = Emsp(Desk(party, keys, terms, contracts_of(settings, trust), books, trust))
        await emsp.start()
        yield emsp
    finally:
        await journal.close()


async def run_emsp(
    directory: DataDir, settings: Settings, trust_file: Path, *, ready: Callable[[Mapping[str, Any]], None]
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first. `ready` is told the address."""
    ports_file = directory.path / "ports.json"
    trust = Trust.parse(await asyncio.to_thread(read_trust, trust_file))
    tokens, party, host = _tokens(settings), settings.emsp.party, settings.emsp.host
    token = admin_token(directory.admin_token_file, SystemRandom())
    async with assembled(directory, settings, trust) as emsp:
        service = EmspService(emsp, SystemClock(), tokens=tokens, admin_token=token)
        timers = [
            asyncio.create_task(_follow_trust(emsp, service, settings, trust_file)),
            asyncio.create_task(_expire(emsp, service)),
        ]
        try:
            serving = listening(service.application(), host, settings.emsp.port)
            async with serving as bound, stop_signal() as stop:
                write_durably(ports_file, json.dumps({"http": bound}).encode())
                ready({"ready": "emsp", "party": party, "http": f"http://{host}:{bound}", "port": bound})
                await stop.wait()
        finally:
            for timer in timers:
                timer.cancel()
            await asyncio.gather(*timers, return_exceptions=True)
            ports_file.unlink(missing_ok=True)


def read_trust(path: Path) -> bytes:
    """Return a trust file's bytes; `ConfigError` says where one comes from."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"cannot read the trust file: {error.strerror}; the enrolment registry makes it, see docs/spec/trust.md",
            code="no_trust_file",
            subject=str(path),
        ) from error


async def _follow_trust(emsp: Emsp, service: EmspService, settings: Settings, path: Path) -> None:
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
            contracts = contracts_of(settings, trust)
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
