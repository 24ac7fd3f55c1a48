"""Sessions found for a page: newest first, filtered by what the address says, with where each one stands."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from wattseal.flow.charges.reproof import Broken, broken_of, broken_sessions
from wattseal.flow.charges.standing import standing_of
from wattseal.flow.charges.transaction_list import charged_token
from wattseal.flow.documents import STATION, every_document, read
from wattseal.flow.listing import spelled
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.ports import RowsWanted
from wattseal.flow.turn import find_in_memory, transaction_by_id
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.rollup import SessionState
from wattseal.model.station import Station
from wattseal.model.token import canonical
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Grade, Verdict
from wattseal.serve.api.service import Service
from wattseal.serve.viewers import Viewer

PAGE = 40
MAX_LOOKED_AT = 1000
"""So many sessions are looked at for one page; where few pass the filters, a page is short and leads on."""
RUNNING, BROKEN = "running", "broken"
STATES = (RUNNING, *(state.value for state in Billing), BROKEN)
GRADES = tuple(grade.name for grade in Grade)
CHUNK = 100
LATEST = (2**62, "")
_MOST = 64


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; "" is all. `since` and `until` are days in the viewer's zone, both included."""

    station: str = ""
    site: str = ""
    state: str = ""
    grade: str = ""
    since: str = ""
    until: str = ""
    token: str = ""
    before: str = ""

    @staticmethod
    def of(query: Mapping[str, str], viewer: Viewer) -> "Filters":
        """Read an address; what makes no sense in it is left out, and so is a token from who may not see tokens."""
        told = {name: query.get(name, "").strip()[:_MOST] for name in Filters.__dataclass_fields__}
        if told["state"] not in STATES:
            told["state"] = ""
        if told["grade"] not in GRADES:
            told["grade"] = ""
        for name in ("since", "until"):
            told[name] = told[name] if _day(told[name]) else ""
        if not viewer.may("tokens:read"):
            told["token"] = ""
        return Filters(**told)

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return any((self.station, self.site, self.state, self.grade, self.since, self.until, self.token))

    def address(self, path: str, **changed: str) -> str:
        """Return an address with these filters, some of them changed."""
        values = {name: getattr(self, name) for name in Filters.__dataclass_fields__} | changed
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{path}?{query}" if query else path

    def bounds(self, zone: ZoneInfo) -> tuple[int, str]:
        """Return from which time on, and before which key."""
        since, until = _day(self.since), _day(self.until)
        since_ms = 0 if since is None else _midnight(since, zone)
        end = "" if until is None else f"{_midnight(until + timedelta(days=1), zone):015d}"
        return since_ms, min(filter(None, (end, self.before)), default="")


@dataclass(frozen=True, slots=True)
class Row:
    """A session in a list: `energy_wh` so far where it runs; `bill` and `token` where the viewer may see them."""

    key: str
    transaction: Transaction
    standing: Billing
    reason: str | None
    grade: Grade | None
    broken: Broken | None
    energy_wh: Decimal | None
    bill: Bill | None
    token: str | None

    @property
    def is_broken(self) -> bool:
        """Whether it does not prove, or what was signed in it never did."""
        return self.broken is not None or has_invalid(self.transaction)

    @property
    def state(self) -> str:
        """Where it stands, as a word of `STATES`."""
        if self.transaction.active:
            return RUNNING
        return self.standing.value


def has_invalid(transaction: Transaction) -> bool:
    """Return whether a signature in it was wrong from the first."""
    return any(found.verdict is Verdict.INVALID for found in transaction.verdicts)


async def rows(service: Service, viewer: Viewer, filters: Filters) -> AsyncIterator[Row | str]:
    """Yield the sessions that pass; in between keys that did not, so that whoever reads knows how far it has come."""
    world = service.world
    since_ms, before = filters.bounds(viewer.zone)
    stations = await _stations(world, filters)
    async for key in _keys(world, filters, stations, since_ms, before):
        transaction = await transaction_by_id(world, key.rpartition("-")[2])
        passed = transaction is not None and (stations is None or transaction.station_id in stations)
        row = await _row(service, viewer, filters, key, transaction) if transaction is not None and passed else None
        yield key if row is None else row


