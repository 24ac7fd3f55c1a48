"""What happens, told to open pages: small hints out of the journal's commits. A page then asks for what it may see.

A hint says which session or station has changed and nothing of how; who follows waits in a bounded set of hints, in
which the same one stands once.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from wattseal.flow.charges.reproof import BROKEN
from wattseal.flow.documents import ALARM, EVSE, STATION, TRANSACTION, UNBILLED
from wattseal.flow.fleet.uptime import PORT
from wattseal.flow.money.bills import BILL
from wattseal.flow.people.sessions import WEB_SESSION
from wattseal.flow.ports import Batch, Put
from wattseal.flow.stations.availability import CONNECTOR
from wattseal.seal.item import Kind
from wattseal.serve.viewers import Viewer

MAX_FOLLOWERS = 200
"""Pages that may be open at a time; one more is refused, and asks again later."""
MAX_WAITING = 64
"""Hints that wait for one page; beyond it they are dropped, and the page is told to load itself again."""
MAX_MISSED = 4096
"""A page that lets so many more pass meanwhile does not read any more: it is let go."""
ID_DIGITS = 32


@dataclass(frozen=True, slots=True)
class Hint:
    """What has changed: a kind of `SCOPES`, and which one."""

    kind: str
    about: str = ""


SCOPES: Mapping[str, str] = {
    "session": "transactions:read",
    "verdict": "transactions:read",
    "broken": "transactions:read",
    "station": "stations:read",
    "alarm": "alarms:read",
}
"""Kinds of hints, and which scope their reader needs."""
RELOAD = Hint("reload")
"""In place of hints that were dropped."""
_STATIONS = frozenset({STATION, EVSE, CONNECTOR, PORT})
_SESSIONS: Mapping[str, str] = {TRANSACTION: "session", UNBILLED: "verdict", BILL: "verdict", BROKEN: "broken"}


@dataclass(eq=False, slots=True)
class Follower:
    """One open page: what waits for it, and whose it is. `look_again` says that sessions were begun or ended."""

    viewer: Viewer
    waiting: dict[Hint, None] = field(default_factory=dict)
    missed: int = 0
    look_again: bool = False
    gone: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[object] | None = None

    def offer(self, hint: Hint) -> None:
        """Let a hint wait, if this page's viewer may have it."""
        if not self.viewer.may(SCOPES[hint.kind]):
            return
        if self.missed:
            self.missed += 1
        elif len(self.waiting) < MAX_WAITING or hint in self.waiting:
            self.waiting[hint] = None
        else:
            self.waiting, self.missed = {RELOAD: None}, 1
        self.wake.set()

    def take(self) -> tuple[Hint, ...]:
        """Return what waits."""
        taken = tuple(self.waiting)
        self.waiting, self.missed = {}, 0
        self.wake.clear()
        return taken

    def let_go(self) -> None:
        """End it, also where it is stuck in sending to a browser that does not read."""
        self.gone = True
        self.wake.set()
        if self.missed and self.task is not None:
            self.task.cancel()


class Feed:
    """All open pages. Belongs to one event loop."""

    def __init__(self) -> None:
        self.followers: set[Follower] = set()
        self.closed = False

    @property
    def full(self) -> bool:
        """Whether nobody more can follow at present."""
        return self.closed or len(self.followers) >= MAX_FOLLOWERS

    def join(self, viewer: Viewer, task: asyncio.Task[object] | None = None) -> Follower | None:
        """Begin to follow; None where there is no room. `task` is cancelled where it is stuck in sending."""
        if self.full:
            return None
        made = Follower(viewer, task=task)
        self.followers.add(made)
        return made

    def leave(self, follower: Follower) -> None:
        """Follow no more."""
        self.followers.discard(follower)

    def committed(self, batch: Batch) -> None:
        """Tell of a batch that has become durable; nothing is done where nobody follows."""
        if not self.followers:
            return
        hints = dict.fromkeys(hint for put in batch.puts if (hint := hint_of(put)) is not None)
        read = (i.subject for i in batch.items if i.subject is not None and i.kind == Kind.READING)
        hints |= dict.fromkeys(Hint("session", subject.hex()) for subject in read)
        people = any(put.kind == WEB_SESSION or put.kind.startswith("person") for put in batch.puts)
        for follower in tuple(self.followers):
            for hint in hints:
                follower.offer(hint)
            if people:
                follower.look_again = True
                follower.wake.set()
            if follower.missed > MAX_MISSED:
                follower.let_go()
                self.followers.discard(follower)

    def close(self) -> None:
        """End all of them: the process ends."""
        self.closed = True
        for follower in tuple(self.followers):
            follower.let_go()


def hint_of(put: Put) -> Hint | None:
    """Return what a document that was written hints at; None for those that no page shows live."""
    if put.kind in _SESSIONS:
        return Hint(_SESSIONS[put.kind], put.key[:ID_DIGITS])
    if put.kind in _STATIONS:
        return Hint("station", put.station_id or put.key)
    return Hint("alarm", put.station_id or "") if put.kind == ALARM else None
