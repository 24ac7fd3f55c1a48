"""The edge's durable memory: its journal, and the state that is a function of it."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import Origin, TenantId
from wattseal.flow.chains import stored
from wattseal.flow.ports import Attempt, Batch, Clock, Dedup, Journal, Outgoing, Put
from wattseal.parties.edge.commanded import Commanded
from wattseal.parties.edge.commands import requiring
from wattseal.parties.edge.edge import receipted
from wattseal.parties.edge.permits import decided
from wattseal.parties.edge.state import CHARGE, COMMANDS, PERMIT, STREAM, EdgeState, Permit, Site, changes, restore
from wattseal.parties.edge.step import Step, boot
from wattseal.seal.chain import MAX_LINKS
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.seal.receipt import contents
from wattseal.seal.registry import Refusal
from wattseal.seal.signed import parse
from wattseal.wire.ocpp.rpc import CallError, CallResult

PAGE = 500
_STATEMENT = 0xD2
_FAR_MS = 2**53
CALL, LOCAL, VERSION, LAST = "call", "edge_local", "version", "last_message"


MAX_UNCOVERED, PART_ITEMS = 512, 16
"""Items sent again over a new connection before what waits, in messages of so many; further ones come later."""


class LinkDownError(Exception):
    """The other side cannot be reached, or has not answered in time."""


class Link(Protocol):
    """The way to the other side: the CSMS above or the station below."""

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        """Ask and wait for the answer, one question at a time; `LinkDownError` without a connection or an answer."""


class CsmsWay(Link, Protocol):
    """The way to the CSMS."""

    @property
    def offline(self) -> bool:
        """Whether the connection is known to be down; while the first attempt is under way it is not."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of items received: how many were good, and the codes of why others were not."""

    accepted: int
    refused: tuple[str, ...]


