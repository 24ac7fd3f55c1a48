"""The lines to a storm's stations: what they are asked arrives late, never, or is answered and nobody hears it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.interop.obedient import answer
from tests.simulation.broken import broken
from tests.simulation.driver import Pause
from tests.simulation.weather import dice

from wattseal.base.ids import StationId
from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.documents import read
from wattseal.flow.ports import Silence
from wattseal.wire.ocpp.rpc import CallError, CallResult, Connection
from wattseal.wire.ocpp.version import Version

if TYPE_CHECKING:
    from tests.simulation.storm import Storm

Payload = dict[str, Any]
Hears = Callable[[str, Payload], Payload | None]
"""What a station makes of a command: its answer, None for the least there is."""


@dataclass(frozen=True)
class Heard:
    """A command that reached its station: in which life of the process, at which true time (Unix ms)."""

    life: int
    at_ms: int
    station: str
    action: str
    payload: Payload


class Lines:
    """No station hears a command that is not on record; `hears` has what stations do at actions that others play."""

    def __init__(self, storm: "Storm") -> None:
        self.storm = storm
        self.dice = dice(f"{storm.seed}/lines")
        self.hears: dict[str, Hears] = {}
        self.heard: list[Heard] = []
        self.edged: dict[str, Version] = {}

    def version(self, station_id: StationId) -> Version | None:
        """Return what a station speaks that is there."""
        booted = {site.name: site.version for site in self.storm.sites if site.booted}
        return booted.get(str(station_id), self.edged.get(str(station_id)))

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        """Be the station: hear it, and answer after a while."""
        del timeout_s
        storm, version = self.storm, self.version(station_id)
        kept = [read(d, CommandKept) for d in storm.documents(COMMAND) if d.station_id == station_id]
        if not any(one.outcome is None for one in kept):
            broken(1, f"{station_id} hears {action}, of which nothing is on record")
        if version is None or storm.faults.drawn(storm.weather.lose):
            return Silence.TIMED_OUT
        told: Payload = json.loads(payload)
        self.heard.append(Heard(storm.starts, storm.clock.true_ms(), str(station_id), action, told))
        hears = self.hears.get(action)
        made = None if hears is None else hears(str(station_id), told)
        until = storm.steps + self.dice.choice((0, 5, 60))
        await Pause(lambda: storm.steps >= until)
        if self.version(station_id) is None or storm.faults.drawn(storm.weather.lose):
            return Silence.TIMED_OUT
        asking = Connection(version)
        asking.call("1", action, payload)
        back: list[Any] = [3, "1", self._least(version, action) if made is None else made]
        if made is None and self.dice.random() < 0.1:
            back = [4, "1", "InternalError", "", {}]
        event = asking.receive(json.dumps(back).encode(), storm.clock.now())
        assert isinstance(event, CallResult | CallError), event
        return event

    def _least(self, version: Version, action: str) -> Payload:
        made: Payload = answer(version, action)
        if "status" in made and self.dice.random() < 0.4:
            made["status"] = "Rejected" if made["status"] == "Accepted" else made["status"]
        return made
