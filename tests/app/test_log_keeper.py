import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from tests.app.witness_world import Running, running
from tests.log.log_world import LOG_KEY

from wattseal.app.cpo.log import LogProofs
from wattseal.app.log_keeper import LogKeeper
from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import StoreError
from wattseal.base.ids import Hash, Origin, StationId, TenantId
from wattseal.dial.witness import Outcome, WitnessClient, WitnessPeer
from wattseal.flow.ports import Batch, Put, StoredItem
from wattseal.log import proof
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import cosignatures
from wattseal.model.verdict import Verdict
from wattseal.stores.fsck_tiles import fsck
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal

TENANT = TenantId("CPO")
BATCH = 8
LOG = str(LOG_KEY.verifier)


def record(number: int) -> StoredItem:
    digest = Hash(sha256(b"record %d" % number).digest())
    return StoredItem(
        origin=Origin("CPO/CS1"),
        stream=1,
        epoch=0,
        seq=number,
        kind=5,
        signed=True,
        payload_hash=digest,
        item=b"item",
        station_id=StationId("CS1"),
        recorded_at_ms=0,
        leaf=digest,
    )


async def put(journal: SqliteJournal, *numbers: int) -> dict[int, int]:
    """Commit records; return the log index of each."""
    items = tuple(record(number) for number in numbers)
    committed = await journal.commit(Batch(TENANT, items=items))
    return {number: committed.indexes[item.payload_hash] for number, item in zip(numbers, items, strict=True)}


class Site:
    """A journal, its log's directory, and how to open a keeper over them."""

    def __init__(self, path: Path, journal: SqliteJournal, http: aiohttp.ClientSession) -> None:
        self.path = path
        self.journal = journal
        self.http = http

    async def keeper(self, *witnesses: Running) -> LogKeeper:
        return await LogKeeper.open(
            self.path / "log",
            LOG_KEY,
            tenant=TENANT,
            journal=self.journal,
            witnesses=WitnessClient(self.http, [witness.peer for witness in witnesses]),
            clock=SystemClock(),
            random=SystemRandom(),
        )


@asynccontextmanager
async def site(path: Path) -> AsyncIterator[Site]:
    await asyncio.to_thread(path.mkdir, exist_ok=True)
    database = path / "journal.sqlite"
    await asyncio.to_thread(migrate, f"sqlite:///{database}")
    journal = await SqliteJournal.open(database)
    try:
        async with aiohttp.ClientSession() as http:
            yield Site(path, journal, http)
    finally:
        await journal.close()


async def journal_leaves(journal: SqliteJournal) -> list[bytes]:
    return list(await journal.leaves(TENANT, 0, 10_000))


async def test_a_record_is_proven_under_two_witnesses(tmp_path: Path) -> None:
    async with (
        site(tmp_path / "cpo") as cpo,
        running(tmp_path / "emsp", LOG) as emsp,
        running(tmp_path / "dso", LOG) as dso,
    ):
        keeper = await cpo.keeper(emsp, dso)
        witnesses = [emsp.peer.key, dso.peer.key]

        def enough(signed: SignedCheckpoint) -> bool:
            return len(cosignatures(signed.note, witnesses)) == 2

        indexes = await put(cpo.journal, 1, 2, 3)
        assert await keeper.proof(indexes[2], enough) is None
        step = await keeper.step(BATCH)
        assert [one.outcome for one in step.asked] == [Outcome.COSIGNED] * 2
        found = await keeper.proof(indexes[2], enough)
        assert found is not None
        checked = proof.check(found, record(2).payload_hash, [LOG_KEY.verifier], witnesses)
        assert (checked.verdict, len(checked.cosigned)) == (Verdict.VALID, 2)


