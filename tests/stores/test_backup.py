import io
import json
import tarfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import aiohttp
import pytest
from tests.log.log_world import LOG_KEY
from tests.stores.journal_contract import ORIGIN, T1, item, posting, station

from wattseal.app.log_keeper import LogKeeper
from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import ConfigError, InputError, StoreError
from wattseal.cli.main import run
from wattseal.crypto import passphrase as locking
from wattseal.dial.witness import WitnessClient
from wattseal.flow.ports import Batch
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.stores.authority import AuthorityFiles
from wattseal.stores.backup import Manifest, Restored, backup, restore
from wattseal.stores.datadir import FORMAT, DataDir
from wattseal.stores.fsck_tables import check_tables
from wattseal.stores.sqlite import SqliteJournal

PASSPHRASE = "correct horse battery"
CLOCK, RANDOM = SystemClock(), SystemRandom()


@pytest.fixture(autouse=True)
def cheap_scrypt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "_COST", 10)


@asynccontextmanager
async def serving(path: Path, *, archive_too: bool = False) -> AsyncIterator[tuple[SqliteJournal, LogKeeper]]:
    """Have a directory open as the CSMS has it: lock, journal, log."""
    with DataDir.open(path, "cpo") as data:
        if not archive_too:
            data.refuse_archive()
        data.keys.load_or_create("log.pem", LOG_KEY.to_pem)
        journal = await SqliteJournal.open(data.prepare_journal())
        async with aiohttp.ClientSession() as http:
            keeper = await LogKeeper.open(
                data.log_dir(T1),
                LOG_KEY,
                tenant=T1,
                journal=journal,
                witnesses=WitnessClient(http, []),
                clock=CLOCK,
                random=RANDOM,
            )
            yield journal, keeper
        await journal.close()


async def charge(path: Path, first: int, count: int, *, archive_too: bool = False) -> SignedCheckpoint:
    """Store signed items and publish a checkpoint."""
    async with serving(path, archive_too=archive_too) as (journal, keeper):
        for n in range(first, first + count):
            await journal.commit(Batch(T1, items=(item(n, leaf=True),), puts=(station(f"t{n}"),)))
        return (await keeper.step(4)).signed


def make(data: Path, out: Path, passphrase: str | None = PASSPHRASE) -> Manifest:
    return backup(data, out, clock=CLOCK, random=RANDOM, passphrase=passphrase)


def bring_back(
    source: Path, data: Path, published: Sequence[SignedCheckpoint] = (), *, nothing_since: bool = True
) -> Restored:
    return restore(source, data, clock=CLOCK, published=published, nothing_since=nothing_since, passphrase=PASSPHRASE)


async def test_a_restored_ledger_is_the_same_and_as_unchangeable(tmp_path: Path) -> None:
    async with serving(tmp_path / "a") as (journal, keeper):
        await journal.commit(
            Batch(T1, items=(item(1, leaf=True),), postings=(posting("1"), posting("2", currency="CHF")))
        )
        books = await journal.postings(T1), await journal.balances(T1)
        await keeper.step(4)
    make(tmp_path / "a", tmp_path / "b.tar")
    bring_back(tmp_path / "b.tar", tmp_path / "c")
    async with serving(tmp_path / "c") as (journal, _):
        assert (await journal.postings(T1), await journal.balances(T1)) == books
        await journal.commit(Batch(T1, postings=(posting("1"), posting("3"))))
        assert [k.number for k in await journal.postings(T1)] == [1, 2, 3]
    assert check_tables(tmp_path / "c" / "journal.sqlite3") == ()


async def test_a_restored_directory_holds_everything_and_goes_on(tmp_path: Path) -> None:
    last = await charge(tmp_path / "a", 0, 5)
    make(tmp_path / "a", tmp_path / "b.tar")
    done = bring_back(tmp_path / "b.tar", tmp_path / "c")
    assert done.keys == ("log.pem",)
    assert done.floors == {LOG_KEY.name: last.checkpoint.size}
    async with serving(tmp_path / "c") as (journal, keeper):
        assert [k.item.seq for k in await journal.items(T1, ORIGIN, 1)] == [0, 1, 2, 3, 4]
        assert len(await journal.documents(T1, "transaction")) == 5
        assert keeper.log.latest == last
    assert (await charge(tmp_path / "c", 5, 1)).checkpoint.size > last.checkpoint.size


