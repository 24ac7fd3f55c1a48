"""The station simulator: a charging station that charges on its own, talks real OCPP, and forgets nothing."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from ssl import SSLContext
from typing import Any

import msgspec

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import ConfigError, InputError
from wattseal.base.ids import EvseId
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.dial.ocpp import Backoff, Behaviour, Surroundings, Target, Uplink
from wattseal.model.answers import AuthorizationAnswer, BootAnswer
from wattseal.model.facts import (
    AuthorizationRequested,
    BootReported,
    HeartbeatReported,
    StatusReported,
)
from wattseal.model.message import Fact
from wattseal.model.token import IdToken, TokenStatus
from wattseal.net.conversation import Outcome
from wattseal.parties import station
from wattseal.parties.station import Fate, Make, Memory, Session
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import KeyFiles
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult
from wattseal.wire.ocpp.version import Fault, Refusal, Version

METER_KEY = "meter.pem"
MEMORY_FILE = "station.json"
REFUSALS_BEFORE_GIVING_UP = 3
"""So many refused handshakes (401, 404, no common version) and it is the settings that are wrong."""
_SETTLED = {Fate.ACKNOWLEDGED, Fate.LOST}
_HOPELESS = {"401", "403", "404", "no_common_version"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What the simulated drivers do; `energy_wh` is one session's, told in `readings` steps `interval_s` apart.

    With `rate_per_h` drivers come at random, so many an hour on average; without it one follows the other.
    """

    id_token: IdToken
    sessions: int = 1
    energy_wh: int = 5000
    readings: int = 3
    interval_s: float = 1.0
    rate_per_h: float | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """A simulated station. Without `data` it forgets everything when it ends; `attempts` bounds refused messages.

    After `give_up_after_s` it reports what has happened so far; None waits for ever, as a station does.
    """

    url: str
    station_id: str
    version: Version
    plan: Plan
    password: bytes | None = None
    data: Path | None = None
    signing_meter: bool = False
    meter_serial: str = ""
    evse_id: int = 1
    attempts: int = 3
    retry_s: float = 1.0
    backoff: Backoff = field(default_factory=lambda: Backoff(0.5, 15.0))
    ssl: SSLContext | None = None
    give_up_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What happened. `ok`: every session planned was charged and acknowledged, and nothing waits any more."""

    station: str
    ocpp: str
    ok: bool
    meter_serial: str
    meter_public_key: str | None
    register_wh: int
    waiting: int
    refused_tokens: int
    sessions: tuple[Session, ...]


Tell = Callable[[str, dict[str, Any]], None]
"""Told as it happens: a code such as "boot_accepted" and its parameters."""
Observe = Callable[[str, float, Outcome], None]
"""Told of every call of the station's: the action, how many seconds its outcome took, the outcome."""


def _unobserved(_action: str, _seconds: float, _outcome: Outcome) -> None:
    pass


class Keeper:
    """The station's memory and keys on disk, or nowhere."""

    def __init__(self, data: Path | None) -> None:
        """Use the directory `data`, made when needed."""
        self._data = data

    def load(self) -> Memory:
        """Return what was kept; a new station's memory where nothing was."""
        path = self._data / MEMORY_FILE if self._data else None
        if path is None or not path.exists():
            return Memory()
        try:
            return msgspec.json.decode(path.read_bytes(), type=Memory)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"{path} is damaged; restore it or start with another --data", subject=str(path)
            ) from error

    def save(self, memory: Memory) -> None:
        """Make `memory` durable."""
        if self._data is not None:
            write_durably(self._data / MEMORY_FILE, msgspec.json.encode(memory), 0o600)

    def meter_key(self) -> SigningKey:
        """Return the meter's key, made at first."""
        made = SigningKey.from_seed(Algorithm.ESP256, SystemRandom().bytes(32))
        if self._data is None:
            return made
        return SigningKey.from_pem(KeyFiles(self._data / "keys").load_or_create(METER_KEY, made.to_pem))


