"""What every journal promises: inherited by the tests of each database, which provide the `store` fixture."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from hashlib import sha256

import pytest
from msgspec import structs

from wattseal.base.errors import StoreError
from wattseal.base.ids import Hash, Origin, StationId, Subject, TenantId
from wattseal.flow.ports import (
    Attempt,
    Batch,
    Dedup,
    Erased,
    Journal,
    Outgoing,
    Padding,
    Put,
    StoredItem,
)
from wattseal.model.ledger import Balance, Posting, PostingKind, Transfer

T1 = TenantId("cpo-one")
T2 = TenantId("cpo-two")
ORIGIN = Origin("CPO/S1")
S1 = StationId("S1")
S2 = StationId("S2")
SUBJECT = Subject(b"s" * 16)

Reopen = Callable[[Journal], Awaitable[Journal]]


def leaf_of(seq: int, salt: bytes = b"") -> Hash:
    return Hash(sha256(b"leaf%d" % seq + salt).digest())


def item(
    seq: int, *, epoch: int = 1, salt: bytes = b"", leaf: bool = False, subject: Subject | None = None, stream: int = 1
) -> StoredItem:
    return StoredItem(
        origin=ORIGIN,
        stream=stream,
        epoch=epoch,
        seq=seq,
        kind=3,
        signed=leaf,
        payload_hash=Hash(sha256(b"%d/%d/%d" % (stream, epoch, seq) + salt).digest()),
        item=b"\x00\xffitem %d" % seq + salt,
        station_id=S1,
        recorded_at_ms=1_700_000_000_000 + seq,
        subject=subject,
        leaf=leaf_of(seq, salt) if leaf else None,
    )


def station(key: str, *, name: str = "S1", active: bool | None = None, body: bytes = b"{}") -> Put:
    return Put("transaction", key, 1, body, 5, StationId(name), active)


def posting(key: str, *transfers: tuple[str, str, int], currency: str = "EUR", memo: str = "") -> Posting:
    return Posting(
        key=key,
        kind=PostingKind.CHARGE,
        currency=currency,
        at_ms=1_700_000_000_000,
        transfers=tuple(Transfer(*transfer) for transfer in transfers or (("customer/a", "revenue/charging", 10),)),
        subject=SUBJECT.hex(),
        refs=(sha256(b"ref one").hexdigest(), sha256(b"ref two").hexdigest()),
        memo=memo,
        record=sha256(key.encode()).hexdigest(),
    )


class JournalContract:
    async def test_a_committed_item_is_read_back_whole(self, store: Journal) -> None:
        stored = item(7, leaf=True, subject=SUBJECT)
        await store.commit(Batch(T1, items=(stored,)))
        (kept,) = await store.items(T1, ORIGIN, 1)
        assert kept.item == stored
        assert kept.log_index == 0

    async def test_a_chain_is_read_in_its_order_whatever_the_order_of_commits(self, store: Journal) -> None:
        for seq, epoch in ((3, 1), (1, 1), (4, 2), (2, 1)):
            await store.commit(Batch(T1, items=(item(seq, epoch=epoch),)))
        kept = await store.items(T1, ORIGIN, 1, start=(1, 2))
        assert [(k.item.epoch, k.item.seq) for k in kept] == [(1, 2), (1, 3), (2, 4)]
        assert [k.item.seq for k in await store.items(T1, ORIGIN, 1, limit=2)] == [1, 2]
        head = await store.chain_head(T1, ORIGIN, 1)
        assert head is not None
        assert (head.item.epoch, head.item.seq) == (2, 4)

    async def test_replay_gives_every_item_once_in_the_order_of_commits(self, store: Journal) -> None:
        order = (5, 2, 9, 1)
        for seq in order:
            await store.commit(Batch(T1, items=(item(seq),)))
        seen: list[int] = []
        after = 0
        while page := await store.replay(T1, after, limit=3):
            seen += [k.item.seq for k in page]
            after = page[-1].position
        assert tuple(seen) == order

    async def test_the_same_item_again_is_ignored_and_keeps_its_log_index(self, store: Journal) -> None:
        first = await store.commit(Batch(T1, items=(item(1, leaf=True), item(2, leaf=True))))
        again = await store.commit(Batch(T1, items=(item(2, leaf=True), item(3, leaf=True))))
        assert again.indexes[item(2).payload_hash] == first.indexes[item(2).payload_hash] == 1
        assert again.indexes[item(3).payload_hash] == 2
        assert again.log_size == 3
        assert len(await store.items(T1, ORIGIN, 1)) == 3

    async def test_an_item_that_is_erased_keeps_its_place_and_does_not_come_back(self, store: Journal) -> None:
        secret, other = item(1, leaf=True, salt=b"secret", subject=SUBJECT), item(2, leaf=True)
        await store.commit(Batch(T1, items=(secret, other)))
        (kept, _) = await store.replay(T1)
        left = Erased(kept.position, kept.item.payload_hash, b"what is left")
        await store.commit(Batch(T1, erased=(left,)))
        again = await store.commit(Batch(T1, items=(secret,)))
        assert again.indexes == {secret.payload_hash: 0}
        (now, same) = await store.replay(T1)
        assert (now.item, now.log_index, now.position) == (structs.replace(secret, item=b"what is left"), 0, 1)
        assert same.item == other
        assert await store.leaves(T1) == (secret.leaf, other.leaf)

    async def test_only_the_record_that_is_named_is_erased(self, store: Journal) -> None:
        await store.commit(Batch(T1, items=(item(1, leaf=True),)))
        await store.commit(Batch(T2, items=(item(1, leaf=True),)))
        (mine,) = await store.items(T1, ORIGIN, 1)
        for tenant, payload_hash in ((T2, mine.item.payload_hash), (T1, item(9).payload_hash)):
            await store.commit(Batch(tenant, erased=(Erased(mine.position, payload_hash, b"gone"),)))
        assert await store.items(T1, ORIGIN, 1) == (mine,)

    async def test_repeats_within_one_group_are_one_item(self, store: Journal) -> None:
        told = await asyncio.gather(*(store.commit(Batch(T1, items=(item(1, leaf=True),))) for _ in range(20)))
        assert {t.indexes[item(1).payload_hash] for t in told} == {0}
        assert await store.log_size(T1) == 1

    async def test_another_item_at_the_same_place_is_kept_as_fork_evidence(self, store: Journal) -> None:
        await store.commit(Batch(T1, items=(item(1, leaf=True),)))
        await store.commit(Batch(T1, items=(item(1, salt=b"other", leaf=True),)))
        kept = await store.items(T1, ORIGIN, 1)
        assert len({k.item.payload_hash for k in kept}) == 2
        head = await store.chain_head(T1, ORIGIN, 1)
        assert head is not None
        assert head.item.item == item(1).item

    async def test_a_stripped_copy_that_came_first_does_not_keep_the_signed_one_out(self, store: Journal) -> None:
        genuine = item(1, leaf=True)
        stripped = StoredItem(
            ORIGIN, 1, 1, 1, 3, signed=False, payload_hash=genuine.payload_hash, item=b"stripped", station_id=S1,
            recorded_at_ms=1,
        )  # fmt: skip
        await store.commit(Batch(T1, items=(stripped,)))
        told = await store.commit(Batch(T1, items=(genuine,)))
        assert told.indexes == {genuine.payload_hash: 0}

    async def test_log_indexes_are_dense_per_tenant_under_concurrent_commits(self, store: Journal) -> None:
        batches = [Batch(tenant, items=(item(seq, leaf=seq % 3 != 0),)) for seq in range(60) for tenant in (T1, T2)]
        told = await asyncio.gather(*(store.commit(batch) for batch in batches))
        for tenant in (T1, T2):
            mine = [
                i for batch, t in zip(batches, told, strict=True) if batch.tenant == tenant for i in t.indexes.values()
            ]
            assert sorted(mine) == list(range(40))
            assert await store.log_size(tenant) == 40
        leaves = await store.leaves(T1)
        for kept in await store.replay(T1):
            assert kept.item.leaf == (None if kept.log_index is None else leaves[kept.log_index])

    async def test_padding_fills_the_log_to_its_schedule(self, store: Journal) -> None:
        entries = tuple(bytes([n]) * 32 for n in range(4))
        await store.commit(Batch(T1, items=tuple(item(n, leaf=True) for n in range(5))))
        told = await store.commit(Batch(T1, padding=Padding(0, entries)))
        assert told.log_size == 8
        assert (await store.leaves(T1, 5))[:3] == entries[:3]
        assert (await store.commit(Batch(T1, padding=Padding(8, entries)))).log_size == 12

    async def test_growth_by_padding_is_the_same_for_a_busy_and_an_idle_station(self, store: Journal) -> None:
        entries = tuple(bytes([n]) * 32 for n in range(4))
        busy = await store.commit(
            Batch(T1, items=tuple(item(n, leaf=True) for n in range(3)), padding=Padding(0, entries))
        )
        idle = await store.commit(Batch(T2, padding=Padding(0, entries)))
        assert busy.log_size == idle.log_size == 4

    async def test_nothing_of_one_tenant_is_seen_by_another(self, store: Journal) -> None:
        await store.commit(
            Batch(
                T1,
                items=(item(1, leaf=True, subject=SUBJECT),),
                puts=(station("t1"),),
                dedups=(Dedup(S1, "k", b"answer"),),
                outbox=(Outgoing("o1", "cdr", b"{}", 0),),
            )
        )
        await store.commit(Batch(T2, attempts=(Attempt("o1"),)))
        assert await store.items(T2, ORIGIN, 1) == ()
        assert await store.items_by_subject(T2, SUBJECT) == ()
        assert await store.replay(T2) == ()
        assert await store.chain_head(T2, ORIGIN, 1) is None
        assert await store.leaves(T2) == ()
        assert await store.log_size(T2) == 0
        assert await store.document(T2, "transaction", "t1") is None
        assert await store.documents(T2, "transaction") == ()
        assert await store.answer(T2, S1, "k") is None
        assert await store.outbox(T2, 10) == ()
        assert len(await store.outbox(T1, 10)) == 1

    async def test_items_of_a_transaction_are_found_across_streams(self, store: Journal) -> None:
        await store.commit(Batch(T1, items=(item(1, subject=SUBJECT), item(2), item(1, stream=0, subject=SUBJECT))))
        assert [k.item.stream for k in await store.items_by_subject(T1, SUBJECT)] == [1, 0]

    async def test_the_last_put_of_a_document_wins_also_within_a_group(self, store: Journal) -> None:
        await asyncio.gather(*(store.commit(Batch(T1, puts=(station("a", body=b"%d" % n),))) for n in range(10)))
        found = await store.document(T1, "transaction", "a")
        assert found == station("a", body=b"9")
        await store.commit(Batch(T1, puts=(Put("transaction", "a", 2, b"new", 6),)))
        assert await store.document(T1, "transaction", "a") == Put("transaction", "a", 2, b"new", 6)

    async def test_a_document_without_a_body_is_gone_and_may_come_back(self, store: Journal) -> None:
        await store.commit(Batch(T1, puts=(station("a"), station("b"), station("c"))))
        await store.commit(Batch(T1, puts=(station("a", body=b""), station("never", body=b""))))
        assert await store.document(T1, "transaction", "a") is None
        assert [put.key for put in await store.documents(T1, "transaction")] == ["b", "c"]
        await store.commit(
            Batch(T1, puts=(station("b", body=b""), station("a", body=b"again"), station("c", body=b"")))
        )
        assert [put.body for put in await store.documents(T1, "transaction")] == [b"again"]
        assert await store.document(T1, "transaction", "c") is None

    async def test_documents_are_filtered_and_paged_in_byte_order(self, store: Journal) -> None:
        keys = ("B", "a", "b", "é", "Z")
        await store.commit(Batch(T1, puts=tuple(station(key, active=key != "a") for key in keys)))
        await store.commit(Batch(T1, puts=(station("c", name="S2", active=None), Put("token", "x", 1, b"{}", 1))))
        everything: list[str] = []
        after = ""
        while page := await store.documents(T1, "transaction", after=after, limit=2):
            everything += [put.key for put in page]
            after = page[-1].key
        assert everything == ["B", "Z", "a", "b", "c", "é"]
        assert [p.key for p in await store.documents(T1, "transaction", station_id=S2)] == ["c"]
        assert [p.key for p in await store.documents(T1, "transaction", active=False)] == ["a"]
        active = await store.documents(T1, "transaction", station_id=S1, active=True)
        assert [p.key for p in active] == ["B", "Z", "b", "é"]

    async def test_documents_are_paged_from_the_newest_too(self, store: Journal) -> None:
        await store.commit(Batch(T1, puts=tuple(station(key) for key in ("B", "a", "b", "é", "Z"))))
        everything: list[str] = []
        after = ""
        while page := await store.documents(T1, "transaction", after=after, limit=2, newest=True):
            everything += [put.key for put in page]
            after = page[-1].key
        assert everything == ["é", "b", "a", "Z", "B"]

    async def test_a_retry_gets_the_first_answer_also_after_a_restart(self, store: Journal, reopen: Reopen) -> None:
        assert await store.answer(T1, S1, "start/1") is None
        await store.commit(Batch(T1, dedups=(Dedup(S1, "start/1", b"first"),)))
        await store.commit(Batch(T1, dedups=(Dedup(S1, "start/1", b"second"),)))
        assert await store.answer(T1, S1, "start/1") == b"first"
        assert await store.answer(T1, S2, "start/1") is None
        store = await reopen(store)
        assert await store.answer(T1, S1, "start/1") == b"first"
        assert await store.answer(T1, S1, "start/2") is None

    async def test_the_outbox_keeps_a_message_until_it_is_delivered(self, store: Journal) -> None:
        await store.commit(Batch(T1, outbox=(Outgoing("a", "cdr", b"1", 10), Outgoing("b", "cdr", b"2", 5))))
        await store.commit(Batch(T1, outbox=(Outgoing("a", "cdr", b"changed", 1),)))
        assert [m.id for m in await store.outbox(T1, 10)] == ["b", "a"]
        assert [m.id for m in await store.outbox(T1, 9)] == ["b"]
        assert [m.id for m in await store.outbox(T1, 10, after_ms=5)] == ["a"]
        await store.commit(Batch(T1, attempts=(Attempt("b", 99), Attempt("a"))))
        assert await store.outbox(T1, 98) == ()
        assert await store.outbox(T1, 99) == (Outgoing("b", "cdr", b"2", 99, attempts=1),)

    async def test_a_posting_is_read_back_whole_and_numbered(self, store: Journal, reopen: Reopen) -> None:
        one = posting("charge/1", ("customer/a", "revenue/charging", 100), ("customer/a", "tax/DE/19", 19), memo="é")
        bare = Posting("p2", PostingKind.FEE, "JPY", 0, (Transfer("a/b", "c/d", 1),), record="00" * 32)
        await store.commit(Batch(T1, postings=(one,)))
        await store.commit(Batch(T1, postings=(bare, posting("p3"))))
        store = await reopen(store)
        kept = await store.postings(T1)
        assert [(k.number, k.posting) for k in kept] == [(1, one), (2, bare), (3, posting("p3"))]
        assert await store.posting(T1, "charge/1") == kept[0]
        assert await store.posting(T1, "charge/9") is None
        await store.commit(Batch(T1, postings=(posting("p4"),)))
        assert [k.number for k in await store.postings(T1, after=2)] == [3, 4]

    async def test_a_key_is_posted_once_in_a_group_and_after_a_restart(self, store: Journal, reopen: Reopen) -> None:
        first, other = posting("k", memo="first"), posting("k", ("customer/b", "revenue/charging", 7), memo="second")
        await asyncio.gather(*(store.commit(Batch(T1, postings=(p,))) for p in (first, other, other)))
        await store.commit(Batch(T1, postings=(other, posting("l"), posting("l"))))
        store = await reopen(store)
        await store.commit(Batch(T1, postings=(other, posting("m"))))
        assert [k.posting.key for k in await store.postings(T1)] == ["k", "l", "m"]
        found = await store.posting(T1, "k")
        assert found is not None
        assert found.posting == first
        assert await store.balances(T1, prefix="customer/b") == ()

    async def test_balances_are_the_sums_of_transfers_by_account_and_currency(self, store: Journal) -> None:
        await store.commit(Batch(T1, postings=(posting("1", ("bank/main", "customer/a", 500)),)))
        await store.commit(
            Batch(
                T1,
                postings=(
                    posting("2", ("customer/a", "revenue/charging", 100), ("customer/a", "tax/DE/19", 19)),
                    posting("3", ("customer/a", "revenue/charging", 7), currency="CHF"),
                ),
            )
        )
        assert await store.balances(T1) == (
            Balance("bank/main", "EUR", 500, 0),
            Balance("customer/a", "CHF", 7, 0),
            Balance("customer/a", "EUR", 119, 500),
            Balance("revenue/charging", "CHF", 0, 7),
            Balance("revenue/charging", "EUR", 0, 100),
            Balance("tax/DE/19", "EUR", 0, 19),
        )
        assert [b.account for b in await store.balances(T1, prefix="tax/")] == ["tax/DE/19"]
        assert await store.balances(T1, prefix="customer/ab") == ()

    async def test_balances_are_paged_also_between_the_currencies_of_an_account(self, store: Journal) -> None:
        for n, currency in enumerate(("EUR", "CHF", "JPY")):
            await store.commit(
                Batch(T1, postings=(posting(f"{n}", ("customer/a", "customer/b", 5), currency=currency),))
            )
        seen: list[str] = []
        after = ""
        while page := await store.balances(T1, prefix="customer/", after=after, limit=2):
            seen += [balance.place for balance in page]
            after = page[-1].place
        assert seen == [f"customer/{who} {currency}" for who in "ab" for currency in ("CHF", "EUR", "JPY")]

    async def test_postings_of_an_account_are_those_that_move_its_money(self, store: Journal) -> None:
        pairs = (("a/1", "b/1"), ("b/1", "c/1"), ("c/1", "a/1"), ("a/1", "c/1"))
        for n, pair in enumerate(pairs):
            await store.commit(Batch(T1, postings=(posting(f"{n}", (*pair, 1), (*pair, 2)),)))
        assert [k.number for k in await store.postings(T1, account="a/1")] == [1, 3, 4]
        assert [k.number for k in await store.postings(T1, account="a/1", limit=2)] == [1, 3]
        (last,) = await store.postings(T1, account="a/1", after=3)
        assert last.posting.transfers == (Transfer("a/1", "c/1", 1), Transfer("a/1", "c/1", 2))
        assert await store.postings(T1, account="a/") == ()

    async def test_the_books_of_one_tenant_are_not_anothers(self, store: Journal) -> None:
        await store.commit(Batch(T1, postings=(posting("1"),)))
        assert await store.posting(T2, "1") is None
        assert await store.postings(T2) == await store.postings(T2, account="customer/a") == ()
        assert await store.balances(T2) == ()
        await store.commit(Batch(T2, postings=(posting("1"),)))
        assert [k.number for k in await store.postings(T2)] == [1]

    @pytest.mark.parametrize(
        "bad",
        [
            posting("bad", ("customer/a", "revenue/charging", 0)),
            posting("bad", ("customer/a", "revenue/charging", -1)),
            posting("bad", ("customer/a", "revenue/charging", 10**15 + 1)),
            posting("bad", ("customer/a", "customer/a", 1)),
            Posting("bad", PostingKind.FEE, "EUR", 0, (), record="00" * 32),
            Posting("bad", PostingKind.FEE, "EUR", 0, (Transfer("a/b", "c/d", 1),)),
        ],
        ids=["nothing", "less than nothing", "too much", "to itself", "no transfers", "no record"],
    )
    async def test_a_posting_that_is_none_fails_alone_and_whole(self, store: Journal, bad: Posting) -> None:
        told = await asyncio.gather(
            store.commit(Batch(T1, postings=(posting("good"),))),
            store.commit(Batch(T1, items=(item(1, leaf=True),), postings=(posting("with it"), bad))),
            return_exceptions=True,
        )
        assert isinstance(told[1], StoreError)
        assert [k.posting.key for k in await store.postings(T1)] == ["good"]
        assert await store.log_size(T1) == 0
        assert store.healthy

    async def test_what_is_submitted_is_done_when_it_is_durable(self, store: Journal, reopen: Reopen) -> None:
        flushes = [store.submit(Batch(T1, items=(item(n, leaf=True),))) for n in (1, 2)]
        told = [await flush for flush in flushes if flush is not None]
        assert [set(committed.indexes.values()) for committed in told] == [{0}, {1}]
        store = await reopen(store)
        assert [k.item.seq for k in await store.items(T1, ORIGIN, 1)] == [1, 2]
        await store.close()
        assert store.submit(Batch(T1, items=(item(3),))) is None

    async def test_an_outbox_seen_empty_hands_out_what_is_posted_later(self, store: Journal, reopen: Reopen) -> None:
        for asked in range(2):
            assert await store.outbox(T1, 10) == (), asked
        await store.commit(Batch(T1, outbox=(Outgoing("a", "cdr", b"1", 99),)))
        assert await store.outbox(T2, 10) == await store.outbox(T1, 10) == ()
        assert [m.id for m in await store.outbox(T1, 99)] == ["a"]
        await store.commit(Batch(T1, attempts=(Attempt("a"),)))
        assert await store.outbox(T1, 99) == await store.outbox(T1, 99) == ()
        await store.commit(Batch(T1, outbox=(Outgoing("b", "cdr", b"2", 99),)))
        store = await reopen(store)
        assert [m.id for m in await store.outbox(T1, 99)] == ["b"]

    async def test_everything_survives_a_restart(self, store: Journal, reopen: Reopen) -> None:
        await store.commit(
            Batch(T1, items=(item(1, leaf=True), item(2)), puts=(station("t"),), outbox=(Outgoing("o", "k", b"", 0),))
        )
        store = await reopen(store)
        assert len(await store.items(T1, ORIGIN, 1)) == 2
        assert await store.document(T1, "transaction", "t") is not None
        assert len(await store.outbox(T1, 0)) == 1
        told = await store.commit(Batch(T1, items=(item(1, leaf=True), item(3, leaf=True))))
        assert set(told.indexes.values()) == {0, 1}

    async def test_a_batch_that_cannot_be_stored_takes_with_it_what_came_behind_and_nothing_else(
        self, store: Journal
    ) -> None:
        batches = [Batch(T1, items=(item(n, leaf=True),)) for n in range(8)]
        batches[3] = Batch(T1, items=(item(2**63),))
        told = await asyncio.gather(*(store.commit(b) for b in batches), return_exceptions=True)
        codes = [t.code if isinstance(t, StoreError) else "" for t in told]
        assert codes == ["", "", "", "unstorable", *["behind_a_loss"] * 4]
        assert store.healthy
        assert [k.item.seq for k in await store.items(T1, ORIGIN, 1)] == [0, 1, 2]
        again = await asyncio.gather(*(store.commit(b) for b in batches[4:]))
        assert [set(committed.indexes.values()) for committed in again] == [{3}, {4}, {5}, {6}]

    @pytest.mark.parametrize("pause_s", [0.0, 0.2], ids=["in the same group", "in a later one"])
    async def test_nothing_is_stored_that_was_built_on_what_nobody_knew_to_have_failed(
        self, store: Journal, pause_s: float
    ) -> None:
        first = store.submit(Batch(T1, items=(item(1), item(2**63))))
        time.sleep(pause_s)  # noqa: ASYNC251 - the event loop is busy, and hears of nothing
        behind = [store.submit(Batch(T1, items=(item(n),))) for n in (2, 3)]
        assert first is not None
        with pytest.raises(StoreError, match="cannot be stored"):
            await first
        for flush in behind:
            if flush is not None:  # None: it was not even taken
                with pytest.raises(StoreError, match="built on it"):
                    await flush
        assert await store.items(T1, ORIGIN, 1) == ()
        await store.commit(Batch(T1, items=(item(1),)))

    @pytest.mark.parametrize("entry", [b"", b"x" * 31, b"x" * 33])
    async def test_a_log_entry_of_another_size_is_refused(self, store: Journal, entry: bytes) -> None:
        with pytest.raises(StoreError):
            await store.commit(Batch(T1, padding=Padding(0, (entry,))))
        assert await store.log_size(T1) == 0

    async def test_a_closed_journal_refuses(self, store: Journal) -> None:
        await store.close()
        await store.close()
        assert not store.healthy
        with pytest.raises(StoreError):
            await store.commit(Batch(T1))
        with pytest.raises(StoreError):
            await store.replay(T1)
