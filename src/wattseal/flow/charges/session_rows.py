"""Sessions as lists have them: newest first, filtered, each with where it stands and what its reader may see of it."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, replace
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.charges.charged_token import charged_token
from wattseal.flow.charges.reproof import Broken, broken_of, broken_sessions
from wattseal.flow.charges.standing import standing_of
from wattseal.flow.documents import STATION, every_document, read
from wattseal.flow.listing import timed
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.ports import RowsWanted
from wattseal.flow.turn import find_in_memory, transaction_by_id
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.rollup import SessionState
from wattseal.model.station import Station
from wattseal.model.token import IdToken, canonical
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Grade, Verdict

MAX_LOOKED_AT = 1000
"""So many sessions are looked at for one page; where few pass the filters, a page is short and leads on."""
RUNNING, BROKEN = "running", "broken"
STATES = (RUNNING, *(state.value for state in Billing), BROKEN)
"""Words for where a session stands; one that is broken has one of the others beside."""
_CHUNK = 100
_LATEST = (2**62, "")
_MS_DIGITS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsWanted:
    """Sessions asked for; all filters given must fit.

    `before` is the cursor of the page before, "" for the first. `since_ms` is inclusive, `until_ms` exclusive, both
    when this CSMS first heard of them. `stations` are ids as enrolled, `state` is one of `STATES`.
    """

    before: str = ""
    since_ms: int | None = None
    until_ms: int | None = None
    stations: tuple[str, ...] = ()
    site: str | None = None
    state: str | None = None
    grade: Grade | None = None
    token: str | None = None
    active: bool | None = None
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """What is looked up of each session beside where it stands; a reader's scopes decide."""

    energy: bool = False
    bill: bool = False
    token: bool = False


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session in a list: `energy_wh` so far where it runs; what was not included is None."""

    transaction: Transaction
    standing: Billing
    reason: str | None
    grade: Grade | None
    broken: Broken | None
    energy_wh: Decimal | None
    bill: Bill | None
    token: IdToken | None

    @property
    def key(self) -> str:
        """Return its cursor."""
        return _key(self.transaction.recorded_ms, self.transaction.id)

    @property
    def is_broken(self) -> bool:
        """Whether it does not prove, or what was signed in it never did."""
        return self.broken is not None or has_invalid(self.transaction)

    @property
    def state(self) -> str:
        """Where it stands, as a word of `STATES`."""
        return RUNNING if self.transaction.active else self.standing.value


def has_invalid(transaction: Transaction) -> bool:
    """Return whether a signature in it was wrong from the first."""
    return any(found.verdict is Verdict.INVALID for found in transaction.verdicts)


def is_cursor(told: str) -> bool:
    """Return whether this is the cursor of some page."""
    head = told.partition("-")[0]
    return head.isascii() and head.isdecimal() and len(head) <= _MS_DIGITS


async def session_page(
    world: World, proofs: Proofs, wanted: SessionsWanted, include: Include, limit: int
) -> tuple[list[SessionRow], str | None]:
    """Return a page, and the cursor of the next one; None where this is the last."""
    found: list[SessionRow] = []
    looked_at = 0
    async for row in session_rows(world, proofs, wanted, include):
        looked_at += 1
        if isinstance(row, SessionRow):
            if len(found) == limit:
                return found, found[-1].key
            found.append(row)
        elif looked_at >= MAX_LOOKED_AT:
            return found, row
    return found, None


async def session_rows(
    world: World, proofs: Proofs, wanted: SessionsWanted, include: Include
) -> AsyncIterator[SessionRow | str]:
    """Yield the sessions that pass; in between keys that did not, so that whoever reads knows how far it has come."""
    stations = await _stations(world, wanted)
    async for key in _keys(world, wanted, stations):
        transaction = await transaction_by_id(world, key.rpartition("-")[2])
        passed = transaction is not None and (stations is None or transaction.station_id in stations)
        row = await _passing(world, proofs, wanted, include, transaction) if transaction and passed else None
        yield key if row is None else row


async def row_of(world: World, proofs: Proofs, transaction: Transaction, include: Include) -> SessionRow:
    """Return the row of a session."""
    token = await charged_token(world, transaction) if include.token else None
    return await _row(world, proofs, transaction, include, token)


async def _row(
    world: World, proofs: Proofs, transaction: Transaction, include: Include, token: IdToken | None
) -> SessionRow:
    (standing, reason), grade = await standing_of(world, proofs, transaction)
    return SessionRow(
        transaction=transaction,
        standing=standing,
        reason=reason,
        grade=grade,
        broken=await broken_of(world, transaction.id),
        energy_wh=energy_of(world, transaction) if include.energy else None,
        bill=await bill_in_force(world, transaction.id) if include.bill and not transaction.active else None,
        token=token,
    )


def energy_of(world: World, transaction: Transaction) -> Decimal | None:
    """Return a session's energy, of one that runs so far; None where that is not known here."""
    if not transaction.active or transaction.sealed:
        return None if transaction.sealed else transaction.energy_wh
    live = find_in_memory(world, transaction)
    if live is None or live.highest_wh is None or transaction.start_wh is None:
        return None
    return live.highest_wh - transaction.start_wh


