"""Where each card was used: its latest sessions are held against each other by the clock, and what cannot be is noted.

Every session is looked at when it is first heard of, while it runs, and when it has ended. Both sessions of a pair are
noted: one that runs in a record of its own, which keeps it from being billed; one that has ended by an alarm. What the
operator started, from an app say, is nobody's copy of a card.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from wattseal.base.ids import StationId
from wattseal.flow.alarms import raised
from wattseal.flow.charges.charged_token import charged_token
from wattseal.flow.charges.loose_ends import note_open
from wattseal.flow.documents import ALARM, TRANSACTION_TIME, put, read
from wattseal.flow.drivers.known_tokens import token_of
from wattseal.flow.fleet.sites import site_by_id
from wattseal.flow.listing import timed
from wattseal.flow.live import Live
from wattseal.flow.ports import Batch
from wattseal.flow.turn import find_in_memory, remember_station, transaction_by_id
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.token import NO_AUTHORIZATION, TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import Finding
from wattseal.rules.notes import is_alarm
from wattseal.watch.detector import Moment, Seen, Use

TOKEN_USES, UNTIL, SELF = "token_uses", "token_uses_until", "all"
"""Document kinds: the latest sessions of a token; up to where sessions were looked at."""
KEPT = 8
AT_ONCE = 100
"""New sessions looked at in one round; the others wait for the next."""
BEFORE_OTHERS = 8
"""Sessions looked at before everybody else has their turn."""
BACK_MS, SETTLED_MS = 24 * 3_600_000, 2_000
"""How far back the first round looks; how old a session is when none before it can still be on its way to the disk."""
NO_CARDS = frozenset({NO_AUTHORIZATION, "Central", "KeyCode"})
"""Types of tokens that nobody holds to a reader: an app's, a code's, a button's."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Document: the latest sessions of a token by our ids, the newest last."""

    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Until:
    """Document: the key of the newest session that was looked at."""

    key: str


