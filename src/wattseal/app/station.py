"""The station simulator: a charging station that charges on its own, talks real OCPP, and forgets nothing."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from wattseal.app.station_card import proves_itself
from wattseal.app.station_commands import Commands, Running
from wattseal.app.station_plan import Driver, Keeper, Report, Settings
from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId
from wattseal.dial.ocpp import Behaviour, Surroundings, Target, Uplink
from wattseal.model.answers import AuthorizationAnswer, BootAnswer
from wattseal.model.facts import (
    AuthorizationRequested,
    BootReported,
    HeartbeatReported,
    StatusReported,
)
from wattseal.model.message import Fact
from wattseal.model.remote import TriggerRequested
from wattseal.model.token import TokenStatus
from wattseal.net.conversation import Disconnected, Outcome
from wattseal.parties import station
from wattseal.parties.station import Fate, Make, Memory
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult
from wattseal.wire.ocpp.version import Refusal, Version

WANTED_AFTER_S = 0.05
"""How long after its request a message that the CSMS asked for is sent."""
REFUSALS_BEFORE_GIVING_UP = 3
"""So many refused handshakes (401, 404, no common version) and it is the settings that are wrong."""
_SETTLED = {Fate.ACKNOWLEDGED, Fate.LOST}
_HOPELESS = {"401", "403", "404", "no_common_version"}


Tell = Callable[[str, dict[str, Any]], None]
"""Told as it happens: a code such as "boot_accepted" and its parameters."""
Observe = Callable[[str, float, Outcome], None]
"""Told of every call of the station's: the action, how many seconds its outcome took, the outcome."""


def _unobserved(_action: str, _seconds: float, _outcome: Outcome) -> None:
    pass


