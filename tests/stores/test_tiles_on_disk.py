import json
import os
import shutil
import stat
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.log.log_world import LOG_KEY, WITNESS_KEY, Forest, entries, entry, signed_checkpoint, signing_key
from tests.support.examples import examples

from wattseal.base.errors import InputError, StoreError
from wattseal.log import checkpoint, merkle, proof, tiles
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.cosignature import cosign
from wattseal.log.tiles import ENTRIES, TileRef
from wattseal.model.verdict import Verdict
from wattseal.stores import files
from wattseal.stores.fsck_tiles import fsck
from wattseal.stores.tiles import DiskLog

ALL = entries(2000)
FOREST = Forest(ALL)


def grown(directory: Path, *sizes: int) -> DiskLog:
    log = DiskLog.open(directory, LOG_KEY)
    for size in sizes:
        log.integrate(ALL[log.size : size])
    return log


def codes(directory: Path, journal: list[bytes] | None = None) -> set[str]:
    return {finding.code for finding in fsck(directory, LOG_KEY.verifier, journal)}


@settings(max_examples=examples(15))
@given(st.lists(st.integers(0, 2000), min_size=1, max_size=6).map(sorted))
def test_a_log_grown_in_any_steps_and_reopened_between_is_the_same_tree(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int]
) -> None:
    directory = tmp_path_factory.mktemp("log")
    for size in sizes:
        log = DiskLog.open(directory, LOG_KEY)
        signed = log.integrate(ALL[log.size : size])
        assert signed.checkpoint == Checkpoint(LOG_KEY.name, size, FOREST.root(size))
    assert fsck(directory, LOG_KEY.verifier, ALL) == ()


def test_the_files_are_those_of_tlog_tiles(tmp_path: Path) -> None:
    grown(tmp_path, 300, 1200)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    due = {ref.path() for ref in tiles.tiles_of(1200)}
    assert due | {"checkpoint"} <= found
    # The partial tile of size 300 whose full one is not there yet:
    assert found - due - {"checkpoint"} == {"tile/1/000.p/1"}
    assert (tmp_path / "tile/0/004.p/176").read_bytes() == b"".join(FOREST.rows[0][1024:1200])
    assert not (tmp_path / "tile/0/001.p").exists()


def test_the_files_are_those_of_the_published_vectors(tmp_path: Path) -> None:
    vectors = json.loads((Path(__file__).parents[2] / "docs/spec/vectors/log/tiles.json").read_text())
    grown(tmp_path, 300)
    for path, digest in vectors["sha256_at_300"].items():
        assert sha256((tmp_path / path).read_bytes()).hexdigest() == digest


def test_every_entry_is_proven_offline(tmp_path: Path) -> None:
    log = grown(tmp_path, 700)
    signed = log.add_signatures(log.sign().with_signatures([cosign(log.sign().note.text, WITNESS_KEY, 99)]))
    for index in (0, 255, 256, 511, 699):
        checked = proof.check(log.proof(index, signed), entry(index), [LOG_KEY.verifier], [WITNESS_KEY.verifier])
        assert (checked.verdict, [found.time_s for found in checked.cosigned]) == (Verdict.VALID, [99])


def test_proofs_for_earlier_sizes_are_served_later(tmp_path: Path) -> None:
    log = grown(tmp_path, 10, 300, 999)
    assert log.consistency(10, 300) == merkle.consistency_proof(10, 300, FOREST)
    assert log.consistency(300, 999) == merkle.consistency_proof(300, 999, FOREST)
    assert log.inclusion(9, 10) == merkle.inclusion_proof(9, 10, FOREST)
    with pytest.raises(InputError):
        log.inclusion(0, 1000)
    with pytest.raises(InputError):
        log.consistency(0, 1000)


def test_cosignatures_stay_with_the_checkpoint_over_a_restart(tmp_path: Path) -> None:
    log = grown(tmp_path, 5)
    first = log.sign()
    log.add_signatures(first.with_signatures([cosign(first.note.text, WITNESS_KEY, 7)]))
    again = DiskLog.open(tmp_path, LOG_KEY).sign()
    assert [line.name for line in again.note.signatures] == [LOG_KEY.name, WITNESS_KEY.name]
    log.integrate(ALL[5:6])
    late = first.with_signatures([cosign(first.note.text, WITNESS_KEY, 8)])
    assert log.add_signatures(late) == late
    assert log.latest is not None
    assert log.latest.checkpoint.size == 6