async def page(service: Service, viewer: Viewer, filters: Filters) -> tuple[list[Row], str]:
    """Return a page, and before which key the next one begins; "" where this is the last."""
    found: list[Row] = []
    looked_at = 0
    async for row in rows(service, viewer, filters):
        looked_at += 1
        if isinstance(row, Row):
            if len(found) == PAGE:
                return found, found[-1].key
            found.append(row)
        elif looked_at >= MAX_LOOKED_AT:
            return found, row
    return found, ""


async def _keys(
    world: World, filters: Filters, stations: frozenset[str] | None, since_ms: int, before: str
) -> AsyncIterator[str]:
    """Yield keys, newest first: those that the journal lists by time, station and state."""
    if filters.state == BROKEN:
        keys = [await _key_of(world, one) for one in await broken_sessions(world)]
        for key in sorted(filter(None, keys), reverse=True):
            if (not before or key < before) and key >= f"{since_ms:015d}":
                yield key
        return
    station = next(iter(stations)) if stations is not None and len(stations) == 1 else None
    state = {"": None, RUNNING: SessionState.OPEN}.get(filters.state, filters.state)
    wanted = RowsWanted(
        limit=CHUNK,
        before=_place(before) if before else LATEST,
        since_ms=since_ms,
        station_id=station,
        state=None if state is None else SessionState(state),
        documents=False,
    )
    while found := await world.journal.sessions(world.tenant, wanted):
        for one in found:
            yield _key(one.row.recorded_ms, one.row.id)
        wanted = replace(wanted, before=(found[-1].row.recorded_ms, found[-1].row.id))


def _key(recorded_ms: int, session: str) -> str:
    return f"{recorded_ms:015d}-{session}"


def _place(key: str) -> tuple[int, str]:
    """Return the time and id of a key as an address has it; what is none is no bound."""
    head, _, session = key.partition("-")
    return (int(head), session) if head.isdecimal() and len(head) <= 15 else LATEST


async def _key_of(world: World, broken: Broken) -> str:
    transaction = await transaction_by_id(world, broken.session)
    return "" if transaction is None else _key(transaction.recorded_ms, transaction.id)


async def _stations(world: World, filters: Filters) -> frozenset[str] | None:
    """Return the ids of the stations asked for; None where all are."""
    if filters.station:
        return frozenset({await spelled(world, filters.station)})
    if not filters.site:
        return None
    stations = every_document(world.journal, world.tenant, STATION)
    return frozenset({s.id async for d in stations if (s := read(d, Station)).site == filters.site})


async def _row(service: Service, viewer: Viewer, filters: Filters, key: str, transaction: Transaction) -> Row | None:
    """Return a row, None where a filter says no; what is cheap is asked first."""
    if filters.state == RUNNING and not transaction.active:
        return None
    token = await token_of(service.world, transaction) if viewer.may("tokens:read") else None
    if filters.token and (token is None or canonical(filters.token) != canonical(token)):
        return None
    row = await row_of(service, viewer, key, transaction, token)
    if filters.state not in {"", RUNNING, BROKEN} and (transaction.active or row.state != filters.state):
        return None
    if filters.grade and (row.grade is None or row.grade.name != filters.grade):
        return None
    return row


async def row_of(service: Service, viewer: Viewer, key: str, transaction: Transaction, token: str | None) -> Row:
    """Return the row of a session."""
    world = service.world
    (standing, reason), grade = await standing_of(world, service.proofs, transaction)
    billed = viewer.may("bills:read") and not transaction.active
    return Row(
        key=key,
        transaction=transaction,
        standing=standing,
        reason=reason,
        grade=grade,
        broken=await broken_of(world, transaction.id),
        energy_wh=energy_of(world, transaction) if viewer.may("energy:read") else None,
        bill=await bill_in_force(world, transaction.id) if billed else None,
        token=token,
    )


async def token_of(world: World, transaction: Transaction) -> str | None:
    """Return the token a session was charged to, where this CPO can read it."""
    token = await charged_token(world, transaction)
    return None if token is None else token.value


def energy_of(world: World, transaction: Transaction) -> Decimal | None:
    """Return a session's energy, of one that runs so far; None where that is not known here."""
    if not transaction.active or transaction.sealed:
        return None if transaction.sealed else transaction.energy_wh
    live = find_in_memory(world, transaction)
    if live is None or live.highest_wh is None or transaction.start_wh is None:
        return None
    return live.highest_wh - transaction.start_wh


def _day(told: str) -> date | None:
    try:
        return date.fromisoformat(told) if told else None
    except ValueError:
        return None


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp() * 1000)
