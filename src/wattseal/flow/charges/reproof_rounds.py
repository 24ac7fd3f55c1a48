"""Sessions proved again by the clock, a few at a time: those of the last day over and over, and all, one after another.

Whoever opens a session has it proved at once; this finds what nobody has opened.
"""

from dataclasses import dataclass

from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.charges.reproof import BROKEN, prove_again
from wattseal.flow.documents import TRANSACTION_TIME, put, read
from wattseal.flow.listing import timed
from wattseal.flow.ports import Batch
from wattseal.flow.world import World

REPROOF, ALL = "reproof", "all"
"""Kind and key of the document that says how far the walk over all sessions has come."""
RECENT_MS = 86_400_000
SAVE_MS = 60_000
"""How often that is written down; after a crash so much is proved again."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Document: the session (its key in the order of time) that was proved last, and how many rounds are through."""

    after: str = ""
    rounds: int = 0


class Reprover:
    """Proves `sessions` again at each turn: half of them of the last day, half on the walk over all; then the broken.

    Belongs to one event loop; turns do not overlap.
    """

    def __init__(self, world: World, proofs: Proofs, sessions: int) -> None:
        self._world = world
        self._proofs = proofs
        self._share = max(1, sessions // 2)
        self._recent = ""
        self._broken = ""
        self._reached: Reached | None = None
        self._saved_ms = 0

    async def turn(self) -> None:
        """Take one turn."""
        self._recent = await self._walk(max(self._recent, timed(self._world.now_ms() - RECENT_MS)))
        reached = self._reached or await self._load()
        after = await self._walk(reached.after)
        self._reached = Reached(after, reached.rounds + (not after))
        await self._save(self._reached, finished=not after and bool(reached.after))
        await self._look_at_broken()

    async def _walk(self, after: str) -> str:
        """Prove the next sessions; return the last one's key, "" where there are no more."""
        world = self._world
        page = await world.journal.documents(world.tenant, TRANSACTION_TIME, after=after, limit=self._share)
        for document in page:
            await prove_again(world, self._proofs, document.key.rpartition("-")[2])
        return page[-1].key if len(page) == self._share else ""

    async def _look_at_broken(self) -> None:
        """Prove one of those that were broken: it may have been put right."""
        world = self._world
        page = await world.journal.documents(world.tenant, BROKEN, after=self._broken, limit=1)
        self._broken = page[0].key if page else ""
        if page:
            await prove_again(world, self._proofs, page[0].key)

    async def _load(self) -> Reached:
        document = await self._world.journal.document(self._world.tenant, REPROOF, ALL)
        return Reached() if document is None else read(document, Reached)

    async def _save(self, reached: Reached, *, finished: bool) -> None:
        now_ms = self._world.now_ms()
        if reached.after == "" and not finished:
            return
        if finished or now_ms - self._saved_ms >= SAVE_MS:
            self._saved_ms = now_ms
            await self._world.journal.commit(Batch(self._world.tenant, puts=(put(REPROOF, ALL, reached, now_ms),)))
