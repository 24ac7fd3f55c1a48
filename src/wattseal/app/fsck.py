"""Re-prove a stopped CPO's directory: records, chains, projections, ledger, log, checkpoints. Nothing is changed."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from wattseal.app.cpo.keys import load_trust
from wattseal.app.cpo.tenant import ROLE, TENANT
from wattseal.app.log_keeper import CHECKPOINT, HEAD
from wattseal.base.errors import ConfigError, InputError
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import SigningKey
from wattseal.flow.documents import ENTRY, IDENTITY, SELF, STATION, Identity, read
from wattseal.flow.fleet.enrol import KeptStatement
from wattseal.flow.ports import Journal, Put
from wattseal.flow.replay import Replayed, Replayer, compare_projections, replay
from wattseal.flow.replay_accounts import compare_accounts
from wattseal.flow.replay_alarms import compare_alarms
from wattseal.flow.replay_ledger import compare_ledger
from wattseal.flow.replay_people import compare_people
from wattseal.flow.replay_rollups import compare_rollups
from wattseal.log import note
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.keys import SignatureType, VerifierKey
from wattseal.log.keys import SigningKey as LogKey
from wattseal.log.merkle import Tree, leaf_hash
from wattseal.model.station import Station
from wattseal.model.verdict import Finding, Verdict
from wattseal.parties.cpo import CpoKeys, own_entries
from wattseal.rules.enrolment import believe, station_entry
from wattseal.seal.registry import Registry
from wattseal.seal.signed import parse
from wattseal.stores.datadir import DataDir, read_format
from wattseal.stores.fsck_tables import check_tables, demand_whole
from wattseal.stores.fsck_tiles import fsck as fsck_tiles
from wattseal.stores.keyfiles import KeyFiles
from wattseal.stores.sqlite import SqliteJournal

PAGE = 1000
_DATABASE_FILES = ("journal.sqlite3", "journal.sqlite3-wal")


@dataclass(frozen=True, slots=True)
class Checked:
    """What was re-proved and what is wrong with it."""

    records: int
    entries: int
    findings: tuple[Finding, ...]


async def run_fsck(data: Path, *, trust_file: Path | None) -> Checked:
    """Re-prove everything under `data`; `ConfigError` where it is no CPO's directory or a process works in it.

    `StoreError` where the journal's file is damaged: what can still be read of it proves nothing then.
    """
    async with opened(data, trust_file) as found:
        if found is None:
            return Checked(0, 0, (Finding("identity_missing", "document identity"),))
        replayed, entries = await reprove(found)
        return Checked(replayed.records, entries, tuple(replayed.findings))


@dataclass(frozen=True, slots=True)
class Opened:
    """A stopped CPO's directory, its journal copied: whose it is, its keys, and who may sign what."""

    directory: DataDir
    journal_file: Path
    journal: Journal
    identity: Identity
    keys: CpoKeys
    registry: Registry
    trust: Trust | None


@asynccontextmanager
async def opened(data: Path, trust_file: Path | None) -> AsyncIterator[Opened | None]:
    """Open a stopped CPO's directory without changing anything in it; None where it does not say whose it is.

    `ConfigError` where it is no CPO's directory or a process works in it, `StoreError` where the journal is damaged.
    """
    found = read_format(data)
    if found is None or found[0] != ROLE:
        raise ConfigError(f"{data} is no directory of `wattseal serve`", code="no_data_directory", subject=str(data))
    with DataDir.open(data, ROLE) as directory, _copied(data) as journal_file:
        await asyncio.to_thread(demand_whole, journal_file)
        journal = await SqliteJournal.open(journal_file)
        try:
            document = await journal.document(TENANT, IDENTITY, SELF)
            if document is None:
                yield None
                return
            identity, keys, trust = read(document, Identity), _keys(directory.keys), load_trust(trust_file)
            registry = await _registry(journal, identity.party, keys, trust)
            yield Opened(directory, journal_file, journal, identity, keys, registry, trust)
        finally:
            await journal.close()


