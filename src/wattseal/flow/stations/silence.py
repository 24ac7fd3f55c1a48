"""Stations that ought to speak and do not: looked at by the clock, one alarm a silence, over when they speak again.

Who has spoken once ought to speak. While this CSMS was down nobody could: no silence begins before its start. An alarm
that stands is not raised again after a restart. Announced maintenance raises none. Nor does any silence begin before
our own clock was set, or the machine that stood still went on: what was heard until then had other times.
"""

from dataclasses import dataclass, field, replace

from wattseal.base.ids import StationId
from wattseal.flow.alarms import alarm, over
from wattseal.flow.documents import every_document, put, read
from wattseal.flow.fleet.maintenance import is_quiet
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.verdict import Finding
from wattseal.rules.own_clock import set_by_ms
from wattseal.watch.detector import Moment, Seen

SPOKEN = "spoken"
"""Document kind: a station that ought to speak, and the alarm about its silence."""
SIGNER_MS = 300_000
"""How often a station's own signer says something at least: edges sign a heartbeat that often."""
SHORTEST_MS = 60_000
"""Silence of less is never looked at."""
AT_ONCE = 100
"""Stations looked up or written in one round; the others wait for the next."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Document: a station that has spoken; `alarm` is the key of the alarm about its silence, raised at `raised_ms`.

    `signs` says that its own signer has spoken, `signed` that the silence is its signer's.
    """

    station_id: str
    signs: bool = False
    alarm: str | None = None
    raised_ms: int = 0
    signed: bool = False


@dataclass(slots=True)
class SilenceKeeper:
    """Looks after all stations; `since_ms` is when it began to, `unkept` are those whose first word is not written.

    `looked_ms` is the last round, `from_ms` when our own clock was last found to have been set.
    """

    world: World
    since_ms: int
    known: dict[str, Spoken] = field(default_factory=dict)
    heard: dict[str, int] = field(default_factory=dict)
    signed: dict[str, int] = field(default_factory=dict)
    unkept: set[str] = field(default_factory=set)
    looked_ms: int = 0
    from_ms: int = 0

    @staticmethod
    async def load(world: World) -> "SilenceKeeper":
        """Read who ought to speak."""
        keeper = SilenceKeeper(world, world.now_ms())
        async for document in every_document(world.journal, world.tenant, SPOKEN):
            spoken = read(document, Spoken)
            keeper.known[spoken.station_id] = spoken
        return keeper

    async def round(self) -> None:
        """Raise alarms about those that have fallen silent, end those of stations that speak again."""
        now_ms, asked = self.world.now_ms(), 0
        if set_by_ms(self.looked_ms, now_ms):
            self.since_ms = self.from_ms = now_ms
            self.heard.clear()
            self.signed.clear()
        self.looked_ms = now_ms
        self._listen()
        for station_id, spoken in list(self.known.items()):
            if spoken.alarm is not None:
                if self._is_back(spoken):
                    await self._over(spoken, now_ms)
                    asked += 1
            elif station_id in self.unkept or (self.signed.get(station_id, 0) and not spoken.signs):
                await self._keep(replace(spoken, signs=self.signed.get(station_id, 0) > 0), now_ms)
                asked += 1
            elif self._may_be_silent(spoken, now_ms):
                await self._judge(spoken, now_ms)
                asked += 1
            if asked >= AT_ONCE:
                return

    def _listen(self) -> None:
        """Take over what was heard, for a station's memory may be dropped; who had never spoken before is new."""
        for station_id, memory in self.world.stations.items():
            if memory.station.ephemeral:
                continue
            if self._is_news(memory.seen_ms, self.heard.get(station_id, 0)):
                self.heard[station_id] = memory.seen_ms
            if self._is_news(memory.signed_ms, self.signed.get(station_id, 0)):
                self.signed[station_id] = memory.signed_ms
        new = sorted(self.heard.keys() - self.known.keys())
        self.known |= {station_id: Spoken(station_id) for station_id in new}
        self.unkept.update(new)

    def _is_news(self, at_ms: int, known_ms: int) -> bool:
        """Return whether a station was heard since; times to come, and from before our clock was set, say nothing."""
        return known_ms < at_ms and self.from_ms <= at_ms <= self.looked_ms

    def _is_back(self, spoken: Spoken) -> bool:
        heard = self.signed if spoken.signed else self.heard
        raised_ms = spoken.raised_ms if spoken.raised_ms <= self.looked_ms else self.since_ms
        return heard.get(spoken.station_id, 0) > raised_ms

    def _last(self, spoken: Spoken) -> tuple[int, int | None]:
        """Return when a station and its signer were last heard."""
        heard_ms = self.heard.get(spoken.station_id, self.since_ms)
        return heard_ms, self.signed.get(spoken.station_id, self.since_ms) if spoken.signs else None

    def _may_be_silent(self, spoken: Spoken, now_ms: int) -> bool:
        """Return whether it is worth to look a station up: most have spoken just now."""
        heard_ms, signed_ms = self._last(spoken)
        return now_ms - min(heard_ms, signed_ms or heard_ms) > SHORTEST_MS

    async def _judge(self, spoken: Spoken, now_ms: int) -> None:
        memory = await remember_station(self.world, StationId(spoken.station_id))
        if memory is None or memory.station.successor is not None:
            return
        station, signs = memory.station, self.world.has_signer(memory.station)
        interval_s = self.world.settings.boot_interval_s if station.boot.interval_s is None else station.boot.interval_s
        heard_ms, signed_ms = self._last(spoken)
        seen = Seen(
            now_ms=now_ms,
            at_ms=now_ms,
            heard_ms=heard_ms,
            signed_ms=signed_ms if signs else None,
            interval_ms=max(interval_s * 1000, SIGNER_MS if signs else 0),
        )
        found = self.world.watch.look(Moment.SILENCE, seen)
        if found and not await is_quiet(self.world, found[0].code, station.id, now_ms):
            await self._raise(spoken, found[0], now_ms)

    async def _raise(self, spoken: Spoken, found: Finding, now_ms: int) -> None:
        step = Step(self.world, spoken.station_id, now_ms)
        key = alarm(step, found.code, found.field, found.detail)
        await self._commit(step, replace(spoken, alarm=key, raised_ms=now_ms, signed=found.field == "records"))

    async def _over(self, spoken: Spoken, now_ms: int) -> None:
        step = Step(self.world, spoken.station_id, now_ms)
        key = spoken.alarm or ""
        step.puts.extend(await over(self.world, key, now_ms, now_ms))
        await self._commit(step, replace(spoken, alarm=None, raised_ms=0, signed=False))

    async def _keep(self, spoken: Spoken, now_ms: int) -> None:
        await self._commit(Step(self.world, spoken.station_id, now_ms), spoken)

    async def _commit(self, step: Step, spoken: Spoken) -> None:
        """Make a change durable; where that fails, the next round tries again."""
        station_id = spoken.station_id
        step.puts.append(put(SPOKEN, station_id.casefold(), spoken, step.now_ms, station_id=station_id))
        await step.commit()
        self.known[station_id] = spoken
        self.unkept.discard(station_id)
