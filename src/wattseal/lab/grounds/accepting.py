"""The stations' side of their connections, for clockwork: each accepts whatever it is asked, at once."""

from dataclasses import dataclass, field

from wattseal.base.ids import StationId
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.wire.ocpp.rpc import CallResult, Connection
from wattseal.wire.ocpp.version import Version


@dataclass(slots=True)
class Accepting:
    """All stations, of one version; `asked` has when each was asked, which action, and the payload."""

    cpo: Clockwork
    spoken: Version = Version.V16
    asked: list[tuple[int, str, bytes]] = field(default_factory=list)

    def version(self, station_id: StationId) -> Version | None:
        """Return the version that all of them speak."""
        del station_id
        return self.spoken

    async def call(self, station_id: StationId, action: str, payload: bytes, timeout_s: float) -> CallResult:
        """Take a command."""
        del timeout_s
        self.asked.append((self.cpo.clock.ms, action, payload))
        connection = Connection(self.spoken)
        connection.call("1", action, payload)
        event = connection.receive(b'[3,"1",{"status":"Accepted"}]', self.cpo.world.clock.now())
        if not isinstance(event, CallResult):
            raise LabError("the answer was not taken", subject=station_id)
        return event
