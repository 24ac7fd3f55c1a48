"""The log's timer step: pad, integrate, sign, have it witnessed, keep the checkpoint (docs/spec/log.md)."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from wattseal.base.errors import StoreError
from wattseal.base.ids import TenantId
from wattseal.dial.witness import Asked, WitnessClient, with_cosignatures
from wattseal.flow.ports import Batch, Clock, Journal, Padding, Put, Random
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.keys import SigningKey
from wattseal.log.proof import TlogProof
from wattseal.stores.tiles import ENTRY_SIZE, DiskLog

CHECKPOINT = "checkpoint"
HEAD = "checkpoint_head"
PACE = "log_pace"
HEADROOM = 2
"""When more entries came than the pace, it becomes so many times what the log then grew by."""
_VERSION = 1
_PAGE = 4096

Enough = Callable[[SignedCheckpoint], bool]
"""The trust policy: whether a checkpoint bears the cosignatures asked for."""


@dataclass(frozen=True, slots=True)
class Checkpointed:
    """One step's result: the checkpoint with what cosignatures it got, and what each witness said."""

    signed: SignedCheckpoint
    asked: tuple[Asked, ...]


class LogKeeper:
    """Keeps one tenant's tree level with its journal. One `step` at a time; proofs may be asked for meanwhile.

    Journal documents: `checkpoint_head`/"log" is the highest checkpoint ever signed, durable before any witness sees
    it, so that not even lost tiles let the log sign a second history. `checkpoint`/<size as 20 digits> are those kept
    for proofs: each that covers new records, and those after it until every witness has cosigned one. `log_pace`/"log"
    is how many entries the log grows by at a step: it doubles where more came than that, and never falls, so that a
    load that comes again shows no more.

    `kept` counts how often a checkpoint was kept; nobody else keeps any, so the largest is known (`covered`).
    """

    def __init__(
        self,
        tenant: TenantId,
        journal: Journal,
        log: DiskLog,
        *,
        witnesses: WitnessClient,
        clock: Clock,
        random: Random,
        covered: int,
    ) -> None:
        self._tenant = tenant
        self._journal = journal
        self._log = log
        self._witnesses = witnesses
        self._clock = clock
        self._random = random
        self._owed = True
        self._pace: int | None = None
        self._covered = covered
        self.kept = 1

    @classmethod
    async def open(
        cls,
        directory: Path,
        key: SigningKey,
        *,
        tenant: TenantId,
        journal: Journal,
        witnesses: WitnessClient,
        clock: Clock,
        random: Random,
    ) -> Self:
        """Open the tiles in `directory`, holding them to the highest checkpoint the journal knows.

        `StoreError("log_entries_lost")` where the journal has fewer entries than were published from it.
        """
        head = await journal.document(tenant, HEAD, "log")
        published = None if head is None else read_checkpoint(head)
        log = await asyncio.to_thread(lambda: DiskLog.open(directory, key, published=published))
        if (size := await journal.log_size(tenant)) < log.size:
            text = f"the journal has {size} log entries, but {log.size} were published: restore a newer journal"
            raise StoreError(text, code="log_entries_lost", subject=tenant)
        kept = await journal.documents(tenant, CHECKPOINT, newest=True, limit=1)
        covered = int(kept[0].key) if kept else 0
        return cls(tenant, journal, log, witnesses=witnesses, clock=clock, random=random, covered=covered)

    @property
    def log(self) -> DiskLog:
        """The tree on disk, for proofs and for serving its files."""
        return self._log

    async def published_ms(self) -> int:
        """Return when the latest checkpoint was kept, by this machine's clock; 0 where none was."""
        head = await self._journal.document(self._tenant, HEAD, "log")
        return 0 if head is None else head.updated_at_ms

    async def step(self, batch: int) -> Checkpointed:
        """Publish all entries there are, padded to a multiple of the pace more than last time, and have it cosigned.

        `batch` is the least pace.

        Call it at a fixed cadence, also when nothing happened. Outcomes AHEAD and INCONSISTENT in `asked` are alarms:
        this log, or its restored copy, shows witnesses another history. Raises `StoreError`; the next step goes on.
        """
        pace = max(batch, await self._paced())
        filler = tuple(self._random.bytes(ENTRY_SIZE) for _ in range(pace))
        base = self._log.size
        committed = await self._journal.commit(Batch(self._tenant, padding=_padding(base, filler)))
        if committed.log_size - base > pace:
            self._pace = HEADROOM * (committed.log_size - base)
            await self._journal.commit(Batch(self._tenant, puts=(self._put_pace(self._pace),)))
        fresh = await self._append(committed.log_size, frozenset(filler))
        signed = await asyncio.to_thread(self._log.sign)
        self._owed = self._owed or fresh
        await self._keep(signed)
        asked = await self._witnesses.collect(signed, self._log.consistency)
        cosigned = with_cosignatures(signed, asked)
        if cosigned != signed:
            cosigned = await asyncio.to_thread(self._log.add_signatures, cosigned)
            await self._keep(cosigned)
        self._owed = self._owed and not all(one.cosigned for one in asked)
        return Checkpointed(cosigned, asked)

    async def _paced(self) -> int:
        if self._pace is None:
            kept = await self._journal.document(self._tenant, PACE, "log")
            self._pace = 0 if kept is None else int(json.loads(kept.body)["entries"])
        return self._pace

    def _put_pace(self, entries: int) -> Put:
        now_ms = int(self._clock.now().timestamp() * 1000)
        return Put(PACE, "log", _VERSION, json.dumps({"entries": entries}).encode(), now_ms)

    async def covering(self, index: int, enough: Enough) -> SignedCheckpoint | None:
        """Return the earliest checkpoint kept that covers entry `index` and is cosigned `enough`; None until then.

        Every session that ends asks for entries that none covers yet: that is known without looking.
        """
        if index >= self._covered:
            return None
        after = f"{index:020}"
        while page := await self._journal.documents(self._tenant, CHECKPOINT, after=after):
            for kept in page:
                if enough(signed := read_checkpoint(kept)):
                    return signed
            after = page[-1].key
        return None

    async def proof(self, index: int, enough: Enough) -> TlogProof | None:
        """Return the offline proof of entry `index` under its earliest checkpoint cosigned `enough`."""
        signed = await self.covering(index, enough)
        return None if signed is None else await asyncio.to_thread(self._log.proof, index, signed)

    async def _append(self, size: int, filler: frozenset[bytes]) -> bool:
        """Bring the tree to `size` and tell whether anything but `filler` came."""
        fresh = False
        while (missing := size - self._log.size) > 0:
            leaves = await self._journal.leaves(self._tenant, self._log.size, min(missing, _PAGE))
            if not leaves:
                text = f"the journal lost its log entries from {self._log.size} on: restore it"
                raise StoreError(text, code="log_entries_lost", subject=self._tenant)
            fresh = fresh or not filler.issuperset(leaves)
            await asyncio.to_thread(self._log.append, leaves)
        return fresh

    async def _keep(self, signed: SignedCheckpoint) -> None:
        now_ms = int(self._clock.now().timestamp() * 1000)
        body = json.dumps({"note": signed.encode().decode()}).encode()
        puts = [Put(HEAD, "log", _VERSION, body, now_ms)]
        if self._owed:
            puts.append(Put(CHECKPOINT, f"{signed.checkpoint.size:020}", _VERSION, body, now_ms))
        await self._journal.commit(Batch(self._tenant, puts=tuple(puts)))
        if self._owed:
            self._covered = max(self._covered, signed.checkpoint.size)
        self.kept += 1


def _padding(base: int, filler: tuple[bytes, ...]) -> Padding:
    """Return what hides how many entries came since the log had `base`."""
    return Padding(base, filler)


def read_checkpoint(document: Put) -> SignedCheckpoint:
    """Return the checkpoint that a document keeps."""
    return SignedCheckpoint.parse(json.loads(document.body)["note"].encode())
