"""Play a month into a CPO's directory as `wattseal serve` keeps it: real frames, real journal, a clock that follows.

There are no sockets: frames go straight to `flow.handle`, which answers as it would over the wire.
"""

import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from aiohttp import ClientSession

from wattseal.app.cpo.cpo import assemble
from wattseal.app.cpo.parts import Options, Parts
from wattseal.app.cpo.tenant import ROLE, TENANT
from wattseal.app.settings import Settings
from wattseal.app.settings_money import Billing
from wattseal.app.system import SystemRandom
from wattseal.base.errors import WattsealError
from wattseal.base.ids import StationId
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence.ocmf_build import MeterState
from wattseal.flow.documents import put_station, put_token
from wattseal.flow.handle import begin
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.billing import Biller
from wattseal.flow.money.tariff_changes import assign, set_tariff
from wattseal.flow.ports import Batch, Flush, Unflushed
from wattseal.flow.world import World
from wattseal.lab.month.plan import TOKENS, WITHOUT_ACCOUNT, Box, Month, boxes, sessions_of
from wattseal.lab.month.tariffs import FOREIGN, STANDARD, TIME_OF_USE
from wattseal.lab.month.told import Frame, Known, Meter, Telling, tell
from wattseal.lab.played_clock import PlayedClock
from wattseal.model.account import Account, AccountKind
from wattseal.model.principal import Principal
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.tariff_place import Level
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.rules.retries import transaction_key
from wattseal.stores.datadir import DataDir
from wattseal.stores.sqlite import SqliteJournal
from wattseal.wire.ocpp.rpc import Call, Connection

AT_ONCE = 256
"""Frames under way before their commits are waited for."""
ROUND_MS = 6 * 3_600_000
"""How much of the month passes between two rounds of billing and two checkpoints."""
LOG_BATCH = 16
Progress = Callable[[int], None]


@dataclass(slots=True)
class Played:
    """What was played: planned session numbers, and the ids under which the CSMS knows what they were told as."""

    frames: int = 0
    sessions: int = 0
    ids: dict[int, list[str]] = field(default_factory=dict)


async def play(data: Path, month: Month, progress: Progress) -> Played:
    """Play a month into a new directory; returns how the CSMS knows the sessions that are spoilt."""
    with DataDir.open(data, ROLE) as directory:
        file = directory.prepare_journal()
        journal = await SqliteJournal.open(file)
        clock = PlayedClock(month.from_ms)
        try:
            async with ClientSession() as session:
                settings = Settings(billing=Billing(wait_s=0.0))
                parts = await assemble(Options(data, settings), directory, journal, session, clock)
                return await _Play(parts, clock, month, progress).run()
        finally:
            await journal.close()


class _Play:
    def __init__(self, parts: Parts, clock: PlayedClock, month: Month, progress: Progress) -> None:
        self._parts = parts
        self._clock = clock
        self._month = month
        self._progress = progress
        self._biller = Biller(parts.world, parts.proofs)
        self._flushes: list[Flush] = []
        self._played = Played()

    @property
    def _world(self) -> World:
        return self._parts.world

    async def run(self) -> Played:
        month = self._month
        told = Known({})
        await self._enrol_drivers()
        stations = boxes(month.stations)
        queue: list[tuple[int, int, Frame, Telling]] = []
        for place, box in enumerate(stations):
            meter = await self._enrol(place, box)
            telling = tell(box, sessions_of(month, place, box), told, meter)
            self._next(queue, place, telling, None)
        due_ms = month.from_ms + ROUND_MS
        while queue:
            at_ms, place, frame, telling = heapq.heappop(queue)
            if at_ms >= due_ms:
                await self._round()
                due_ms += ROUND_MS
            self._clock.follow(at_ms)
            answer = await self._say(stations[place], frame)
            self._next(queue, place, telling, answer)
        await self._round()
        await self._round()
        await self._resolve(stations, told)
        return self._played

    def _next(
        self, queue: list[tuple[int, int, Frame, Telling]], place: int, telling: Telling, answer: bytes | None
    ) -> None:
        try:
            frame = next(telling) if answer is None else telling.send(answer)
        except StopIteration:
            return
        heapq.heappush(queue, (frame.at_ms, place, frame, telling))

    async def _say(self, box: Box, frame: Frame) -> bytes:
        played = self._played
        played.frames += 1
        if frame.payload.get("eventType") == "Ended" or frame.action == "StopTransaction":
            played.sessions += 1
            self._progress(played.sessions)
        raw = json.dumps([2, f"m{played.frames}", frame.action, frame.payload]).encode()
        call = Connection(frame.version).receive(raw, self._clock.now())
        principal = Principal(TENANT, box.id, frozenset({"station"}), frozenset({"station"}))
        answer = await begin(self._world, principal, frame.version, call) if isinstance(call, Call) else None
        if isinstance(answer, Unflushed):
            self._flushes.append(answer.flush)
            if len(self._flushes) >= AT_ONCE:
                await self._flushed()
            return answer.payload
        if not isinstance(answer, bytes):
            raise WattsealError(f"{box.id} was refused: {answer or call}", code="refused", subject=box.id)
        return answer

    async def _flushed(self) -> None:
        flushes, self._flushes = self._flushes, []
        for flush in flushes:
            await flush

    async def _round(self) -> None:
        await self._flushed()
        await self._parts.keeper.step(LOG_BATCH)
        await self._biller.round()

    async def _enrol_drivers(self) -> None:
        world = self._world
        for tariff in (STANDARD, TIME_OF_USE, FOREIGN):
            await set_tariff(world, tariff)
        puts = []
        for number in range(TOKENS):
            account = None
            if number % WITHOUT_ACCOUNT:
                wanted = Account("", AccountKind.CREDIT, STANDARD.currency, Decimal(100_000))
                account = (await open_account(world, wanted, "month")).id
            token = IdToken(f"CARD{number:03}", "ISO14443")
            puts.append(put_token(TokenRecord(token, TokenStatus.ACCEPTED, account=account), world.now_ms()))
        await world.journal.commit(Batch(TENANT, puts=tuple(puts)))

    async def _enrol(self, place: int, box: Box) -> Meter | None:
        world = self._world
        meter = None
        evse = EvseEnrolment(id=1)
        if box.signing:
            key = SigningKey.from_seed(Algorithm.ESP256, SystemRandom().bytes(32))
            meter = Meter(MeterState(f"MTR{place:06}"), key)
            evse = EvseEnrolment(id=1, meter_serial=meter.state.meter_serial, meter_public_key=key.public.spki)
        station = Station(id=box.id, evses=(evse,))
        await world.journal.commit(Batch(TENANT, puts=(put_station(station, world.now_ms()),)))
        await assign(world, Level.STATION, box.id, box.tariff)
        return meter

    async def _resolve(self, stations: tuple[Box, ...], told: Known) -> None:
        """Look up our ids of what was told, by the station's."""
        world = self._world
        for number, ids in told.ids.items():
            station = StationId(stations[number % len(stations)].id)
            found = [await world.journal.answer(TENANT, station, transaction_key(one)) for one in ids]
            self._played.ids[number] = [subject.hex() for subject in found if subject is not None]
