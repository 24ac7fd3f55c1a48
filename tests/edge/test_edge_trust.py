"""Whom an edge believes: root-signed keys only, and the newest directory of the party it routes to."""

import os
from pathlib import Path

import pytest
from tests.edge.edge_world import CARD, NOW_MS, ORIGIN, REGISTRY, entries, key, registry, seal_key, seeded

from wattseal.app.edge.trust import DirectoryFile, read_trust, readers_for
from wattseal.base.errors import ConfigError, StoreError
from wattseal.bundle.trust import Root, Trust
from wattseal.model.token import IdToken
from wattseal.parties.edge.state import Mode
from wattseal.seal.directory import DirectoryTerms, issue_directory

EDGE = seal_key("edge")
OTHER = IdToken("OTHER", "ISO14443")


def issued(
    *tokens: IdToken, at_ms: int = NOW_MS, party: str = "MSP", signer: str = "emsp", origin: str = ORIGIN
) -> bytes:
    terms = DirectoryTerms(party, origin, at_ms, at_ms + 1000, 20_000)
    return issue_directory(terms, tokens, EDGE.public, key(signer), seeded(f"{at_ms}")).encode()


def directory_file(path: Path) -> DirectoryFile:
    return DirectoryFile(path, path.with_name("newest"), ORIGIN, route="MSP", registry=registry(), key=EDGE)


def replace(path: Path, data: bytes) -> None:
    """Write a file so that it is seen to have changed, however coarse the clock of the file system is."""
    moment = path.stat().st_mtime_ns + 1_000_000_000 if path.exists() else 0
    path.write_bytes(data)
    if moment:
        os.utime(path, ns=(moment, moment))


def test_a_newer_issue_is_taken_and_an_older_one_is_not(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    file = directory_file(path)
    assert file.current() is None
    replace(path, issued(CARD))
    first = file.current()
    assert first is not None
    assert first.has(CARD)
    replace(path, issued(OTHER, at_ms=NOW_MS + 1))
    second = file.current()
    assert second is not None
    assert (second.has(CARD), second.has(OTHER)) == (False, True)
    replace(path, issued(CARD))
    assert file.current() is second
    assert directory_file(path).current() is None, "a restart forgets no newer issue"
    replace(path, issued(OTHER, at_ms=NOW_MS + 1))
    assert directory_file(path).current() is not None


@pytest.mark.parametrize("data", [b"", b"soon", b"\xff"])
def test_a_damaged_memory_of_the_newest_issue_is_refused_with_words(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "newest").write_bytes(data)
    with pytest.raises(ConfigError, match="newest"):
        directory_file(tmp_path / "directory")


def test_an_issue_that_cannot_be_remembered_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise StoreError("no space left", code="disk_full")

    monkeypatch.setattr("wattseal.app.edge.trust.write_durably", full)
    path = tmp_path / "directory"
    path.write_bytes(issued(CARD))
    assert directory_file(path).current() is None


@pytest.mark.parametrize(
    "data",
    [
        issued(CARD, signer="billing"),
        issued(CARD, signer="stranger"),
        issued(CARD, party="CPO"),
        issued(CARD, origin="CPO/ST2"),
        b"",
        b"garbage",
    ],
)
def test_only_the_deciding_partys_directory_for_this_edge_counts(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "directory"
    path.write_bytes(data)
    assert directory_file(path).current() is None


def test_a_party_is_sealed_to_only_under_a_root_signed_key() -> None:
    assert [reader.party for reader in readers_for(registry(), Mode.SEALED, "MSP", ("MSP", "ARB")).meter] == [
        "MSP",
        "ARB",
    ]
    for seal_for in (("MSP", "NOBODY"), (), ("MSP",) * 5):
        with pytest.raises(ConfigError):
            readers_for(registry(), Mode.SEALED, "MSP", seal_for)


def test_entries_of_another_root_are_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "trust.json"
    root = Root(REGISTRY, key("another root").public, "REG")
    path.write_bytes(Trust((root,), (), (), 1, tuple(entries())).to_json())
    with pytest.raises(ConfigError, match="root-signed"):
        readers_for(read_trust(path), Mode.SEALED, "MSP", ("MSP",))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"wattseal_trust": 1}'])
def test_a_trust_file_that_cannot_be_used_is_refused_with_words(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "trust.json"
    path.write_bytes(data)
    with pytest.raises(ConfigError):
        read_trust(path)
    with pytest.raises(ConfigError):
        read_trust(tmp_path / "missing.json")
