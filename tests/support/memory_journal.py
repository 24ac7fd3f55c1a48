"""A journal in memory, for tests of the flow: the same promises without a disk, and a switch that breaks it."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from msgspec import structs

from wattseal.base.errors import StoreError
from wattseal.base.ids import Origin, StationId, Subject, TenantId
from wattseal.flow.ports import (
    Batch,
    Committed,
    Flush,
    KeptBill,
    KeptItem,
    KeptPosting,
    KeptSession,
    Outgoing,
    Put,
    RowsWanted,
    StoredItem,
)
from wattseal.model.ledger import Balance
from wattseal.model.rollup import QUARTER_MS, ListedBill, ListedSession, RolledUp, RollupKey, SessionState
from wattseal.rules.rollup import Rollups


class MemoryJournal:
    def __init__(self) -> None:
        self.broken = False
        self.kept: list[KeptItem] = []
        self.log: list[bytes] = []
        self.documents_by_key: dict[tuple[str, str], Put] = {}
        self.answers: dict[tuple[str, str], bytes] = {}
        self.messages: dict[str, Outgoing] = {}
        self.commits = 0
        self.posted: dict[str, KeptPosting] = {}
        self.listed_sessions: dict[tuple[int, str], ListedSession] = {}
        self.listed_bills: dict[tuple[int, str], ListedBill] = {}

    @property
    def healthy(self) -> bool:
        return not self.broken

    async def commit(self, batch: Batch) -> Committed:
        if self.broken:
            raise StoreError("the disk is full", code="disk_full")
        self.commits += 1
        indexes: dict[bytes, int] = {}
        for item in batch.items:
            known = next((k for k in self.kept if k.item.item == item.item and k.item.origin == item.origin), None)
            kept = known or self._keep(item)
            if kept.log_index is not None:
                indexes[item.payload_hash] = kept.log_index
        if batch.padding is not None:
            width = len(batch.padding.entries)
            missing = -(len(self.log) - batch.padding.base) % width if len(self.log) > batch.padding.base else width
            self.log.extend(batch.padding.entries[:missing])
        for put in batch.puts:
            self._put(put)
        for dedup in batch.dedups:
            self.answers.setdefault((dedup.station_id, dedup.key), dedup.answer)
        for message in batch.outbox:
            self.messages.setdefault(message.id, message)
        for attempt in batch.attempts:
            if attempt.next_at_ms is None:
                self.messages.pop(attempt.id, None)
        self._erase(batch)
        self._post(batch)
        self.listed_sessions.update(((row.recorded_ms, row.id), row) for row in batch.sessions)
        self.listed_bills.update(((row.billed_ms, row.id), row) for row in batch.bills)
        return Committed(indexes, len(self.log))

    def submit(self, batch: Batch) -> Flush | None:
        """Nothing is under way here: `commit` tells."""
        del batch
        return None

    def _erase(self, batch: Batch) -> None:
        for gone in batch.erased:
            before = self.kept[gone.position - 1]
            assert before.item.payload_hash == gone.payload_hash
            left = structs.replace(before.item, item=gone.item)
            self.kept[gone.position - 1] = KeptItem(before.position, before.log_index, left)

    def _post(self, batch: Batch) -> None:
        for posting in batch.postings:
            assert posting.record is not None
            self.posted.setdefault(posting.key, KeptPosting(len(self.posted) + 1, posting))

    def _put(self, put: Put) -> None:
        if put.body:
            self.documents_by_key[put.kind, put.key] = put
        else:
            self.documents_by_key.pop((put.kind, put.key), None)

    def _keep(self, item: StoredItem) -> KeptItem:
        index = None
        if item.leaf is not None:
            index = len(self.log)
            self.log.append(item.leaf)
        kept = KeptItem(len(self.kept) + 1, index, item)
        self.kept.append(kept)
        return kept

    async def items(
        self, tenant: TenantId, origin: Origin, stream: int, start: tuple[int, int] = (0, 0), limit: int = 1000
    ) -> tuple[KeptItem, ...]:
        del tenant
        found = [
            k
            for k in self.kept
            if (k.item.origin, k.item.stream) == (origin, stream) and (k.item.epoch, k.item.seq) >= start
        ]
        return tuple(sorted(found, key=lambda k: (k.item.epoch, k.item.seq)))[:limit]

    async def items_by_subject(self, tenant: TenantId, subject: Subject) -> tuple[KeptItem, ...]:
        del tenant
        return tuple(k for k in self.kept if k.item.subject == subject)

    async def replay(self, tenant: TenantId, after: int = 0, limit: int = 1000) -> tuple[KeptItem, ...]:
        del tenant
        return tuple(k for k in self.kept if k.position > after)[:limit]

    async def chain_head(self, tenant: TenantId, origin: Origin, stream: int) -> KeptItem | None:
        chain = await self.items(tenant, origin, stream, limit=10**9)
        top = max(((k.item.epoch, k.item.seq) for k in chain), default=None)
        return next((k for k in chain if (k.item.epoch, k.item.seq) == top), None)

    async def leaves(self, tenant: TenantId, start: int = 0, limit: int = 1000) -> tuple[bytes, ...]:
        del tenant
        return tuple(self.log[start : start + limit])

    async def log_size(self, tenant: TenantId) -> int:
        del tenant
        return len(self.log)

    async def document(self, tenant: TenantId, kind: str, key: str) -> Put | None:
        del tenant
        return self.documents_by_key.get((kind, key))

    async def documents(
        self,
        tenant: TenantId,
        kind: str,
        *,
        station_id: StationId | None = None,
        active: bool | None = None,
        after: str = "",
        limit: int = 100,
        newest: bool = False,
    ) -> tuple[Put, ...]:
        del tenant
        found: Sequence[Put] = [
            p
            for (k, key), p in sorted(self.documents_by_key.items())
            if k == kind
            and (key < after if newest and after else key > after)
            and station_id in {None, p.station_id}
            and (active is None or p.active == active)
        ]
        return tuple((found[::-1] if newest else found)[:limit])

    async def answer(self, tenant: TenantId, station_id: StationId, key: str) -> bytes | None:
        del tenant
        return self.answers.get((station_id, key))

    async def outbox(
        self, tenant: TenantId, due_at_ms: int, limit: int = 100, *, after_ms: int = -1
    ) -> tuple[Outgoing, ...]:
        del tenant
        return tuple(m for m in self.messages.values() if after_ms < m.next_at_ms <= due_at_ms)[:limit]

    async def posting(self, tenant: TenantId, key: str) -> KeptPosting | None:
        del tenant
        return self.posted.get(key)

    async def postings(
        self, tenant: TenantId, *, account: str | None = None, after: int = 0, limit: int = 1000
    ) -> tuple[KeptPosting, ...]:
        del tenant
        found = [
            kept
            for kept in self.posted.values()
            if kept.number > after
            and (account is None or any(account in {t.debit, t.credit} for t in kept.posting.transfers))
        ]
        return tuple(found[:limit])

    async def balances(
        self, tenant: TenantId, *, prefix: str = "", after: str = "", limit: int = 1000
    ) -> tuple[Balance, ...]:
        del tenant
        sums: dict[tuple[str, str], list[int]] = {}
        for kept in self.posted.values():
            for transfer in kept.posting.transfers:
                for side, account in enumerate((transfer.debit, transfer.credit)):
                    sums.setdefault((account, kept.posting.currency), [0, 0])[side] += transfer.amount
        found = [Balance(*place, *sides) for place, sides in sorted(sums.items())]
        after_place = tuple(after.partition(" ")[::2])
        return tuple(b for b in found if b.account.startswith(prefix) and (b.account, b.currency) > after_place)[:limit]

    async def sessions(self, tenant: TenantId, wanted: RowsWanted) -> tuple[KeptSession, ...]:
        del tenant
        rows = [row for place, row in sorted(self.listed_sessions.items(), reverse=True) if place < wanted.before]
        fit = [row for row in rows if row.recorded_ms >= (wanted.since_ms or 0) and _fits(row, wanted)]
        fit = [row for row in fit if wanted.state in {None, row.state}]
        return tuple(
            KeptSession(row, self.documents_by_key.get(("transaction", row.id)) if wanted.documents else None)
            for row in fit[: wanted.limit]
        )

    async def bills(self, tenant: TenantId, wanted: RowsWanted) -> tuple[KeptBill, ...]:
        del tenant
        rows = [row for place, row in sorted(self.listed_bills.items(), reverse=True) if place < wanted.before]
        fit = [row for row in rows if row.billed_ms >= (wanted.since_ms or 0) and _fits(row, wanted)]
        fit = [row for row in fit if wanted.account in {None, row.account}]
        return tuple(
            KeptBill(row, self.documents_by_key.get(("bill", row.id)) if wanted.documents else None)
            for row in fit[: wanted.limit]
        )

    async def session_counts(self, tenant: TenantId) -> Mapping[SessionState, int]:
        del tenant
        found = dict.fromkeys(SessionState, 0)
        for row in self.listed_sessions.values():
            found[SessionState(row.state)] += 1
        return found

    async def rollups(
        self,
        tenant: TenantId,
        bounds_ms: Sequence[int],
        *,
        stations: Sequence[str] | None = None,
        parties: Sequence[str] | None = None,
    ) -> tuple[RolledUp, ...]:
        del tenant
        found: dict[tuple[int, str, int, str], tuple[int, ...]] = {}
        sums = Rollups(self.listed_sessions.values(), self.listed_bills.values()).sums
        for (width, station, at, _, party, currency, grade, source), values in sums.items():
            step = bisect_right(bounds_ms, at * QUARTER_MS) - 1
            if width != 1 or not 0 <= step < len(bounds_ms) - 1:
                continue
            if (stations is None or station in stations) and (parties is None or party in parties):
                key = step, currency, grade, source
                found[key] = tuple(map(int.__add__, found.get(key, (0,) * 13), values))
        return tuple(RolledUp(*key, *values) for key, values in found.items())

    async def all_sums(
        self, tenant: TenantId, after: RollupKey | None = None, limit: int = 1000
    ) -> tuple[tuple[RollupKey, tuple[int, ...]], ...]:
        del tenant
        sums = Rollups(self.listed_sessions.values(), self.listed_bills.values()).sums
        return tuple((key, values) for key, values in sorted(sums.items()) if after is None or key > after)[:limit]

    async def close(self) -> None:
        self.broken = True


def _fits(row: ListedSession | ListedBill, wanted: RowsWanted) -> bool:
    return all(
        asked in {None, getattr(row, name)}
        for name, asked in (
            ("station_id", wanted.station_id),
            ("evse_id", wanted.evse_id),
            ("party", wanted.party),
        )
    )
