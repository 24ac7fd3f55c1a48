"""Transactions that are open here and perhaps no longer at their station: found out, noted, and left open.

Nothing ends a transaction but its station's word. What is noted raises an alarm, so that somebody looks.
"""

from dataclasses import dataclass, field

from wattseal.base.ids import StationId, TransactionId
from wattseal.flow.charges.cut_short import look_together
from wattseal.flow.charges.gaps import look_after
from wattseal.flow.charges.loose_ends import note_open
from wattseal.flow.charges.token_uses import UseKeeper
from wattseal.flow.charges.watching import overtaken
from wattseal.flow.commands import Done, send
from wattseal.flow.memory import Memory
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.model.remote import TransactionStatusRequested
from wattseal.watch.detector import Moment
from wattseal.wire.ocpp.version import Version

DEADLINE_S = 20.0
AT_ONCE = 4
"""Stations asked in one round of the timer."""


@dataclass(slots=True)
class OpenKeeper:
    """Looks after open transactions by the clock; `away` are stations that went away while they had some."""

    world: World
    principal: Principal
    away: set[StationId] = field(default_factory=set)
    uses: UseKeeper = field(init=False)

    def __post_init__(self) -> None:
        """Look after the cards of their sessions as well."""
        self.uses = UseKeeper(self.world)

    async def round(self) -> None:
        """Ask stations that have come back (2.x E14), and note what seems over or is missing."""
        await look_after(self.world)
        await look_together(self.world)
        await self.uses.round()
        back = []
        for station_id, memory in list(self.world.stations.items()):
            if not memory.live:
                self.away.discard(station_id)
                continue
            await self._overtaken(memory)
            if (version := self.world.lines.version(station_id)) is None:
                self.away.add(station_id)
            else:
                await self._interrupted(memory)
                if station_id in self.away and version is not Version.V16:
                    back.append((station_id, memory))
        for station_id, memory in back[:AT_ONCE]:
            self.away.discard(station_id)
            await self._ask(station_id, memory)

    async def _ask(self, station_id: StationId, memory: Memory) -> None:
        for live in list(memory.live.values()):
            told = live.transaction.transaction_id
            if told is None or not live.transaction.active:
                continue
            command = TransactionStatusRequested(TransactionId(told))
            if not isinstance(await send(self.world, self.principal, station_id, command, DEADLINE_S), Done):
                return

    async def _overtaken(self, memory: Memory) -> None:
        now_ms = self.world.now_ms()
        for live in list(memory.live.values()):
            if live.transaction.active and live.transaction.place:
                for note in self.world.watch.look(Moment.OPEN, overtaken(memory, live, now_ms)):
                    await note_open(self.world, memory, live, note.code)

    async def _interrupted(self, memory: Memory) -> None:
        since_ms = self.world.now_ms() - memory.booted_ms
        if not memory.booted_ms or since_ms < self.world.settings.interrupted_after_s * 1000:
            return
        for live in list(memory.live.values()):
            if live.told_ms < memory.booted_ms:
                await note_open(self.world, memory, live, "interrupted")
