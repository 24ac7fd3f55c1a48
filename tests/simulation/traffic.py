"""What goes over the lines of a storm: messages get lost on either way, are doubled, told out of order, swallowed."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from tests.simulation.broken import broken
from tests.simulation.site import Message, Site

from wattseal.base.errors import StoreError
from wattseal.flow.handle import handle
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.version import Refusal, Version

if TYPE_CHECKING:
    from tests.simulation.storm import Storm

STRANGERS = (
    Principal(cast("Any", "other"), "ST0", frozenset({"station"}), frozenset({"station"})),
    Principal(cast("Any", "default"), "ST0", frozenset(), frozenset()),
    Principal(cast("Any", "default"), "NOBODY", frozenset({"station"}), frozenset({"station"})),
)
"""Peers that are not who they say, or are nobody here."""


class Traffic:
    """Between the stations and whatever process there is."""

    def __init__(self, storm: "Storm") -> None:
        self.storm = storm

    def live(self) -> None:
        """Let something happen at a station; nothing arrives before it was told."""
        storm = self.storm
        site = storm.dice.choice(storm.sites)
        if len(site.queue) < 4:
            site.live_on()
            storm.clock.at = max(storm.clock.at, datetime.fromtimestamp(site.now_ms / 1000, UTC))

    def send(self) -> None:
        """Have a station tell something."""
        storm, faults, weather = self.storm, self.storm.faults, self.storm.weather
        site = storm.dice.choice(storm.sites)
        able = site.sendable()
        if not able or storm.driver.busy(site.name):
            return
        message = able[0]
        if faults.drawn(weather.disorder) and "BootNotification" not in {m.action for m in able}:
            message = storm.dice.choice(able)
            faults.happened["told out of order"] += message is not able[0]
        if faults.drawn(weather.swallow) and (gone := site.swallow()) is not None:
            faults.tell("swallowed", f"{site.name} {gone.action} {gone.sent}")
            return
        frame = site.frame(message, again=storm.dice.random() < 0.5)
        storm.trace(f"  {site.name} > {frame.decode()}")
        if faults.drawn(weather.lose):
            faults.tell("lost", f"{site.name} {message.message_id}")
            site.cut()
            return
        self._arrive(site, message, frame)

    def beat(self, site: Site) -> None:
        """Have a station be heard."""
        self.start(site.name, site.version, b'[2,"beat","Heartbeat",{}]', self.storm.done)

    def stranger(self) -> None:
        """Have somebody speak who is not let in; nothing on the disk may follow from it."""
        storm = self.storm
        call = self._call(Version.V16, b'[2,"x","Heartbeat",{}]')

        def told(came_to: Any) -> None:
            if isinstance(came_to, StoreError):
                return
            if not isinstance(came_to, Refusal):
                broken(8, f"a stranger was answered {came_to!r}")
            storm.texts.append(str(came_to))

        storm.driver.start("stranger", handle(storm.world, storm.dice.choice(STRANGERS), Version.V16, call), told)

    def start(self, name: str, version: Version, frame: bytes, told: Callable[[Any], None]) -> None:
        """Have a frame arrive from a station."""
        storm = self.storm
        principal = Principal(storm.world.tenant, name, frozenset({"station"}), frozenset({"station"}))
        storm.driver.start(name, handle(storm.world, principal, version, self._call(version, frame)), told)

    def _call(self, version: Version, frame: bytes) -> Call:
        event = Connection(version).receive(frame, self.storm.clock.now())
        assert isinstance(event, Call), event
        return event

    def _arrive(self, site: Site, message: Message, frame: bytes) -> None:
        storm = self.storm
        call = self._call(site.version, frame)
        connection = site.connection
        principal = Principal(storm.world.tenant, site.name, frozenset({"station"}), frozenset({"station"}))

        def told(came_to: Any) -> None:
            self._answer(site, message, connection, came_to)
            if storm.faults.drawn(storm.weather.double):
                storm.faults.tell("doubled", f"{site.name} {message.message_id}")
                storm.driver.start(site.name, handle(storm.world, principal, site.version, call), storm.done)

        storm.driver.start(site.name, handle(storm.world, principal, site.version, call), told)

    def _answer(self, site: Site, message: Message, connection: int, came_to: Any) -> None:
        storm = self.storm
        storm.trace(f"  {site.name} < {message.message_id} {came_to!r}")
        if isinstance(came_to, StoreError):
            storm.texts.append(str(came_to))
            site.cut()
        elif isinstance(came_to, Exception):
            raise came_to
        elif isinstance(came_to, Refusal):
            storm.texts.append(str(came_to))
            if message.session is not None:
                broken(1, f"a message of a transaction was refused: {came_to}")
            site.cut()
        elif storm.faults.drawn(storm.weather.lose):
            storm.faults.tell("answer lost", f"{site.name} {message.message_id}")
            site.cut()
        else:
            site.answered(message, connection, came_to)