class Station:
    """One running station."""

    def __init__(self, settings: Settings, tell: Tell, observe: Observe = _unobserved) -> None:
        """Load what was kept; dial nothing yet."""
        self.settings = settings
        self._tell = tell
        self._observe = observe
        self._leaving = asyncio.Event()
        self._clock = SystemClock()
        self._random = SystemRandom()
        self._keeper = Keeper(settings.data)
        self.memory = self._keeper.load()
        serial = settings.meter_serial or f"SIM-{settings.station_id}"
        key = self._keeper.meter_key() if settings.signing_meter else None
        self.make = Make(settings.version, EvseId(settings.evse_id), serial, key)
        self._connected = asyncio.Event()
        self._changed = asyncio.Event()
        self._interval_s = 300.0
        self._refused_handshakes = 0
        self._refused_tokens = 0
        self._hopeless: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._uplink = Uplink(
            Target(settings.url, settings.station_id, (settings.version,), settings.password, settings.ssl),
            Behaviour(self._command, self._came, self._went),
            Surroundings(self._clock, self._random, settings.backoff),
        )

    def wind_down(self) -> None:
        """Let no more drivers come, end the session in progress, and leave once all is acknowledged."""
        self._leaving.set()

    def lose_connection(self) -> None:
        """Be without a network until `regain_connection`; charging goes on."""
        self._uplink.hold()

    def regain_connection(self) -> None:
        """Dial again."""
        self._uplink.release()

    async def run(self) -> Report:
        """Charge as planned until all is acknowledged or given up, or patience ends; `InputError` when refused."""
        first = self.memory.next_session
        tasks = [asyncio.create_task(self._uplink.run()), asyncio.create_task(self._charge())]
        try:
            patience_s = self.settings.give_up_after_s
            await asyncio.wait([*tasks, self._hopeless], timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            if self._hopeless.done():
                self._hopeless.result()
            for task in tasks:
                if task.done():
                    task.result()
        finally:
            self._hopeless.cancel()
            for task in tasks:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        return self.report(first)

    def report(self, first: int) -> Report:
        """Return what happened to the sessions from number `first` on."""
        memory, plan = self.memory, self.settings.plan
        mine = tuple(session for session in memory.sessions if session.number >= first)
        acknowledged = sum(session.fate is Fate.ACKNOWLEDGED for session in mine)
        return Report(
            station=self.settings.station_id,
            ocpp=str(self.settings.version),
            ok=acknowledged == plan.sessions and not memory.queue,
            meter_serial=self.make.meter_serial,
            meter_public_key=self.make.meter_key.public.spki.hex() if self.make.meter_key else None,
            register_wh=memory.register_wh,
            waiting=len(memory.queue),
            refused_tokens=self._refused_tokens,
            sessions=mine,
        )

    async def _charge(self) -> None:
        await self._boot()
        sending = [asyncio.create_task(self._send()), asyncio.create_task(self._beat())]
        try:
            if self.memory.running is not None:
                self._tell("power_was_lost", {"session": self.memory.running.session})
                self._keep(self._finished(0, "PowerLoss", "AbnormalCondition"))
            await self._status("Available", "Available")
            for _ in range(self.settings.plan.sessions):
                if not await self._driver_comes():
                    break
                await self._session()
            while self.memory.queue:
                await self._change()
        finally:
            for task in sending:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    async def _boot(self) -> None:
        """Boot until accepted, after the interval the CSMS demands (1.6 section 4.2; 2.x B02, B03)."""
        serial = self.settings.station_id[:25]
        while True:
            await self._connected.wait()
            answer = await self._ask(BootReported("wattseal", "simulated", serial, "1", "PowerUp"))
            if not isinstance(answer, BootAnswer):
                await asyncio.sleep(self.settings.retry_s)
                continue
            self._tell(f"boot_{answer.status.lower()}", {"interval_s": answer.interval_s})
            if answer.status == "Accepted":
                self._interval_s = max(answer.interval_s, 1)
                return
            await asyncio.sleep(max(answer.interval_s, 1))

    async def _driver_comes(self) -> bool:
        """Wait for the next driver; return False when nobody will come any more."""
        rate_per_h = self.settings.plan.rate_per_h
        if rate_per_h is not None:
            share = (int.from_bytes(self._random.bytes(8)) + 1) / (1 << 64)
            await self._pause(-math.log(share) * 3600 / rate_per_h)
        return not self._leaving.is_set()

    async def _pause(self, seconds: float) -> None:
        """Sleep, but no longer than until it is time to leave."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._leaving.wait()

    async def _session(self) -> None:
        plan = self.settings.plan
        if not await self._authorised():
            self._refused_tokens += 1
            self._tell("token_refused", {})
            return
        await self._status("Occupied", "Preparing")
        name = self._random.bytes(16).hex()
        self._keep(station.begin(self.memory, self.make, self._now(), plan.id_token, name, offline=self._offline))
        self._tell("started", {"register_wh": self.memory.register_wh})
        await self._status("Occupied", "Charging")
        for step in range(plan.readings):
            await self._pause(plan.interval_s)
            if station.is_deauthorised(self.memory):
                break
            added = plan.energy_wh * (step + 1) // (plan.readings + 1) - plan.energy_wh * step // (plan.readings + 1)
            self._keep(station.measure(self.memory, self.make, self._now(), added, offline=self._offline))
        await self._pause(plan.interval_s)
        if station.is_deauthorised(self.memory):
            self._keep(self._finished(0, "DeAuthorized", "Deauthorized"))
        else:
            left = plan.energy_wh - plan.energy_wh * plan.readings // (plan.readings + 1)
            self._keep(self._finished(left, "EVDisconnected", "EVDeparted"))
        self._tell("ended", {"register_wh": self.memory.register_wh})
        await self._status("Available", "Available")

    def _finished(self, added_wh: int, reason: str, trigger: str) -> Memory:
        now, offline = self._now(), self._offline
        return station.finish(self.memory, self.make, now, added_wh, reason=reason, trigger=trigger, offline=offline)

    async def _authorised(self) -> bool:
        """Ask whether the driver may charge; without a connection everybody may, and the CSMS hears later."""
        answer = await self._ask(AuthorizationRequested(self.settings.plan.id_token))
        if not isinstance(answer, AuthorizationAnswer):
            return self._offline
        return answer.authorization.status is TokenStatus.ACCEPTED

    async def _status(self, word: str, detail: str) -> None:
        await self._ask(StatusReported(self.make.evse_id, 1, word, self._now(), detail, "NoError"))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._interval_s)
            await self._ask(HeartbeatReported())

    async def _ask(self, fact: Fact) -> object:
        """Return the answer to something that need not be repeated; None where there is none."""
        action, payload = catalog.ask(self.settings.version, fact)
        result = await self._call(action, payload)
        return catalog.hear(self.settings.version, result) if isinstance(result, CallResult) else None

    async def _call(self, action: str, payload: bytes) -> Outcome:
        began = time.monotonic()
        outcome = await self._uplink.call(action, payload)
        self._observe(action, time.monotonic() - began, outcome)
        return outcome

    async def _send(self) -> None:
        """Send what waits, in order, each until it is answered."""
        while True:
            waiting = station.next_message(self.memory, self.make)
            if waiting is None:
                await self._change()
                continue
            await self._connected.wait()
            outcome = await self._call(*waiting)
            match outcome:
                case CallResult():
                    answer = catalog.hear(self.settings.version, outcome)
                    if isinstance(answer, Refusal):
                        await self._refuse(waiting[0], answer.text)
                    else:
                        self._keep(station.answered(self.memory, answer))
                        self._tell("acknowledged", {"action": waiting[0]})
                case CallError():
                    await self._refuse(waiting[0], outcome.code)
                case _:
                    await asyncio.sleep(self.settings.retry_s)

    async def _refuse(self, action: str, why: str) -> None:
        self._tell("message_refused", {"action": action, "why": why})
        self._keep(station.refused(self.memory, self.settings.attempts))
        await asyncio.sleep(self.settings.retry_s)

    async def _command(self, call: Call) -> bytes | Refusal:
        """Answer the CSMS: settings are taken, and there is nothing else to command here."""
        if call.action == "ChangeConfiguration":
            return b'{"status":"Accepted"}'
        if call.action == "DataTransfer":
            return b'{"status":"UnknownVendorId"}'
        return Refusal(Fault.UNSUPPORTED_ACTION, "the simulator has no such command")

    def _came(self, version: Version) -> None:
        self._refused_handshakes = 0
        self._connected.set()
        self._tell("connected", {"ocpp": str(version)})

    def _went(self, why: str) -> None:
        self._connected.clear()
        self._tell("disconnected", {"why": why})
        self._refused_handshakes += why in _HOPELESS
        if self._refused_handshakes >= REFUSALS_BEFORE_GIVING_UP and not self._hopeless.done():
            text = f"the CSMS refuses this station ({why}); check --id, --password, --ocpp and the path in --url"
            self._hopeless.set_exception(InputError(text, code="handshake_refused", subject=self.settings.url))

    @property
    def _offline(self) -> bool:
        return not self._connected.is_set()

    def _now(self) -> datetime:
        now = self._clock.now()
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def _keep(self, memory: Memory) -> None:
        self._keeper.save(memory)
        self.memory = memory
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


async def run_station(settings: Settings, tell: Tell) -> Report:
    """Run a simulated station to its end; with no sessions planned and nothing waiting nothing is dialled."""
    simulated = Station(settings, tell)
    if settings.plan.sessions == 0 and not simulated.memory.queue and simulated.memory.running is None:
        return simulated.report(simulated.memory.next_session)
    return await simulated.run()