class Station:
    """One running station."""

    def __init__(self, settings: Settings, tell: Tell, observe: Observe = _unobserved) -> None:
        """Load what was kept; dial nothing yet."""
        self.settings = settings
        self._tell = tell
        self._observe = observe
        self._leaving = False
        self._poked = asyncio.Event()
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
        self._commands = Commands(settings.version, self.make.evse_id, self._running, self._poked.set)
        self._orders = self._commands.orders

    def wind_down(self) -> None:
        """Let no more drivers come, end the session in progress, and leave once all is acknowledged."""
        self._leaving = True
        self._poked.set()

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
            ok=acknowledged >= plan.sessions and not memory.queue,
            meter_serial=self.make.meter_serial,
            meter_public_key=self.make.meter_key.public.spki.hex() if self.make.meter_key else None,
            register_wh=memory.register_wh,
            waiting=len(memory.queue),
            refused_tokens=self._refused_tokens,
            sessions=mine,
        )

    async def _charge(self) -> None:
        await self._boot()
        jobs = (self._send(), self._beat(), self._tell_what_is_wanted())
        sending = [asyncio.create_task(job) for job in jobs]
        try:
            if self.memory.running is not None:
                self._tell("power_was_lost", {"session": self.memory.running.session})
                self._keep(self._finished(0, "PowerLoss", "AbnormalCondition"))
            await self._status("Available", "Available")
            await self._drive()
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

    async def _drive(self) -> None:
        """Charge for everybody who comes by plan or is called by the CSMS; restart in between when told to."""
        planned = self.settings.plan.sessions
        while (driver := await self._next_driver(planned=planned > 0)) is not None:
            planned -= not driver.called
            await self._session(driver)

    async def _next_driver(self, *, planned: bool) -> Driver | None:
        """Wait for the next driver; None when nobody will come any more."""
        plan, orders = self.settings.plan, self._orders
        while not self._leaving:
            if orders.restart:
                await self._restart()
            elif orders.called:
                called = orders.called.popleft()
                return Driver(called.id_token, called.remote_start_id, called=True)
            elif planned and orders.operational:
                pause_s = self._gap_s()
                if pause_s is None or not await self._pause(pause_s, self._is_interrupted):
                    return Driver(plan.id_token)
            elif plan.stay or planned:
                await self._pause(None, lambda: self._is_interrupted() or (planned and orders.operational))
            else:
                break
        return None

    def _is_interrupted(self) -> bool:
        return bool(self._leaving or self._orders.called or self._orders.restart)

    def _gap_s(self) -> float | None:
        """Return how long the next driver takes to come; None where one follows the other."""
        rate_per_h = self.settings.plan.rate_per_h
        if rate_per_h is None:
            return None
        share = (int.from_bytes(self._random.bytes(8)) + 1) / (1 << 64)
        return -math.log(share) * 3600 / rate_per_h

    async def _pause(self, seconds: float | None, until: Callable[[], bool]) -> bool:
        """Sleep until something comes true; return False when time was up first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not until():
                    self._poked.clear()
                    await self._poked.wait()
        return until()

    async def _restart(self) -> None:
        self._orders.restart = False
        self._tell("restarts", {})
        self._connected.clear()
        self._uplink.hang_up()
        await self._boot()
        await self._status("Available", "Available")

    async def _session(self, driver: Driver) -> None:
        plan = self.settings.plan
        if not driver.called and not await self._authorised():
            self._refused_tokens += 1
            self._tell("token_refused", {})
            return
        await self._status("Occupied", "Preparing")
        name = self._random.bytes(16).hex()
        self._orders.stop = False
        begun = station.begin(
            self.memory,
            self.make,
            self._now(),
            driver.id_token,
            name,
            offline=self._offline,
            remote_start_id=driver.remote_start_id,
        )
        self._keep(begun)
        self._tell("started", {"register_wh": self.memory.register_wh})
        await self._status("Occupied", "Charging")
        for step in range(plan.readings):
            if await self._pause(plan.interval_s, self._must_stop):
                break
            added = plan.energy_wh * (step + 1) // (plan.readings + 1) - plan.energy_wh * step // (plan.readings + 1)
            self._keep(station.measure(self.memory, self.make, self._now(), added, offline=self._offline))
        if not self._must_stop():
            await self._pause(plan.interval_s, self._must_stop)
        if station.is_deauthorised(self.memory):
            self._keep(self._finished(0, "DeAuthorized", "Deauthorized"))
        elif self._orders.stop:
            self._keep(self._finished(0, "Remote", "RemoteStop"))
        elif self._orders.restart:
            reason = "SoftReset" if self.settings.version is Version.V16 else "ImmediateReset"
            self._keep(self._finished(0, reason, "ResetCommand"))
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
        version, token, card = self.settings.version, self.settings.plan.id_token, self.settings.plan.card
        ocpp16 = version is Version.V16
        if card and not await proves_itself(self._ask, token, card, self.make.evse_id, ocpp16=ocpp16):
            return self._offline
        outcome = await self._call(*catalog.ask(version, AuthorizationRequested(token)))
        answer = catalog.hear(version, outcome) if isinstance(outcome, CallResult) else None
        if isinstance(answer, AuthorizationAnswer):
            return answer.authorization.status is TokenStatus.ACCEPTED
        return self._offline or isinstance(outcome, Disconnected)

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
        operational = self._orders.operational
        answer = await self._commands.handle(call, self._now(), lambda: bool(self.memory.queue))
        if operational is not self._orders.operational:
            self._orders.want(TriggerRequested("StatusNotification"))
        return answer

    def _must_stop(self) -> bool:
        orders = self._orders
        return self._leaving or orders.stop or orders.restart or station.is_deauthorised(self.memory)

    def _running(self) -> Running | None:
        running = self.memory.running
        if running is None:
            return None
        return Running(self.memory.session(running.session).transaction_id, running.started_at)

    async def _tell_what_is_wanted(self) -> None:
        """Send the messages that the CSMS asked for, once their answers have gone out."""
        while True:
            wanted = await self._orders.wanted.get()
            await asyncio.sleep(WANTED_AFTER_S)
            match wanted.message:
                case "BootNotification":
                    await self._boot()
                case "Heartbeat":
                    await self._ask(HeartbeatReported())
                case "MeterValues" if self.memory.running is not None:
                    self._keep(station.measure(self.memory, self.make, self._now(), 0, offline=self._offline))
                case _:
                    await self._status(*self._word())

    def _word(self) -> tuple[str, str]:
        if self.memory.running is not None:
            return "Occupied", "Charging"
        return ("Available", "Available") if self._orders.operational else ("Unavailable", "Unavailable")

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
    idle = settings.plan.sessions == 0 and not settings.plan.stay
    if idle and not simulated.memory.queue and simulated.memory.running is None:
        return simulated.report(simulated.memory.next_session)
    return await simulated.run()
