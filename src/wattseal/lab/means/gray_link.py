"""A station's day minute by minute, and a link that swallows frames or keeps them for later; who notices, and when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from wattseal.lab.grounds.clockwork import Clockwork, Line, Told2x
from wattseal.model.alarm import Alarm

EVERY_MIN, EVENTS, PAUSE_MIN = 2, 12, 16
"""A session tells every two minutes, this many times after its start; then the EVSE is free for a while."""
BEAT_MIN = 5
ENERGY_WH = 500
"""Between two readings."""
ROUND_MIN = EVERY_MIN * EVENTS + PAUSE_MIN
NAMES = frozenset({"messages_missing", "missing_stop", "unaccounted_session", "silence"})
"""Alarms that tell of messages which did not come."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What a station says at a minute: of which session (None for others), its kind and number there."""

    minute: int
    session: int | None
    kind: str
    seq: int = 0
    wh: int = 0


@dataclass(slots=True)
class Seen:
    """What came of a day: when the first frame of each session was lost, how many arrived by minute, and alarms."""

    lost: dict[int, int] = field(default_factory=dict)
    arrived: list[int] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    sessions: dict[str, int] = field(default_factory=dict)
    """Our ids of sessions, and which they are."""
    began_ms: int = 0

    def told(self, session: int) -> Alarm | None:
        """Return the first alarm about a session: one that names it, or the station's that stands or comes after it."""
        until_ms = self.began_ms + (session + 2) * ROUND_MIN * 60_000
        since_ms = self.began_ms + self.lost.get(session, 0) * 60_000
        mine = [
            each
            for each in self.alarms
            if (self.sessions.get(each.transaction or "") == session and each.code != "unaccounted_session")
            or (each.code == "silence" and each.at_ms <= until_ms and (each.over_ms or since_ms) >= since_ms)
            or (each.code == "unaccounted_session" and since_ms <= each.at_ms <= until_ms)
        ]
        return min(mine, key=lambda each: each.at_ms, default=None)


def day(sessions: int) -> Iterator[Frame]:
    """Yield what a station says, in order: heartbeats, states of its connector, sessions one after another."""
    wh = 0
    for session in range(sessions):
        begins = session * ROUND_MIN
        for minute in range(begins, begins + ROUND_MIN):
            if minute % BEAT_MIN == 0:
                yield Frame(minute, None, "Heartbeat")
            seq, rest = divmod(minute - begins, EVERY_MIN)
            if rest == 0 and seq <= EVENTS:
                kind = {0: "Started", EVENTS: "Ended"}.get(seq, "Updated")
                if kind == "Started":
                    yield Frame(minute, None, "Occupied")
                yield Frame(minute, session, kind, seq, wh)
                if kind == "Ended":
                    yield Frame(minute, None, "Available")
                else:
                    wh += ENERGY_WH


async def swallowed(cpo: Clockwork, line: Line, sessions: int, loses: Callable[[], bool]) -> Seen:
    """Play a day on a link that loses a frame where `loses` says so, and lets the station believe it arrived."""
    seen = Seen(began_ms=cpo.began_ms)
    frames, late = list(day(sessions)), ROUND_MIN
    for minute in range(sessions * ROUND_MIN + late):
        cpo.move_to(minute)
        for frame in (each for each in frames if each.minute == minute):
            if not loses():
                await say(line, frame)
                seen.arrived.append(minute)
            elif frame.session is not None:
                seen.lost.setdefault(frame.session, minute)
        if minute >= sessions * ROUND_MIN and minute % BEAT_MIN == 0 and not loses():
            await say(line, Frame(minute, None, "Heartbeat"))
        await cpo.look()
    return await _read(cpo, seen)


async def kept(cpo: Clockwork, line: Line, outage: tuple[int, int], sends: int, *, newest_first: bool) -> Seen:
    """Play a day with an outage (from minute, for minutes) after which the station delivers all that it kept.

    It sends so many a minute; with `newest_first` it tells what happens now before what it has kept.
    """
    seen = Seen(began_ms=cpo.began_ms)
    begins, length = outage
    sessions = 3 + (begins + length) // ROUND_MIN
    frames, waiting = list(day(sessions)), list[Frame]()
    for minute in range(sessions * ROUND_MIN + ROUND_MIN + len(frames) // sends):
        cpo.move_to(minute)
        now = [each for each in frames if each.minute == minute]
        if begins <= minute < begins + length:
            waiting.extend(each for each in now if each.session is not None)
        elif waiting:
            queue, waiting = waiting[:sends], waiting[sends:]
            for frame in [*now, *queue] if newest_first else queue:
                await say(line, frame)
            waiting.extend([] if newest_first else now)
        else:
            for frame in now:
                await say(line, frame)
        await cpo.look()
    return await _read(cpo, seen)


async def say(line: Line, frame: Frame) -> None:
    """Tell a frame to the CSMS."""
    match frame.kind:
        case "Heartbeat":
            await line.call("Heartbeat", {})
        case "Occupied" | "Available":
            at = line.clockwork.at(frame.minute)
            status = {"connectorStatus": frame.kind, "evseId": 1, "connectorId": 1, "timestamp": at}
            await line.call("StatusNotification", status)
        case _:
            told = Told2x(f"T{frame.session}", frame.wh, frame.minute)
            await line.call("TransactionEvent", line.payload2x(frame.kind, frame.seq, told))


async def _read(cpo: Clockwork, seen: Seen) -> Seen:
    seen.alarms = [each for each in await cpo.alarms() if each.code in NAMES]
    seen.sessions = {each.id: int((each.transaction_id or "T0")[1:]) for each in await cpo.transactions()}
    return seen
