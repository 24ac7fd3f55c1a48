"""T26: everything a station says is swallowed on the way; of an edge's, everything but what he can say himself."""

import base64
from dataclasses import dataclass, field

from wattseal.app.system import SystemRandom
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.model.alarm import Alarm
from wattseal.rules.enrolment import believe
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.item import ClockQuality, Kind
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import Draft, Writer
from wattseal.watch import DETECTORS, Watch
from wattseal.wire.ocpp.version import Version

CODE, STATION, EDGED = "silence", "ST1", "ED1"
HEARTBEAT_MIN, BEGINS_MIN, LONGEST_MIN = 5, 60, 24 * 60


async def _perform(lab: Lab) -> Found:
    return await _swallow(lab, Watch())


async def _control(lab: Lab) -> Found:
    return await _swallow(lab, Watch([each for each in DETECTORS if each.code != CODE]))


@dataclass(slots=True)
class _Edge:
    """An edge that signs a heartbeat of its chain with every one that it sends."""

    line: Line
    writer: Writer
    head: ChainHead = field(default=NO_HEAD)

    async def beat(self, minutes: float) -> None:
        kind = Kind.BOOT if self.head == NO_HEAD else Kind.HEARTBEAT
        self.line.clockwork.move_to(minutes)
        draft = Draft(kind, self.line.clockwork.world.now_ms(), ClockQuality.INFORMATIVE)
        item, self.head = self.writer.append(self.head, 0, draft, None)
        carried = {"vendorId": "wattseal", "items": [base64.b64encode(item.encode()).decode()]}
        await self.line.call("Heartbeat", {"customData": carried}, minutes)


async def _swallow(lab: Lab, watch: Watch) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.watch = watch
        station, edge = await cpo.enrol(STATION), await _edge(cpo)
        begins = BEGINS_MIN + lab.dice.number(0, HEARTBEAT_MIN - 1)
        silent_since = begins - begins % HEARTBEAT_MIN
        for minute in range(begins):
            await _minute(cpo, minute, station, edge)
        if before := await _alarms(cpo):
            return Found(Outcome.MISSED, f"an alarm before anything happened: {before[0]}")
        told = await _until_told(cpo, edge.line, begins)
        if told is None:
            return Found(Outcome.MISSED, f"for {LONGEST_MIN // 60} h nobody was told that both are cut off")
        await cpo.restart()
        for minute in range(told, told + 30):
            await _minute(cpo, minute, None, None)
        again = await _alarms(cpo)
        for minute in range(told + 30, told + 30 + HEARTBEAT_MIN):
            await _minute(cpo, minute, station, edge)
        over = [each.over_ms for each in await _alarms(cpo)]
    seconds = (told - silent_since) * 60
    if len(again) != 2 or None in over:
        return Found(Outcome.MISSED, f"{len(again)} alarms after a restart, over: {over}")
    fields = ", ".join(f"{each.station_id}: {each.field}, {each.detail}" for each in again)
    text = f"alarm {CODE} of {fields}; once, also after a restart, and over when they spoke again"
    figure = Figure("from the last word until both alarms, heartbeats every 300 s", seconds, "s")
    return Found(Outcome.DETECTED, text, seconds, figures=(figure,))


async def _edge(cpo: Clockwork) -> _Edge:
    line = await cpo.enrol(EDGED)
    line.version = Version.V201
    key = SigningKey.from_seed(Algorithm.ED25519, SystemRandom().bytes(32))
    party = cpo.world.party
    origin = f"{party}/{EDGED}"
    believe(cpo.world.registry, [Entry(1, origin, Role.EDGE, party, party, key.public.spki, Use.SIGN, 0)])
    return _Edge(line, Writer.new(origin, cpo.world.log_origin, key, SystemRandom().bytes))


async def _minute(cpo: Clockwork, minute: int, station: Line | None, edge: _Edge | None) -> None:
    """Let a minute pass in which heartbeats arrive that are due, of those whose messages get through."""
    cpo.move_to(minute)
    if minute % HEARTBEAT_MIN == 0:
        if station is not None:
            await station.call("Heartbeat", {}, minute)
        if edge is not None:
            await edge.beat(minute)
    await cpo.listen()


async def _until_told(cpo: Clockwork, his: Line, begins: int) -> int | None:
    """Swallow all from a minute on, but say the edge's heartbeats for it; return when both are told."""
    for minute in range(begins, begins + LONGEST_MIN):
        cpo.move_to(minute)
        if minute % HEARTBEAT_MIN == 0:
            await his.call("Heartbeat", {}, minute)
        await cpo.listen()
        if len(await _alarms(cpo)) == 2:
            return minute
    return None


async def _alarms(cpo: Clockwork) -> list[Alarm]:
    return [each for each in await cpo.alarms() if each.code == CODE]


ATTACK = Attack(
    line="T26",
    title="a black hole: what two stations say is swallowed, while their connections stay open",
    steps=(
        "a plain station and one with an edge send heartbeats every five minutes, the edge's are signed",
        "from some minute on swallow all that the first one says, and answer it as the CSMS would",
        "swallow all records of the edge, and send heartbeats in its place",
        "restart the CSMS; then let everything through again",
    ),
    defence="the detector silence misses every station, and every signer of records, after two heartbeats",
    without="the detector is left out of the watch",
    residual="for two heartbeat intervals nobody knows; what a stock station says in that time is lost if he "
    "acknowledges it, an edge sends it again",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
