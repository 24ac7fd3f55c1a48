"""Port history for uptime: what each port was, day by day, looked at in a fixed rhythm rather than at each message.

One document per port and day holds that day's changes; a change shorter than the rhythm is not seen. While this CSMS
was down, and for `GRACE_MS` after its start, a port that has not come back is UNKNOWN: that is nobody's outage.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from wattseal.base.errors import StoreError
from wattseal.base.ids import StationId
from wattseal.flow.documents import every_document, put, read
from wattseal.flow.fleet.maintenance import windows_of
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.rules.uptime import PortState, Span, Uptime, port_state, spans, uptime

PORT, PORT_DAY, ALIVE = "port", "port_day", "alive"
"""Document kinds: a port's state now, its changes of a day, when this CSMS was last seen alive."""
GRACE_MS = 120_000
DAY_MS = 86_400_000
MAX_CHANGES = 500
"""Changes kept of a port and day; of more the last one is overwritten, so that the day still ends as it did."""
MAX_DAYS = 400


@dataclass(frozen=True, slots=True)
class Port:
    """Document: a port's state since `since_ms`."""

    station_id: str
    evse_id: int
    state: PortState
    since_ms: int


@dataclass(frozen=True, slots=True)
class PortDay:
    """Document: a day (UTC) of a port: how it began, and [Unix ms, state] of each change."""

    station_id: str
    evse_id: int
    began_as: PortState
    changes: tuple[tuple[int, PortState], ...] = ()


@dataclass(frozen=True, slots=True)
class Alive:
    """Document: when ports were last looked at."""

    at_ms: int


@dataclass(slots=True)
class Ports:
    """All ports as last looked at; `started_ms` is when this process began to look."""

    world: World
    connected: Callable[[StationId], bool]
    started_ms: int
    known: dict[tuple[str, int], Port] = field(default_factory=dict)
    days: dict[tuple[str, int], tuple[int, PortDay]] = field(default_factory=dict)

    @staticmethod
    async def load(world: World, connected: Callable[[StationId], bool]) -> "Ports":
        """Read every port, and note what nobody saw since the process was last alive."""
        ports = Ports(world, connected, world.now_ms())
        alive = await world.journal.document(world.tenant, ALIVE, ALIVE)
        async for document in every_document(world.journal, world.tenant, PORT):
            port = read(document, Port)
            ports.known[port.station_id, port.evse_id] = port
        if alive is not None and ports.known:
            seen_ms = read(alive, Alive).at_ms
            await ports._write(dict.fromkeys(ports.known, PortState.UNKNOWN), seen_ms)
        return ports

    async def look(self) -> int:
        """Note every port whose state has changed; return how many have."""
        now_ms = self.world.now_ms()
        changed = {key: state for key, state in self._states(now_ms) if self._is(key) is not state}
        await self._write(changed, now_ms)
        return len(changed)

    def _is(self, key: tuple[str, int]) -> PortState | None:
        port = self.known.get(key)
        return None if port is None else port.state

    def _states(self, now_ms: int) -> Iterator[tuple[tuple[str, int], PortState]]:
        in_memory = set()
        for memory in tuple(self.world.stations.values()):
            station_id = memory.station.id
            in_memory.add(station_id)
            connected = self.connected(StationId(station_id))
            whole = memory.statuses.get(0)
            for evse_id in {*(evse.id for evse in memory.station.evses), *memory.statuses} - {0}:
                status = whole if whole in {"Faulted", "Unavailable"} else memory.statuses.get(evse_id)
                state = port_state(status, connected=connected)
                if connected or self._gone(station_id, evse_id, now_ms):
                    yield (station_id, evse_id), state
        for station_id, evse_id in self.known:
            if station_id not in in_memory and self._gone(station_id, evse_id, now_ms):
                yield (station_id, evse_id), PortState.OFFLINE

    def _gone(self, station_id: str, evse_id: int, now_ms: int) -> bool:
        """Return whether a port that is not connected is really gone, not just not back since our own start."""
        return now_ms >= self.started_ms + GRACE_MS or self._is((station_id, evse_id)) is not PortState.UNKNOWN

    async def _write(self, changed: dict[tuple[str, int], PortState], at_ms: int) -> None:
        puts: list[Put] = [put(ALIVE, ALIVE, Alive(self.world.now_ms()), at_ms)]
        for key, state in changed.items():
            day = await self._day(key, at_ms)
            changes = (*day.changes[: MAX_CHANGES - 1], (at_ms, state))
            self.days[key] = (at_ms // DAY_MS, replace(day, changes=changes))
            self.known[key] = Port(*key, state, at_ms)
            puts.append(put(PORT, _port_key(*key), self.known[key], at_ms, station_id=key[0]))
            puts.append(put(PORT_DAY, _day_key(*key, at_ms), self.days[key][1], at_ms, station_id=key[0]))
        try:
            await self.world.journal.commit(Batch(self.world.tenant, puts=tuple(puts)))
        except StoreError:
            self.days.clear()
            self.known.update({key: replace(self.known[key], state=PortState.UNKNOWN) for key in changed})
            raise

    async def _day(self, key: tuple[str, int], at_ms: int) -> PortDay:
        kept = self.days.get(key)
        if kept is not None and kept[0] == at_ms // DAY_MS:
            return kept[1]
        document = await self.world.journal.document(self.world.tenant, PORT_DAY, _day_key(*key, at_ms))
        if document is not None:
            return read(document, PortDay)
        return PortDay(*key, self._is(key) or PortState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class PortUptime:
    """A port's uptime in a window of Unix ms."""

    evse_id: int
    uptime: Uptime


async def station_uptime(world: World, station: Station, from_ms: int, to_ms: int) -> tuple[PortUptime, ...]:
    """Return the uptime of each port of a station; maintenance windows are excluded where NEVI lets them be."""
    found: dict[int, list[Span]] = {}
    excluded = await windows_of(world, station.id, from_ms, to_ms)
    to_ms = min(to_ms, world.now_ms())
    async for document in every_document(world.journal, world.tenant, PORT, StationId(station.id)):
        port = read(document, Port)
        found[port.evse_id] = await _spans(world, port, from_ms, to_ms)
    return tuple(PortUptime(evse_id, uptime(of, excluded)) for evse_id, of in sorted(found.items()))


async def _spans(world: World, port: Port, from_ms: int, to_ms: int) -> list[Span]:
    changes: list[tuple[int, PortState]] = []
    began_as: PortState | None = None
    for day in range(from_ms // DAY_MS, to_ms // DAY_MS + 1):
        key = _day_key(port.station_id, port.evse_id, day * DAY_MS)
        document = await world.journal.document(world.tenant, PORT_DAY, key)
        if document is not None:
            kept = read(document, PortDay)
            began_as = kept.began_as if began_as is None else began_as
            changes.extend(kept.changes)
    if began_as is None:
        began_as = port.state if port.since_ms <= from_ms else PortState.UNKNOWN
    return list(spans(began_as, changes, from_ms, to_ms))


def _port_key(station_id: str, evse_id: int) -> str:
    return f"{station_id.casefold()}/{evse_id:05d}"


def _day_key(station_id: str, evse_id: int, at_ms: int) -> str:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=at_ms // DAY_MS)
    return f"{_port_key(station_id, evse_id)}/{day:%Y-%m-%d}"