@dataclass(slots=True)
class UseKeeper:
    """Looks at sessions of all stations; `running` are those that ran in the last round, with their cards."""

    world: World
    running: dict[str, str] = field(default_factory=dict)

    async def round(self) -> None:
        """Look at new sessions, at those whose card charges elsewhere as well, and at those that have ended."""
        running = self._running()
        new = await self._new(subject for subject in running if subject not in self.running)
        met: dict[str, Use | None] = {}
        for number, (subject, token) in enumerate({**new, **self._at_once(running), **self._ended(running)}.items(), 1):
            await self._look(subject, token, met)
            if number % BEFORE_OTHERS == 0 and self.world.pause is not None:
                await self.world.pause(0)
        self.running = running

    def _running(self) -> dict[str, str]:
        lives = (live for memory in self.world.stations.values() for live in memory.live.values())
        return {live.transaction.id: live.token for live in lives if live.token is not None and live.transaction.active}

    def _at_once(self, running: dict[str, str]) -> dict[str, str]:
        count: dict[str, int] = {}
        for token in running.values():
            count[token] = count.get(token, 0) + 1
        return {subject: token for subject, token in running.items() if count[token] > 1}

    def _ended(self, running: dict[str, str]) -> dict[str, str]:
        return {subject: token for subject, token in self.running.items() if subject not in running}

    async def _new(self, begun: Iterable[str]) -> dict[str, str]:
        """Return sessions not looked at before that a card pays for, with that; they are kept as its latest."""
        world, now_ms = self.world, self.world.now_ms()
        document = await world.journal.document(world.tenant, UNTIL, SELF)
        after = timed(now_ms - BACK_MS) if document is None else read(document, Until).key
        page = await world.journal.documents(world.tenant, TRANSACTION_TIME, after=after, limit=AT_ONCE)
        keys = [pointer.key for pointer in page if pointer.key < timed(now_ms - SETTLED_MS)]
        puts = [put(UNTIL, SELF, Until(keys[-1]), now_ms)] if keys else []
        found: dict[str, str] = {}
        kept: dict[str, Uses] = {}
        for subject in dict.fromkeys((*begun, *(key.rpartition("-")[2] for key in keys))):
            token = await self._card(subject)
            if token is not None:
                before = kept.get(token) or await self._uses(token)
                found[subject] = token
                if subject not in before.sessions:
                    kept[token] = Uses((*before.sessions, subject)[-KEPT:])
        puts += [put(TOKEN_USES, token, uses, now_ms) for token, uses in kept.items()]
        if puts:
            await world.journal.commit(Batch(world.tenant, puts=tuple(puts)))
        return found

    async def _card(self, subject: str) -> str | None:
        """Return the canonical form of the card that pays for a session; None where it is none, or was refused."""
        transaction = await transaction_by_id(self.world, subject)
        if transaction is None or transaction.authorization is not TokenStatus.ACCEPTED:
            return None
        if transaction.remote_start_id is not None:
            return None
        shown = await charged_token(self.world, transaction)
        known = None if shown is None else await token_of(self.world, shown.key())
        return None if shown is None or known is None or known.id_token.type in NO_CARDS else shown.key()

    async def _uses(self, token: str) -> Uses:
        document = await self.world.journal.document(self.world.tenant, TOKEN_USES, token)
        return Uses() if document is None else read(document, Uses)

    async def _look(self, subject: str, token: str, met: dict[str, Use | None]) -> None:
        """Hold a session against its card's others; `met` are those put together in this round already."""
        others = [s for s in (await self._uses(token)).sessions if s != subject]
        for named in (subject, *others) if others else ():
            if named not in met:
                met[named] = await self._use(named)
        use = met.get(subject)
        if use is None:
            return
        for other in [found for name in others if (found := met[name]) is not None]:
            now_ms = self.world.now_ms()
            for one, another in ((use, other), (other, use)):
                seen = Seen(now_ms=now_ms, at_ms=one.began_ms, subject=one.subject, use=one, others=(another,))
                for note in self.world.watch.look(Moment.USED, seen):
                    await self._note(one, note)

    async def _use(self, subject: str) -> Use | None:
        transaction = await transaction_by_id(self.world, subject)
        if transaction is None:
            return None
        memory = await remember_station(self.world, StationId(transaction.station_id))
        live = find_in_memory(self.world, transaction)
        name = None if memory is None else memory.station.site
        site = None if name is None else await site_by_id(self.world, name)
        place = None if site is None else (float(site.latitude), float(site.longitude))
        began_ms = transaction.recorded_ms if transaction.started_ms is None else transaction.started_ms
        until_ms = max(began_ms, _until(transaction, live))
        return Use(transaction.id, transaction.station_id, name, place, began_ms, until_ms)

    async def _note(self, use: Use, note: Finding) -> None:
        """Note it on a session that runs; of one that has ended an alarm is kept, once."""
        world = self.world
        transaction = await transaction_by_id(world, use.subject)
        if transaction is None or any(
            known.code == note.code for known in (*transaction.alarms, *transaction.findings)
        ):
            return
        memory = await remember_station(world, StationId(use.station_id))
        live = find_in_memory(world, transaction)
        if live is not None and memory is not None and live.transaction.active:
            await note_open(world, memory, live, note.code, detail=note.detail)
            return
        key = f"{use.began_ms:015d}-{use.subject[:16]}-{note.code}"
        if not is_alarm(note) or await world.journal.document(world.tenant, ALARM, key) is not None:
            return
        told = Alarm(note.code, use.station_id, world.now_ms(), note.field, note.detail, None, use.subject)
        await world.journal.commit(Batch(world.tenant, puts=(raised(world, told, key)[1],)))


def _until(transaction: Transaction, live: Live | None) -> int:
    """Return until when a session is known to have run: its end, or when its station last told of it."""
    if transaction.ended_ms is not None:
        return transaction.ended_ms
    return transaction.recorded_ms if live is None else max(live.told_ms, live.at_ms or 0)