async def _passing(
    world: World, proofs: Proofs, wanted: SessionsWanted, include: Include, transaction: Transaction
) -> SessionRow | None:
    """Return a row, None where a filter says no; what is cheap is asked first."""
    if wanted.state == RUNNING and not transaction.active:
        return None
    if wanted.active not in {None, transaction.active} or wanted.stop_reason not in {None, transaction.stop_reason}:
        return None
    token = await charged_token(world, transaction) if include.token or wanted.token is not None else None
    if wanted.token is not None and (token is None or token.key() != canonical(wanted.token)):
        return None
    row = await _row(world, proofs, transaction, include, token if include.token else None)
    if wanted.state not in {None, RUNNING, BROKEN} and row.state != wanted.state:
        return None
    return row if wanted.grade in {None, row.grade} else None


async def _stations(world: World, wanted: SessionsWanted) -> frozenset[str] | None:
    """Return the ids of the stations whose sessions are asked for; None where all are."""
    named = frozenset(wanted.stations) or None
    if wanted.site is None:
        return named
    stations = every_document(world.journal, world.tenant, STATION)
    there = frozenset({s.id async for d in stations if (s := read(d, Station)).site == wanted.site})
    return there if named is None else there & named


async def _keys(world: World, wanted: SessionsWanted, stations: frozenset[str] | None) -> AsyncIterator[str]:
    """Yield keys, newest first: those that the journal lists by time, station and state."""
    since_ms, before = wanted.since_ms or 0, _before(wanted)
    if wanted.state == BROKEN:
        keys = [await _key_of(world, one) for one in await broken_sessions(world)]
        for key in sorted(filter(None, keys), reverse=True):
            if _place(key) < before and key >= timed(since_ms):
                yield key
        return
    if stations is not None and not stations:
        return
    asked = RowsWanted(
        limit=_CHUNK,
        before=before,
        since_ms=since_ms,
        station_id=next(iter(stations)) if stations is not None and len(stations) == 1 else None,
        documents=False,
    )
    async with AsyncExitStack() as stack:
        kept = [_kept(world, replace(asked, state=state)) for state in _kept_states(wanted)]
        rest = [await stack.enter_async_context(aclosing(one)) for one in kept]
        heads = {one: key for one in rest if (key := await anext(one, ""))}
        while heads:
            newest = max(heads, key=heads.__getitem__)
            yield heads.pop(newest)
            if key := await anext(newest, ""):
                heads[newest] = key


async def _kept(world: World, asked: RowsWanted) -> AsyncGenerator[str, None]:
    """Yield the keys of rows of the journal."""
    while found := await world.journal.sessions(world.tenant, asked):
        for one in found:
            yield _key(one.row.recorded_ms, one.row.id)
        asked = replace(asked, before=(found[-1].row.recorded_ms, found[-1].row.id))


def _kept_states(wanted: SessionsWanted) -> tuple[SessionState | None, ...]:
    """Return which rows of the journal hold all that is asked for; what is pending may stand elsewhere by now."""
    if wanted.state == RUNNING or wanted.active:
        return (SessionState.OPEN,)
    if wanted.state is None:
        return (None,)
    return tuple(dict.fromkeys((SessionState(wanted.state), SessionState.PENDING)))


def _before(wanted: SessionsWanted) -> tuple[int, str]:
    """Return the time and id before which the page begins."""
    begin = _place(wanted.before) if wanted.before else _LATEST
    return begin if wanted.until_ms is None else min(begin, (max(0, wanted.until_ms), ""))


def _key(recorded_ms: int, session: str) -> str:
    return f"{timed(recorded_ms)}-{session}"


def _place(key: str) -> tuple[int, str]:
    """Return the time and id of a cursor."""
    if not is_cursor(key):
        raise InputError("this is the cursor of no page; follow the links", code="bad_cursor", subject="after")
    head, _, session = key.partition("-")
    return int(head), session


async def _key_of(world: World, broken: Broken) -> str:
    transaction = await transaction_by_id(world, broken.session)
    return "" if transaction is None else _key(transaction.recorded_ms, transaction.id)