async def test_growth_is_the_same_with_and_without_records(tmp_path: Path) -> None:
    async with site(tmp_path) as cpo:
        keeper = await cpo.keeper()
        sizes = []
        for numbers in ((), (1, 2), (), (3, 4, 5, 6, 7, 8, 9, 10), (), tuple(range(11, 20))):
            await put(cpo.journal, *numbers)
            sizes.append((await keeper.step(BATCH)).signed.checkpoint.size)
        # Nine records in the last step do not fit in eight places: only then does the pace show, and doubles for good.
        assert sizes == [8, 16, 24, 32, 40, 56]
        again = await cpo.keeper()
        for numbers in (tuple(range(20, 50)), (), tuple(range(50, 61)), (70,)):
            await put(cpo.journal, *numbers)
            sizes.append((await again.step(BATCH)).signed.checkpoint.size)
        assert sizes[6:] == [88, 120, 152, 184]
        assert fsck(tmp_path / "log", LOG_KEY.verifier, await journal_leaves(cpo.journal)) == ()


async def test_the_earliest_witnessed_checkpoint_is_kept_also_when_witnesses_were_away(tmp_path: Path) -> None:
    async with site(tmp_path / "cpo") as cpo, running(tmp_path / "emsp", LOG) as emsp:
        away = WitnessPeer("http://127.0.0.1:1", emsp.peer.key)
        keeper = await cpo.keeper(Running(away.key, away.url, cpo.http))

        def enough(signed: SignedCheckpoint) -> bool:
            return bool(cosignatures(signed.note, [emsp.peer.key]))

        (index,) = (await put(cpo.journal, 1)).values()
        step = await keeper.step(BATCH)
        assert [one.outcome for one in step.asked] == [Outcome.UNREACHABLE]
        assert await keeper.covering(index, enough) is None
        keeper = await cpo.keeper(emsp)
        first = (await keeper.step(BATCH)).signed  # nothing but padding, yet it is the first witnessed one
        await keeper.step(BATCH)
        await put(cpo.journal, 2)
        await keeper.step(BATCH)
        assert await keeper.covering(index, enough) == first


async def test_who_cosigned_is_told_from_memory_for_what_is_covered_alike_and_for_what_is_not_covered_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with site(tmp_path / "cpo") as cpo, running(tmp_path / "emsp", LOG) as emsp:
        keeper = await cpo.keeper(emsp)
        proofs = LogProofs(keeper, {"MSP": emsp.peer.key}, 1)
        first = await put(cpo.journal, 1, 2, 3)
        before = proofs.state()
        assert await proofs.cosigners(first[1]) is None
        await keeper.step(BATCH)
        assert proofs.state() != before
        second = await put(cpo.journal, 4)
        at_ms = {index: (await proofs.cosigners(first[index]) or {})["MSP"] for index in (2, 1, 3)}
        assert len(set(at_ms.values())) == 1
        await keeper.step(BATCH)
        assert (await proofs.cosigners(second[4]) or {})["MSP"] >= at_ms[1]
        third = await put(cpo.journal, 5)
        reopened = LogProofs(await cpo.keeper(emsp), {"MSP": emsp.peer.key}, 1)
        assert await reopened.cosigners(third[5]) is None
        assert (await reopened.cosigners(first[1]) or {})["MSP"] == at_ms[1]

        async def refuse(*_: object, **__: object) -> tuple[Put, ...]:
            raise AssertionError("nothing is to be read")

        monkeypatch.setattr(cpo.journal, "documents", refuse)
        for known in (proofs, reopened):
            assert [(await known.cosigners(first[n]) or {})["MSP"] for n in (1, 2, 3)] == [at_ms[1]] * 3
            assert await known.cosigners(third[5]) is None
        assert LogProofs(keeper, {}, 0).state() == 0


async def test_a_crash_between_journal_and_tree_is_made_good_by_the_next_step(tmp_path: Path) -> None:
    async with site(tmp_path) as cpo:
        keeper = await cpo.keeper()
        await put(cpo.journal, 1)
        await keeper.step(BATCH)
        await put(cpo.journal, 2, 3)
        stale = tmp_path / "stale"
        await asyncio.to_thread(shutil.copytree, tmp_path / "log", stale)
        shown = (await keeper.step(BATCH)).signed
        await asyncio.to_thread(shutil.rmtree, tmp_path / "log")
        await asyncio.to_thread(stale.rename, tmp_path / "log")  # the tree is behind, the journal knows what was shown
        reopened = await cpo.keeper()
        assert reopened.log.size < shown.checkpoint.size
        await reopened.step(BATCH)
        assert reopened.log.consistency(shown.checkpoint.size, reopened.log.size) is not None
        assert fsck(tmp_path / "log", LOG_KEY.verifier, await journal_leaves(cpo.journal)) == ()


