"""The published vectors hold, and the generator still writes them: docs/spec/vectors/log."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tools.make_log_vectors import FILES, render

from wattseal.base.errors import InputError
from wattseal.log import merkle, note, proof, tiles, witness
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.keys import SigningKey, VerifierKey
from wattseal.log.note import Note
from wattseal.log.proof import TlogProof
from wattseal.log.tiles import TileRef
from wattseal.log.witness import Witness

VECTORS = Path(__file__).parents[2] / "docs" / "spec" / "vectors" / "log"


def read(name: str) -> Any:
    return json.loads((VECTORS / name).read_text())


def unhex(values: list[str]) -> list[bytes]:
    return [bytes.fromhex(value) for value in values]


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_generator_writes_the_published_file(name: str) -> None:
    assert (VECTORS / name).read_text() == render(FILES[name]())


def test_no_vector_file_is_unread() -> None:
    assert {path.name for path in VECTORS.iterdir()} == set(FILES)


def test_merkle_vectors() -> None:
    vectors = read("merkle.json")
    for size, root in vectors["roots"].items():
        tree = merkle.Tree()
        tree.extend(merkle.leaf_hash(sha256(b"entry %d" % number).digest()) for number in range(int(size)))
        assert tree.root().hex() == root
    for case in vectors["inclusion"]:
        leaf, root = merkle.leaf_hash(bytes.fromhex(case["entry"])), bytes.fromhex(case["root"])
        valid = merkle.verify_inclusion(leaf, case["index"], case["size"], unhex(case["proof"]), root)
        assert valid is case["valid"], case
    for case in vectors["consistency"]:
        old_root, new_root = unhex([case["old_root"], case["new_root"]])
        valid = merkle.verify_consistency(case["old"], case["new"], unhex(case["proof"]), old_root, new_root)
        assert valid is case["valid"], case


def test_note_vectors() -> None:
    vectors = read("note.json")
    keys = [VerifierKey.parse(vkey) for vkey in vectors["vkeys"]]
    for case in vectors["keys"]:
        if case["valid"]:
            assert str(VerifierKey.parse(case["vkey"])) == case["vkey"]
        else:
            with pytest.raises(InputError):
                VerifierKey.parse(case["vkey"])
    for case in vectors["private"]:
        assert str(SigningKey.parse(case["skey"]).verifier) == case["vkey"]
    for case in vectors["notes"]:
        try:
            verdict = str(note.check(Note.parse(case["note"].encode()), keys).verdict)
        except InputError:
            verdict = "MALFORMED"
        assert verdict == case["verdict"], case["name"]


def test_proof_vectors() -> None:
    vectors = read("proof.json")
    logs, witnesses = ([VerifierKey.parse(vkey) for vkey in vectors[which]] for which in ("logs", "witnesses"))
    for case in vectors["proofs"]:
        try:
            parsed = TlogProof.parse(case["proof"].encode())
        except InputError:
            assert case["verdict"] == "MALFORMED", case["name"]
            continue
        checked = proof.check(parsed, bytes.fromhex(vectors["entry"]), logs, witnesses)
        cosigned = [[one.key.name, one.time_s] for one in checked.cosigned]
        assert (checked.verdict, checked.reason) == (case["verdict"], case["reason"]), case["name"]
        assert cosigned == case["cosigned"], case["name"]


def test_tile_vectors() -> None:
    vectors = read("tiles.json")
    for case in vectors["paths"]:
        assert TileRef.parse(case["path"]) == TileRef(case["level"], case["index"], case["width"])
    for path in vectors["bad_paths"]:
        with pytest.raises(InputError):
            TileRef.parse(path)
    for size, paths in vectors["tiles_of"].items():
        assert [ref.path() for ref in tiles.tiles_of(int(size))] == paths


def test_witness_vectors() -> None:
    vectors = read("witness.json")
    keys = [VerifierKey.parse(vkey) for vkey in vectors["logs"]]
    ours = Witness(SigningKey.parse(vectors["witness"]), witness.logs_by_origin(keys))
    latest: dict[str, SignedCheckpoint] = {}
    for step in vectors["steps"]:
        answer = ours.add_checkpoint(step["request"].encode(), latest.get, vectors["time_s"])
        assert answer.status == step["status"], step["name"]
        assert step["body"] is None or answer.body.decode() == step["body"], step["name"]
        assert (answer.content_type == vectors["content_type_409"]) == (answer.status == 409)
        if answer.update is not None:
            latest[answer.update.checkpoint.origin] = answer.update
