"""The stations' side of their connections, for clockwork: simulated stations, which keep limits and act on them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from wattseal.app.station_commands import Commands, Running
from wattseal.base.ids import EvseId, StationId
from wattseal.flow.ports import Silence
from wattseal.lab.crew import LabError
from wattseal.model.charging import Profile, RateUnit
from wattseal.rules.charging import Charging, Circumstances, composite, window_of
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult, Connection
from wattseal.wire.ocpp.version import Refusal, Version

EVSE = EvseId(1)


@dataclass(slots=True)
class Simulated:
    """Any number of stations of one version, each with one EVSE, at which a car charges since `began`.

    `asked` has which station was asked what; where `online` is not set none is connected. A station in `deaf` refuses
    the actions named there.
    """

    now: Callable[[], datetime]
    spoken: Version = Version.V16
    began: datetime | None = None
    online: bool = True
    asked: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    deaf: dict[str, frozenset[str]] = field(default_factory=dict)
    stations: dict[StationId, Commands] = field(default_factory=dict)

    def version(self, station_id: StationId) -> Version | None:
        """Return the version that all of them speak."""
        del station_id
        return self.spoken if self.online else None

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        """Have the station do what it is asked."""
        del timeout_s
        self.asked.append((str(station_id), action, json.loads(payload)))
        ours, theirs = Connection(self.spoken), Connection(self.spoken)
        call = theirs.receive(ours.call("1", action, payload), self.now())
        if not isinstance(call, Call):
            raise LabError("the command was not taken", subject=station_id)
        if action in self.deaf.get(str(station_id), frozenset()):
            answer: bytes | Refusal = b'{"status":"Rejected"}'
        else:
            answer = await self._at(station_id).handle(call, self.now(), lambda: False)
        said = theirs.refuse("1", answer) if isinstance(answer, Refusal) else theirs.reply("1", answer)
        event = ours.receive(said, self.now())
        if not isinstance(event, CallResult | CallError):
            raise LabError("the answer was not taken", subject=station_id)
        return event

    def allows_a(
        self, station: str, at: datetime | None = None, evse_id: int = 0, *, offline_s: int | None = None
    ) -> Decimal | None:
        """Return what a station allows by its own profiles, in amperes of each phase; None without a limit.

        After `offline_s` without its CSMS those are out of force that were not to last so long.
        """
        known = self._at(StationId(station)).orders.profiles.values()
        installed = [one for one in known if offline_s is None or _holds(one.profile, offline_s)]
        charging = {} if self.began is None else {int(EVSE): Charging("", self.began)}
        window, where = window_of(at or self.now(), 1), Circumstances(charging, (int(EVSE),))
        return composite(installed, evse_id, window, RateUnit.A, where).periods[0].limit

    def forget(self, station: str) -> None:
        """Set a station back to how it came from its factory: it knows no limits any more."""
        self.stations.pop(StationId(station), None)

    def _at(self, station_id: StationId) -> Commands:
        if station_id not in self.stations:
            running = None if self.began is None else Running(None, self.began)
            self.stations[station_id] = Commands(self.spoken, EVSE, lambda: running, lambda: None)
        return self.stations[station_id]


def _holds(profile: Profile, offline_s: int) -> bool:
    return profile.offline_hold_s is None or offline_s < profile.offline_hold_s