async def test_lost_tiles_are_rebuilt_from_the_journal_as_they_were(tmp_path: Path) -> None:
    async with site(tmp_path) as cpo:
        keeper = await cpo.keeper()
        for number in range(40):
            await put(cpo.journal, number)
            await keeper.step(BATCH)
        before = (tmp_path / "log" / "tile" / "0" / "000").read_bytes()
        await asyncio.to_thread(shutil.rmtree, tmp_path / "log")
        rebuilt = await cpo.keeper()
        assert rebuilt.log.size == 0
        await rebuilt.step(BATCH)
        assert (tmp_path / "log" / "tile" / "0" / "000").read_bytes() == before


async def test_an_operator_who_restores_an_old_journal_is_stopped_by_the_witness(tmp_path: Path) -> None:
    async with running(tmp_path / "emsp", LOG) as emsp:
        async with site(tmp_path / "cpo") as cpo:
            keeper = await cpo.keeper(emsp)
            await put(cpo.journal, 1)
            await keeper.step(BATCH)
        await asyncio.to_thread(shutil.copytree, tmp_path / "cpo", tmp_path / "backup")
        async with site(tmp_path / "cpo") as cpo:
            keeper = await cpo.keeper(emsp)
            await put(cpo.journal, 2)
            await keeper.step(BATCH)
            await put(cpo.journal, 3)
            await keeper.step(BATCH)
        async with site(tmp_path / "backup") as cpo:
            keeper = await cpo.keeper(emsp)
            outcomes = [(await keeper.step(BATCH)).asked[0].outcome for _ in range(3)]
            assert outcomes == [Outcome.AHEAD, Outcome.INCONSISTENT, Outcome.INCONSISTENT]
            # Negative control: a witness without memory lets the second history pass.
        async with site(tmp_path / "backup") as cpo, running(tmp_path / "fresh", LOG) as fresh:
            assert (await (await cpo.keeper(fresh)).step(BATCH)).asked[0].outcome is Outcome.COSIGNED


async def test_a_journal_that_lost_its_entries_is_named_at_the_start(tmp_path: Path) -> None:
    async with site(tmp_path / "cpo") as cpo:
        keeper = await cpo.keeper()
        for _ in range(3):
            await keeper.step(BATCH)
    async with site(tmp_path / "new") as cpo:
        await asyncio.to_thread(shutil.copytree, tmp_path / "cpo" / "log", tmp_path / "new" / "log")
        with pytest.raises(StoreError) as caught:
            await cpo.keeper()
        assert caught.value.code == "log_entries_lost"


async def test_two_histories_never_both_get_the_word_of_two_parties(tmp_path: Path) -> None:
    async with (
        site(tmp_path / "one") as one,
        site(tmp_path / "other") as other,
        running(tmp_path / "emsp", LOG) as emsp,
        running(tmp_path / "dso", LOG) as dso,
    ):
        shown_to_emsp, shown_to_dso = await one.keeper(emsp), await other.keeper(dso)
        index = (await put(one.journal, 1))[1]
        await put(other.journal, 2)
        for keeper in (shown_to_emsp, shown_to_dso):
            (asked,) = (await keeper.step(BATCH)).asked
            assert asked.outcome is Outcome.COSIGNED  # each alone has nothing to object: one witness is no quorum
        for history in (one, other):  # its own witness goes on, the other party's refuses
            outcomes = {asked.outcome for asked in (await (await history.keeper(emsp, dso)).step(BATCH)).asked}
            assert outcomes == {Outcome.COSIGNED, Outcome.INCONSISTENT}
        witnesses = [emsp.peer.key, dso.peer.key]
        assert await shown_to_emsp.proof(index, lambda signed: len(cosignatures(signed.note, witnesses)) == 2) is None
        # Negative control: whoever is content with one witness would be deceived.
        assert await shown_to_emsp.proof(index, lambda signed: len(cosignatures(signed.note, witnesses)) == 1)