async def test_a_restored_authority_goes_on_with_what_it_issued_and_revoked(tmp_path: Path) -> None:
    await charge(tmp_path / "a", 0, 1)
    files = AuthorityFiles(tmp_path / "a")
    files.make(name="CA", organization="CPO", now=CLOCK.now(), random=RANDOM)
    made = files.issue_server(["csms.example.org"], now=CLOCK.now(), random=RANDOM)
    files.revoke(made.serial_hex, now=CLOCK.now())
    make(tmp_path / "a", tmp_path / "b.tar")
    bring_back(tmp_path / "b.tar", tmp_path / "c")
    again = AuthorityFiles(tmp_path / "c")
    assert [(i.certificate, i.revoked_at is not None) for i in again.issued()] == [(made, True)]
    assert again.certificate.read_bytes() == files.certificate.read_bytes()
    assert open_to_others(tmp_path / "c") == []
    assert again.issue_server(["csms.example.org"], now=CLOCK.now(), random=RANDOM).issuer == made.issuer


async def test_a_restored_directory_is_closed_to_others(tmp_path: Path) -> None:
    await charge(tmp_path / "a", 0, 1)
    make(tmp_path / "a", tmp_path / "b.tar")
    bring_back(tmp_path / "b.tar", tmp_path / "c")
    with DataDir.existing(tmp_path / "c") as data:
        assert data.keys.read("log.pem") == LOG_KEY.to_pem()
    assert open_to_others(tmp_path / "c") == []
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0


async def test_what_was_restored_after_more_was_signed_is_an_archive(tmp_path: Path) -> None:
    last = await charge(tmp_path / "a", 0, 1)
    make(tmp_path / "a", tmp_path / "b.tar")
    assert bring_back(tmp_path / "b.tar", tmp_path / "c", [last], nothing_since=False).archive
    with pytest.raises(ConfigError, match="nothing new is signed"):
        await charge(tmp_path / "c", 1, 1)
    async with serving(tmp_path / "c", archive_too=True) as (journal, _):
        assert len(await journal.replay(T1)) == 1


async def test_a_witness_refutes_that_nothing_was_signed_since(tmp_path: Path) -> None:
    same = await charge(tmp_path / "a", 0, 1)
    make(tmp_path / "a", tmp_path / "b.tar")
    later = await charge(tmp_path / "a", 1, 1)
    with pytest.raises(InputError) as refused:
        bring_back(tmp_path / "b.tar", tmp_path / "c", [later])
    assert refused.value.code == "published_since"
    done = bring_back(tmp_path / "b.tar", tmp_path / "c", [same])
    assert (done.archive, done.missing) == (False, {})


async def test_a_backup_taken_at_work_is_consistent(tmp_path: Path) -> None:
    async with serving(tmp_path / "a") as (journal, keeper):
        for n in range(10):
            await journal.commit(Batch(T1, items=(item(n, leaf=True),)))
        await keeper.step(4)
        await journal.commit(Batch(T1, items=(item(10, leaf=True),)))  # still pending when it is copied
        make(tmp_path / "a", tmp_path / "b.tar")
        await journal.commit(Batch(T1, items=(item(11, leaf=True),)))
    bring_back(tmp_path / "b.tar", tmp_path / "c")
    async with serving(tmp_path / "c") as (journal, _):
        assert [k.item.seq for k in await journal.items(T1, ORIGIN, 1)] == list(range(11))


async def test_a_restored_log_signs_nothing_that_conflicts_with_what_was_published_later(tmp_path: Path) -> None:
    entries_before = (await charge(tmp_path / "a", 0, 5)).checkpoint.size
    make(tmp_path / "a", tmp_path / "b.tar")
    later = await charge(tmp_path / "a", 5, 20)
    done = bring_back(tmp_path / "b.tar", tmp_path / "c", [later], nothing_since=False)
    assert done.floors == {LOG_KEY.name: later.checkpoint.size}
    ((first, end),) = done.missing.values()
    assert (first, end) == (entries_before, later.checkpoint.size)
    with pytest.raises(StoreError) as behind:
        await charge(tmp_path / "c", 100, 1, archive_too=True)
    assert behind.value.code == "log_behind"
    with pytest.raises(StoreError) as conflict:
        await charge(tmp_path / "c", 101, 40, archive_too=True)
    assert conflict.value.code == "log_conflict"


async def test_without_the_published_checkpoint_the_restored_log_would_fork(tmp_path: Path) -> None:
    """The control of the test above: the defence, not chance, keeps the log from forking."""
    await charge(tmp_path / "a", 0, 5)
    make(tmp_path / "a", tmp_path / "b.tar")
    later = await charge(tmp_path / "a", 5, 20)
    bring_back(tmp_path / "b.tar", tmp_path / "c")
    forked = await charge(tmp_path / "c", 100, 20)
    assert forked.checkpoint.size == later.checkpoint.size
    assert forked.checkpoint.root != later.checkpoint.root


async def test_the_published_checkpoint_of_every_log_is_demanded(tmp_path: Path) -> None:
    await charge(tmp_path / "a", 0, 1)
    make(tmp_path / "a", tmp_path / "b.tar")
    with pytest.raises(InputError) as refused:
        bring_back(tmp_path / "b.tar", tmp_path / "c", nothing_since=False)
    assert refused.value.code == "checkpoint_needed"
    assert not (tmp_path / "c").exists()


