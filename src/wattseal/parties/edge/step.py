"""A step of an edge: what happened becomes a new state, items of the chains and messages for the CSMS.

A step counts once it is durable; only then is the station answered.
"""

from dataclasses import dataclass, replace

from wattseal.parties.edge.records import Groups
from wattseal.parties.edge.state import EdgeState, Site
from wattseal.parties.edge.upstream import Upward
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.item import Item, Kind
from wattseal.seal.writer import Draft, SubjectKeys

STATION_STREAM = 0
"""The chain of the station itself: boots, heartbeats, requests."""
FIRST_UNRECEIPTED = 1
"""Public field of a heartbeat record: the first seq of its chain that has no receipt."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step gives: the state to come, items for the journal, messages for the CSMS in order."""

    state: EdgeState
    items: tuple[Item, ...] = ()
    upward: tuple[Upward, ...] = ()

    def then(self, other: "Step") -> "Step":
        """Return this step followed by one that was taken from its state."""
        return Step(other.state, self.items + other.items, self.upward + other.upward)


def append(
    state: EdgeState, site: Site, number: int, draft: Draft, keys: SubjectKeys | None
) -> tuple[EdgeState, tuple[Item, ...]]:
    """Put a record on a chain; a chain that has not begun begins with its boot record."""
    stream = state.stream(number)
    items: tuple[Item, ...] = ()
    if stream.head == NO_HEAD and draft.kind is not Kind.BOOT:
        state, items = append(state, site, number, Draft(Kind.BOOT, draft.ms, site.clock), None)
        stream = state.stream(number)
    item, head = site.writer.append(stream.head, number, draft, keys)
    stream = replace(stream, head=head)
    if item.signature is not None:
        place = (item.payload.epoch, item.payload.seq)
        stream = replace(stream, pending=(*stream.pending, place), signed_ms=draft.ms)
    return state.with_stream(stream), (*items, item)


def _carry(state: EdgeState, items: tuple[Item, ...]) -> Step:
    return Step(state, items, (Upward(tuple(item.encode() for item in items)),))


def boot(state: EdgeState, site: Site, now_ms: int) -> Step:
    """Record that the edge (re)started: a new epoch on the station's own chain."""
    new_epoch = state.stream(STATION_STREAM).head != NO_HEAD
    draft = Draft(Kind.BOOT, now_ms, site.clock, new_epoch=new_epoch)
    return _carry(*append(state, site, STATION_STREAM, draft, None))


def heartbeat(state: EdgeState, site: Site, now_ms: int, *, online: bool) -> Step:
    """Sign every chain that is due: an unsigned tail always; while online also what has no receipt or is charging."""
    busy = {charge.evse_id for charge in state.charges.values() if charge.end is None}
    step = Step(state)
    for number, stream in sorted(state.streams.items()):
        oldest = stream.head.oldest_link_ms
        tail_due = oldest is not None and now_ms - oldest >= site.heartbeat_ms
        wanted = number == STATION_STREAM or number in busy or bool(stream.pending)
        if not tail_due and not (online and wanted and now_ms - stream.signed_ms >= site.heartbeat_ms):
            continue
        step = step.then(heartbeat_of(step.state, site, number, now_ms))
    return step


def heartbeat_of(
    state: EdgeState,
    site: Site,
    number: int,
    now_ms: int,
    *,
    groups: Groups | None = None,
    refs: tuple[bytes, ...] = (),
) -> Step:
    """Sign one chain now, with something to tell (`groups`, open to all) where there is."""
    stream = state.stream(number)
    first = stream.pending[0][1] if stream.pending else stream.head.seq + 1
    draft = Draft(Kind.HEARTBEAT, now_ms, site.clock, groups or {}, refs, {FIRST_UNRECEIPTED: first})
    return _carry(*append(state, site, number, draft, None))
