"""Who did what: rights, decisions and accounts out of their signed records, and commands beside them."""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.base.ids import Origin
from wattseal.flow.alarm_keeper import STREAM as ALARMS
from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.fleet.maintenance import STREAM as WORKS
from wattseal.flow.fleet.orders import STREAM as ORDERS
from wattseal.flow.listing import Wanted, latest
from wattseal.flow.money.records import MoneyStream
from wattseal.flow.people.register import STREAM
from wattseal.flow.world import World
from wattseal.seal.account import AccountSaid
from wattseal.seal.alarm import AlarmSaid
from wattseal.seal.dispute import DisputeDecided, DisputeOpened, read_dispute
from wattseal.seal.fields import Ordered
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.person import PersonSaid
from wattseal.seal.ruling import Ruling
from wattseal.seal.works import WorksSaid

MAX_ACTS = 500
"""Of each source, the latest; `Acts.more` says that there are earlier ones."""
_PAGE = 250
_MONEY = (int(MoneyStream.ACCOUNTS), int(MoneyStream.RULINGS), int(MoneyStream.DISPUTES))
_STREAMS = (STREAM, ORDERS, ALARMS, WORKS, *_MONEY)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that somebody did: `what` in the words of the record, `about` a person, account, session or station.

    `record` is the payload hash of the signed record, in hex.
    """

    at_ms: int
    by: str
    kind: str
    what: str
    about: str
    record: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Acts:
    """What was done, the latest first."""

    acts: tuple[Act, ...]
    more: bool


async def done_by(world: World, since_ms: int, until_ms: int, who: str | None = None) -> Acts:
    """Return what was done from `since_ms` on and before `until_ms`, by `who` alone where that is given."""
    found: list[Act] = []
    more = False
    for stream in _STREAMS:
        acts, cut = await _recorded(world, stream, since_ms, until_ms, who)
        found += acts
        more = more or cut
    wanted = Wanted(limit=MAX_ACTS, since_ms=since_ms, until_ms=until_ms)
    page, following = await latest(
        world, COMMAND, CommandKept, wanted, None if who is None else lambda kept: _is(kept.asked_by, who)
    )
    found += [
        Act(kept.asked_at_ms, kept.asked_by, "command", kept.action, kept.station_id, kept.record, kept.outcome or "")
        for kept in page
    ]
    return Acts(tuple(sorted(found, key=lambda act: -act.at_ms)), more or following is not None)


async def _recorded(world: World, stream: int, since_ms: int, until_ms: int, who: str | None) -> tuple[list[Act], bool]:
    """Read a chain from its end backwards until the time asked for begins, or there are enough."""
    origin = Origin(world.billing_origin)
    head = await world.journal.chain_head(world.tenant, origin, stream)
    found: list[Act] = []
    end = -1 if head is None else head.item.seq
    while head is not None and end >= 0:
        begin = max(0, end - _PAGE + 1)
        page = await world.journal.items(world.tenant, origin, stream, (head.item.epoch, begin), end - begin + 1)
        for kept in reversed(page):
            if kept.item.recorded_at_ms < since_ms:
                return found, False
            act = None if kept.item.recorded_at_ms >= until_ms else _act(parse_item(kept.item.item))
            if act is not None and (who is None or _is(act.by, who)):
                if len(found) == MAX_ACTS:
                    return found, True
                found.append(act)
        end = begin - 1
    return found, False


def _act(item: Item) -> Act | None:
    opened = open_box(item, int(Group.OPS), None) if Group.OPS in item.boxes else None
    if not isinstance(opened, Opening):
        return None
    fields = Content.decode(opened.content).fields
    ms, record, session = item.payload.ms, item.hash.hex(), (item.payload.subject or b"").hex()
    act: Act | None = None
    try:
        match item.payload.kind:
            case Kind.PERSON:
                act = _person(PersonSaid.read(fields), ms, record)
            case Kind.ACCOUNT:
                said = AccountSaid.read(fields)
                act = Act(ms, said.by, "account", said.event.name.lower(), said.account, record, said.text)
            case Kind.ALARM:
                act = _alarm(AlarmSaid.read(fields), ms, record)
            case Kind.WORKS:
                act = _works(WorksSaid.read(fields), ms, record)
            case Kind.COMMAND:
                order = Ordered.read(fields)
                act = Act(ms, order.asked_by, "order", order.outcome or "asked", order.action, record)
            case Kind.RULING:
                ruling = Ruling.read(fields)
                decided_on = session or ruling.alarm or ""
                act = Act(ms, ruling.person, "ruling", ruling.verdict.value, decided_on, record, ruling.text)
            case Kind.DISPUTE:
                act = _dispute(read_dispute(fields), ms, session, record)
    except InputError:
        return None
    return act


def _person(said: PersonSaid, ms: int, record: str) -> Act:
    told = said.text or ", ".join(said.roles)
    return Act(ms, said.by, "person", said.event.name.lower(), f"person/{said.person}", record, told)


def _works(said: WorksSaid, ms: int, record: str) -> Act:
    place = ", ".join(said.stations) or said.site or "*"
    return Act(ms, said.by, "works", said.event.name.lower(), place, record, said.note)


def _alarm(said: AlarmSaid, ms: int, record: str) -> Act | None:
    """Return who acknowledged or closed an alarm; nobody raises or clears one."""
    if said.by is None:
        return None
    return Act(ms, said.by, "alarm", said.event.name.lower(), said.code, record, said.station_id)


def _dispute(said: DisputeOpened | DisputeDecided, ms: int, session: str, record: str) -> Act:
    match said:
        case DisputeOpened():
            return Act(ms, said.opened_by, "dispute", "opened", session, record, said.text)
        case DisputeDecided():
            return Act(ms, said.person, "dispute", said.verdict.value, session, record, said.text)


def _is(by: str, who: str) -> bool:
    """Return whether this is the one asked for: as they are known, or behind the name they gave."""
    return by == who or by.endswith(f"({who})")