class PowerCutError(Exception):
    pass


def test_a_crash_before_any_file_is_renamed_leaves_the_last_checkpoint_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut the power at the 1st, 2nd, ... write of a batch until the batch gets through; reopen after each."""
    grown(tmp_path, 250)
    real: Callable[[Path, bytes, int], None] = files._replace
    for allowed in range(20):
        left = allowed

        def cut(path: Path, data: bytes, mode: int) -> None:
            nonlocal left
            if left == 0:
                path.with_name(f".{path.name}.new").write_bytes(data[: len(data) // 2])
                raise PowerCutError
            left -= 1
            real(path, data, mode)

        monkeypatch.setattr(files, "_replace", cut)
        log = DiskLog.open(tmp_path, LOG_KEY)
        assert log.size == 250
        assert codes(tmp_path, ALL) == set()
        try:
            log.integrate(ALL[250:600])
        except PowerCutError:
            continue
        break
    assert allowed > 5
    monkeypatch.undo()
    assert DiskLog.open(tmp_path, LOG_KEY).sign().checkpoint.root == FOREST.root(600)
    assert codes(tmp_path, ALL) == set()


def test_a_full_disk_is_a_store_error_and_the_log_goes_on_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = grown(tmp_path, 30)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match="No space left"):
            log.integrate(ALL[30:40])
    assert log.size == 30
    assert log.integrate(ALL[30:40]).checkpoint.root == FOREST.root(40)


def test_a_log_restored_from_an_old_backup_refuses_to_fork_itself(tmp_path: Path) -> None:
    grown(tmp_path / "log", 100)
    shutil.copytree(tmp_path / "log", tmp_path / "backup")
    published = grown(tmp_path / "log", 200).latest
    restored = DiskLog.open(tmp_path / "backup", LOG_KEY, published=published)
    with pytest.raises(StoreError) as caught:
        restored.sign()
    assert caught.value.code == "log_behind"
    other = [bytes([7]) * 32] * 100
    restored.append(other)
    with pytest.raises(StoreError) as caught:
        restored.sign()
    assert caught.value.code == "log_conflict"
    # Negative control: without the memory of what was published, the fork would be signed.
    shutil.rmtree(tmp_path / "backup")
    grown(tmp_path / "backup", 100)
    assert DiskLog.open(tmp_path / "backup", LOG_KEY).integrate(other).checkpoint.root != FOREST.root(200)


def test_a_log_is_rebuilt_from_the_journal_and_signs_once_it_holds_what_was_published(tmp_path: Path) -> None:
    published = grown(tmp_path / "log", 500).latest
    rebuilt = DiskLog.open(tmp_path / "rebuilt", LOG_KEY, published=published)
    rebuilt.append(ALL[:300])
    with pytest.raises(StoreError):
        rebuilt.sign()
    rebuilt.append(ALL[300:600])
    assert rebuilt.sign().checkpoint.root == FOREST.root(600)


def test_a_fork_of_the_same_size_does_not_open(tmp_path: Path) -> None:
    grown(tmp_path, 100)
    forked = Forest([*ALL[:50], b"changed", *ALL[51:100]])
    with pytest.raises(StoreError) as caught:
        DiskLog.open(tmp_path, LOG_KEY, published=signed_checkpoint(forked, 100))
    assert caught.value.code == "log_conflict"


def test_a_damaged_or_foreign_checkpoint_does_not_open(tmp_path: Path) -> None:
    grown(tmp_path, 100)
    with pytest.raises(StoreError) as caught:
        DiskLog.open(tmp_path, signing_key("other.test/log"))
    assert caught.value.code == "checkpoint_foreign"
    (tmp_path / "checkpoint").write_bytes(b"torn")
    with pytest.raises(StoreError) as caught:
        DiskLog.open(tmp_path, LOG_KEY)
    assert caught.value.code == "checkpoint_damaged"
    assert codes(tmp_path) == {"checkpoint_damaged"}


def test_entries_of_another_length_are_refused(tmp_path: Path) -> None:
    log = grown(tmp_path, 3)
    with pytest.raises(InputError):
        log.integrate([bytes(31)])
    assert log.size == 3


def overwrite(path: Path, at: int, data: bytes) -> None:
    changed = bytearray(path.read_bytes())
    changed[at : at + len(data)] = data
    path.write_bytes(changed)


def test_fsck_names_an_altered_entry_leaf_and_node(tmp_path: Path) -> None:
    grown(tmp_path, 600)
    assert fsck(tmp_path, LOG_KEY.verifier, ALL) == ()
    cases = {
        "entry_changed": (TileRef(ENTRIES, 1), 3 * 34 + 2, "entry 259"),
        "leaf_changed": (TileRef(0, 1), 3 * 32, "entry 259"),
        "node_changed": (TileRef(1, 0, 2), 32, "hash 1 is not that of the tile below"),
    }
    for code, (ref, at, detail) in cases.items():
        path = tmp_path / ref.path()
        before = path.read_bytes()
        overwrite(path, at, bytes(32))
        (found,) = [finding for finding in fsck(tmp_path, LOG_KEY.verifier) if finding.code == code]
        assert (found.field, found.detail) == (ref.path(), detail)
        path.write_bytes(before)
    assert fsck(tmp_path, LOG_KEY.verifier) == ()


def test_fsck_sees_a_rebuilt_tree_under_an_old_signature(tmp_path: Path) -> None:
    """An insider changes an entry and recomputes every tile; only the signature it cannot redo."""
    log = grown(tmp_path / "log", 600)
    changed = [*ALL[:259], bytes(32), *ALL[260:600]]
    DiskLog.open(tmp_path / "forged", LOG_KEY).integrate(changed)
    shutil.copy(tmp_path / "log" / "checkpoint", tmp_path / "forged" / "checkpoint")
    assert codes(tmp_path / "forged") == {"root_mismatch"}
    assert codes(tmp_path / "forged", ALL) == {"root_mismatch", "journal_differs"}
    with pytest.raises(StoreError):
        DiskLog.open(tmp_path / "forged", LOG_KEY)
    # Re-signed with a key of one's own, it is not this log's checkpoint.
    stranger = signing_key("cpo.test/log2")
    text = Checkpoint("cpo.test/log2", 600, merkle.EMPTY_ROOT)
    (tmp_path / "forged" / "checkpoint").write_bytes(checkpoint.sign(text, stranger).encode())
    assert codes(tmp_path / "forged") == {"checkpoint_foreign"}
    assert log.size == 600


def test_fsck_finds_missing_and_cut_tiles_and_a_journal_that_lost_entries(tmp_path: Path) -> None:
    grown(tmp_path, 600)
    (tmp_path / "tile/0/001").unlink()
    assert "tile_missing" in codes(tmp_path)
    grown_bytes = (tmp_path / "tile/entries/000").read_bytes()
    (tmp_path / "tile/entries/000").write_bytes(grown_bytes[:-5])
    found = fsck(tmp_path, LOG_KEY.verifier)
    assert {("tile_missing", "tile/0/001"), ("tile_damaged", "tile/entries/000")} <= {(f.code, f.field) for f in found}
    shutil.rmtree(tmp_path)
    grown(tmp_path, 600)
    (lost,) = fsck(tmp_path, LOG_KEY.verifier, ALL[:300])
    assert (lost.code, lost.field) == ("journal_differs", "entry 300")
    assert codes(tmp_path / "nowhere") == set()


def test_durable_writes_replace_as_one_step_with_the_mode_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "key"
    files.write_durably(path, b"old", 0o600)
    files.write_durably(path, b"new", 0o600)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["key"]


def test_an_empty_log_signs_the_empty_tree(tmp_path: Path) -> None:
    signed = DiskLog.open(tmp_path, LOG_KEY).sign()
    assert signed.checkpoint == Checkpoint(LOG_KEY.name, 0, merkle.EMPTY_ROOT)
    assert DiskLog.open(tmp_path, LOG_KEY).sign() == SignedCheckpoint.parse((tmp_path / "checkpoint").read_bytes())
    assert fsck(tmp_path, LOG_KEY.verifier) == ()