async def reprove(found: Opened) -> tuple[Replayed, int]:
    """Replay and re-prove all there is; (what the records say, with every finding, and how many log entries)."""
    journal, identity = found.journal, found.identity
    log_key = LogKey.from_pem(identity.log_origin, SignatureType.ED25519, found.directory.keys.read("log.pem")).verifier
    replayer = Replayer(TENANT, identity.party, identity.log_origin, found.registry, found.keys.seal)
    replayed = await replay(journal, replayer)
    await compare_projections(journal, TENANT, replayed)
    replayed.findings.extend(await compare_ledger(journal, TENANT, replayed.ledger))
    replayed.findings.extend(await compare_accounts(journal, TENANT, replayed.accounts, replayed.ledger))
    replayed.findings.extend(await compare_people(journal, TENANT, replayed.people))
    replayed.findings.extend(await compare_alarms(journal, TENANT, replayed.alarms))
    await compare_rollups(journal, TENANT, replayed)
    replayed.findings.extend(await asyncio.to_thread(check_tables, found.journal_file))
    entries = replayed.entries
    await _check_checkpoints(journal, replayed, entries, log_key, found.trust)
    replayed.findings.extend(await asyncio.to_thread(fsck_tiles, found.directory.log_dir(TENANT), log_key, entries))
    return replayed, len(entries)


@contextmanager
def _copied(data: Path) -> Iterator[Path]:
    """Give a copy of the journal: opening a database may change it."""
    with tempfile.TemporaryDirectory(prefix="wattseal-fsck-") as folder:
        for name in _DATABASE_FILES:
            if (data / name).exists():
                shutil.copyfile(data / name, Path(folder) / name)
        yield Path(folder) / _DATABASE_FILES[0]


def _keys(files: KeyFiles) -> CpoKeys:
    return CpoKeys(
        csms=SigningKey.from_pem(files.read("csms-sign.pem")),
        seal=SealPrivateKey.from_pem(files.read("csms-seal.pem")),
        billing=SigningKey.from_pem(files.read("billing-sign.pem")),
    )


async def _registry(journal: Journal, party: str, keys: CpoKeys, trust: Trust | None) -> Registry:
    """Return who may sign: by the trust file's roots, and on this CPO's own word."""
    registry = Registry(trust.roots() if trust else {})
    kept = [parse(read(document, KeptStatement).statement) async for document in _documents(journal, ENTRY)]
    registry.add_all([*(trust.entries if trust else ()), *kept])
    believe(registry, own_entries(party, keys))
    believe(registry, [station_entry(party, read(d, Station)) async for d in _documents(journal, STATION)])
    return registry


async def _documents(journal: Journal, kind: str) -> AsyncIterator[Put]:
    after = ""
    while page := await journal.documents(TENANT, kind, after=after, limit=PAGE):
        for document in page:
            yield document
        after = page[-1].key


async def _check_checkpoints(
    journal: Journal, replayed: Replayed, entries: list[bytes], log_key: VerifierKey, trust: Trust | None
) -> None:
    """Check that every checkpoint kept, cosigned ones above all, is one of the tree that the entries give."""
    kept = [d async for d in _documents(journal, CHECKPOINT)] + [d async for d in _documents(journal, HEAD)]
    known: list[tuple[SignedCheckpoint, str]] = []
    for document in kept:
        where = f"{document.kind} {document.key}"
        try:
            known.append((SignedCheckpoint.parse(json.loads(document.body)["note"].encode()), where))
        except (InputError, ValueError, KeyError, TypeError):
            replayed.found("checkpoint_unreadable", where)
    witnesses = [w.key for w in trust.witnesses] if trust else []
    for signed, where in known:
        if note.check(signed.note, [log_key]).verdict is not Verdict.VALID:
            replayed.found("checkpoint_not_signed_by_the_log", where)
        for key in note.check(signed.note, witnesses).failed:
            replayed.found("cosignature_invalid", where, key.name)
    _check_roots(replayed, entries, known)


def _check_roots(replayed: Replayed, entries: list[bytes], known: Iterable[tuple[SignedCheckpoint, str]]) -> None:
    tree = Tree()
    for signed, where in sorted(known, key=lambda pair: pair[0].checkpoint.size):
        size = signed.checkpoint.size
        if size > len(entries):
            replayed.found("log_rolled_back", where, f"{len(entries)} entries are there, {size} were published")
            continue
        tree.extend(leaf_hash(entry) for entry in entries[tree.size : size])
        if tree.root() != signed.checkpoint.root:
            replayed.found("checkpoint_differs", where, f"the first {size} entries have another root")