class EdgeMemory:
    """State and journal. Whoever changes the state does so within `turn`, from reading it to the end of `commit`."""

    def __init__(self, journal: Journal, tenant: TenantId, site: Site, clock: Clock) -> None:
        """Remember nothing yet: `load` first."""
        self.site = site
        self.state = EdgeState()
        self.lock = asyncio.Lock()
        self.heard = asyncio.Condition(self.lock)
        self.work = asyncio.Event()
        self.commanded = Commanded()
        self._journal = journal
        self._tenant = tenant
        self._clock = clock
        self._last_id = 0
        self._doubtful = False

    def doubt(self) -> None:
        """Learn that a commit has failed, or that the journal works again after that: what failed may be in it."""
        self._doubtful = True

    def now_ms(self) -> int:
        """Return the present in Unix milliseconds."""
        return int(self._clock.now().timestamp() * 1000)

    async def load(self) -> bool:
        """Rebuild the state from the journal and record the boot of the edge.

        Returns whether the station's OCPP version is known from before. One that begins now takes signed commands only.
        """
        await self._recall()
        version = await self._journal.document(self._tenant, LOCAL, VERSION)
        if version is not None:
            self.site = replace(self.site, version=version.body.decode())
        async with self.turn():
            began = requiring(self.state) if not self.state.streams else self.state
            await self.commit(boot(began, self.site, self.now_ms()))
        return version is not None

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Be the only one to change the state, which is as the journal has it."""
        async with self.lock:
            if self._doubtful:
                await self._recall()
            yield

    async def _recall(self) -> None:
        """Take the state from the journal, once all that is under way is in it."""
        self._doubtful = False
        try:
            await self._journal.commit(Batch(self._tenant))
            documents = [put for kind in (STREAM, PERMIT, CHARGE, COMMANDS) for put in await self._documents(kind)]
            last = await self._journal.document(self._tenant, LOCAL, LAST)
        except BaseException:
            self._doubtful = True
            raise
        self.state = restore(documents)
        self._last_id = 0 if last is None else int(last.body)

    async def speaks(self, version: str) -> None:
        """Note the OCPP version the station speaks."""
        put = Put(LOCAL, VERSION, 1, version.encode(), self.now_ms(), self.site.station_id)
        async with self.turn():
            await self._journal.commit(Batch(self._tenant, puts=(put,)))
            self.site = replace(self.site, version=version)

    async def _documents(self, kind: str) -> list[Put]:
        found: list[Put] = []
        while True:
            after = found[-1].key if found else ""
            page = await self._journal.documents(self._tenant, kind, active=True, after=after, limit=PAGE)
            found.extend(page)
            if len(page) < PAGE:
                return found

    async def commit(
        self, step: Step, *, dedup: Dedup | None = None, delivered: Iterable[str] = (), kept: Iterable[Item] = ()
    ) -> None:
        """Make a step durable; then it is the state. `kept` are others' records worth keeping beside ours.

        After a commit that failed or was given up the journal may hold more than the state, which is read anew at the
        next turn; a step made from what was known before is refused: a second record at a place of a chain would be
        taken for a forgery.
        """
        if self._doubtful:
            raise StoreError("a commit before this one failed; say it again", code="behind_a_loss", subject="journal")
        now_ms = self.now_ms()
        outbox = tuple(self._outgoing(message.encode(), now_ms) for message in step.upward)
        puts = changes(self.state, step.state, self.site.station_id, now_ms)
        if outbox:
            last = Put(LOCAL, LAST, 1, str(self._last_id).encode(), now_ms, self.site.station_id)
            puts = (*puts, last)
        batch = Batch(
            tenant=self._tenant,
            items=tuple(stored(item, self.site.station_id, now_ms, in_log=False) for item in (*step.items, *kept)),
            puts=puts,
            dedups=() if dedup is None else (dedup,),
            outbox=outbox,
            attempts=tuple(Attempt(message_id) for message_id in delivered),
        )
        try:
            await self._journal.commit(batch)
        except BaseException:
            self._doubtful = True
            raise
        self.state = step.state
        if step.upward:
            self.work.set()

    def _outgoing(self, body: bytes, now_ms: int) -> Outgoing:
        """Give a message a number, a time that never stands still, so that the outbox keeps their order."""
        self._last_id = max(self._last_id + 1, now_ms)
        return Outgoing(f"{self._last_id:016d}", CALL, body, self._last_id)

    async def answered(self, key: str) -> bytes | None:
        """Return what a station was answered to the same message before."""
        return await self._journal.answer(self._tenant, self.site.station_id, key)

    async def waiting(self, limit: int) -> tuple[Outgoing, ...]:
        """Return messages for the CSMS, oldest first."""
        return await self._journal.outbox(self._tenant, _FAR_MS, limit)

    async def items_from(self, stream: int, place: tuple[int, int], limit: int) -> tuple[Item, ...]:
        """Return our items of a chain from (epoch, seq) on."""
        kept = await self._journal.items(self._tenant, Origin(self.site.origin), stream, place, limit)
        return tuple(parse_item(one.item.item) for one in kept)

    async def uncovered(self, stream: int, place: tuple[int, int]) -> tuple[tuple[Item, ...], ...]:
        """Return our items of a chain before (epoch, seq) that no receipt covers, in parts to be sent one by one.

        From the first record without a receipt on, and the unsigned links right before it.
        """
        pending = self.state.stream(stream).pending
        first = min(place, pending[0]) if pending else place
        before = await self.items_from(stream, (first[0], max(0, first[1] - MAX_LINKS)), MAX_LINKS)
        links: list[Item] = []
        for item in before:
            if (item.payload.epoch, item.payload.seq) < first:
                links = [] if item.signature is not None else [*links, item]
        found = [*links, *(await self.items_from(stream, first, MAX_UNCOVERED) if first < place else ())]
        missed = [item for item in found if (item.payload.epoch, item.payload.seq) < place]
        return tuple(tuple(missed[n : n + PART_ITEMS]) for n in range(0, len(missed), PART_ITEMS))

    async def granted(self, permit: Permit, within_s: float) -> Permit:
        """Wait for the decision on a request; the permit is as it was where none came in time."""
        async with self.lock:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    await self.heard.wait_for(lambda: self._current(permit).granted is not None)
            return self._current(permit)

    def _current(self, permit: Permit) -> Permit:
        now = self.state.permits.get(permit.token)
        return now if now is not None and now.request == permit.request else permit

    async def take(self, items: Sequence[bytes], delivered: Sequence[str] = ()) -> Taken:
        """Take receipts and decisions that came from the CSMS, and note messages as delivered."""
        refused: list[str] = []
        kept: list[Item] = []
        async with self.turn():
            state = self.state
            for data in items:
                outcome = await self._take_one(state, data, kept)
                if isinstance(outcome, Refusal):
                    refused.append(outcome.code)
                else:
                    state = outcome
            await self.commit(Step(state), delivered=delivered, kept=kept)
            self.heard.notify_all()
        return Taken(len(items) - len(refused), tuple(refused))

    async def _take_one(self, state: EdgeState, data: bytes, kept: list[Item]) -> EdgeState | Refusal:
        try:
            if data[:1] == bytes([_STATEMENT]):
                statement = parse(data)
                said = contents(statement)
                mine = await self.items_from(said.stream, (said.epoch, said.seq), 1)
                return receipted(state, self.site, statement, mine[0]) if mine else Refusal("receipt_for_no_record")
            item = parse_item(data)
        except InputError as error:
            return Refusal(error.code)
        outcome = decided(state, self.site, item, self.now_ms())
        if item.payload.kind == Kind.DECISION and not isinstance(outcome, Refusal):
            kept.append(item)
        return outcome