async def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    await charge(tmp_path / "a", 0, 1)
    make(tmp_path / "a", tmp_path / "b.tar")
    with pytest.raises(ConfigError, match="never overwrites"):
        make(tmp_path / "a", tmp_path / "b.tar")
    with pytest.raises(ConfigError, match="never overwrites"):
        bring_back(tmp_path / "b.tar", tmp_path / "a")


async def test_a_damaged_backup_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    await charge(tmp_path / "a", 0, 3)
    make(tmp_path / "a", tmp_path / "b.tar")
    good = (tmp_path / "b.tar").read_bytes()
    with tarfile.open(tmp_path / "b.tar") as tar:
        members = [(info.offset_data, info.size) for info in tar.getmembers()][1:]
    assert len(members) > 4
    for start, size in members:
        for place in (start, start + size // 2, start + size - 1):
            bad = bytearray(good)
            bad[place] ^= 1
            (tmp_path / "bad.tar").write_bytes(bad)
            with pytest.raises(InputError):
                bring_back(tmp_path / "bad.tar", tmp_path / "c")
    for size in (0, 100, 3000, len(good) // 2):
        (tmp_path / "bad.tar").write_bytes(good[:size])
        with pytest.raises(InputError):
            bring_back(tmp_path / "bad.tar", tmp_path / "c")
    assert names(tmp_path) == ["a", "b.tar", "bad.tar"]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def open_to_others(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*") if p.is_file() and p.stat().st_mode & 0o077]


def forged(path: Path, manifest: dict[str, object], files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in {"manifest.json": json.dumps(manifest).encode(), **files}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def member(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "size": len(content), "sha256": sha256(content).hexdigest()}


@pytest.mark.parametrize(
    "name", ["../evil", "/tmp/evil", "log/../../evil", "keys/log.pem", "admin-token", "log/x", "ca/x", "ca/../x.pem"]
)
def test_a_backup_cannot_write_where_it_should_not(tmp_path: Path, name: str) -> None:
    manifest = {"wattseal_backup": 1, "role": "cpo", "format": 1, "created_at": "", "members": [member(name, b"x")]}
    with pytest.raises(InputError):
        bring_back(forged(tmp_path / "b.tar", manifest, {name: b"x"}), tmp_path / "c")
    assert names(tmp_path) == ["b.tar"]


def test_a_backup_of_a_newer_format_is_refused_with_words(tmp_path: Path) -> None:
    manifest = {"wattseal_backup": 1, "role": "cpo", "format": FORMAT + 1, "created_at": "", "members": []}
    with pytest.raises(ConfigError, match="knows formats up to"):
        bring_back(forged(tmp_path / "b.tar", manifest, {}), tmp_path / "c")


def test_the_writer_of_chains_is_not_put_back_to_an_earlier_day(tmp_path: Path) -> None:
    DataDir.open(tmp_path / "a", "edge").close()
    with pytest.raises(ConfigError, match="second history"):
        make(tmp_path / "a", tmp_path / "b.tar")


async def test_a_backup_without_passphrase_holds_no_key(tmp_path: Path) -> None:
    await charge(tmp_path / "a", 0, 1)
    make(tmp_path / "a", tmp_path / "b.tar", passphrase=None)
    secret = LOG_KEY.to_pem().splitlines()[1]
    assert secret not in (tmp_path / "b.tar").read_bytes()
    assert bring_back(tmp_path / "b.tar", tmp_path / "c").keys == ()


async def test_the_commands_do_it_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    errors = io.StringIO()
    last = await charge(tmp_path / "a", 0, 2)
    secret = tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    (tmp_path / "published").write_bytes(last.encode())

    def wattseal(*words: object) -> int:
        return run([str(word) for word in words], errors)

    assert wattseal("migrate", "--data", tmp_path / "a", "--json") == 0
    assert wattseal("backup", "--data", tmp_path / "a", "--out", tmp_path / "b.tar", "--passphrase-file", secret) == 0
    again = ("restore", tmp_path / "b.tar", "--data", tmp_path / "c", "--passphrase-file", secret)
    assert wattseal(*again) == 78
    assert "--nothing-since" in errors.getvalue()
    assert wattseal(*again, "--published", tmp_path / "published", "--nothing-since") == 0
    assert "ready to go on" in capsys.readouterr().out
    export = tmp_path / "keys.export"
    assert wattseal("keys", "export", "--data", tmp_path / "c", "--out", export, "--passphrase-file", secret) == 0
    assert export.stat().st_mode & 0o077 == 0
    assert wattseal("keys", "import", export, "--data", tmp_path / "d", "--passphrase-file", secret, "--json") == 0
    assert '{"keys":["log.pem"]}' in capsys.readouterr().out
    assert wattseal("keys", "export", "--data", tmp_path / "c", "--out", export, "--passphrase-file", secret) == 78
