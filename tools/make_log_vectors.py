"""Write docs/spec/vectors/log/*.json: run `python tools/make_log_vectors.py` from the root (package importable).

Everything follows from fixed seeds, so that the files only change when a format or a case does. Keys in them are for
tests alone: their seeds are SHA-256 of their names.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from wattseal.log import checkpoint, merkle, tiles
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.cosignature import cosign
from wattseal.log.keys import SignatureType, SigningKey
from wattseal.log.note import Note, Signature
from wattseal.log.proof import TlogProof
from wattseal.log.tiles import ENTRIES, TileRef
from wattseal.log.witness import AddCheckpoint

TARGET = Path("docs/spec/vectors/log")
TIME_S = 1_700_000_000
Json = dict[str, Any]


def _key(name: str, kind: SignatureType) -> SigningKey:
    return SigningKey(name, kind, sha256(name.encode()).digest())


LOG = _key("log.example/cpo", SignatureType.ED25519)
OTHER_LOG = _key("log.example/other", SignatureType.ED25519)
WITNESS = _key("witness.example/emsp", SignatureType.COSIGNATURE_ED25519)
OTHER_WITNESS = _key("witness.example/dso", SignatureType.COSIGNATURE_ED25519)
ENTRIES_HASHED = [sha256(b"entry %d" % number).digest() for number in range(300)]
FORKED_HASHED = [*ENTRIES_HASHED[:10], sha256(b"another entry").digest(), *ENTRIES_HASHED[11:]]


def _reader(entries: Sequence[bytes]) -> merkle.NodeReader:
    rows = [[merkle.leaf_hash(entry) for entry in entries]]
    while len(row := rows[-1]) > 1:
        rows.append([merkle.node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])
    return lambda level, index: rows[level][index]


NODES, FORKED = _reader(ENTRIES_HASHED), _reader(FORKED_HASHED)


def _signed(size: int, nodes: merkle.NodeReader = NODES, key: SigningKey = LOG) -> SignedCheckpoint:
    return checkpoint.sign(Checkpoint(key.name, size, merkle.root_at(size, nodes)), key)


def _hex(hashes: Iterable[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def _flipped(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def merkle_vectors() -> Json:
    """Roots, inclusion and consistency proofs over entry N = SHA-256("entry N")."""
    inclusion, consistency = [], []
    for index, size in ((0, 1), (0, 2), (2, 3), (4, 7), (6, 7), (127, 128), (255, 256), (256, 257), (299, 300)):
        root, proof = merkle.root_at(size, NODES), merkle.inclusion_proof(index, size, NODES)
        case = {"entry": ENTRIES_HASHED[index].hex(), "index": index, "size": size, "root": root.hex()}
        inclusion.append({**case, "proof": _hex(proof), "valid": True})
        bad = {"spare element": (*proof, root), "wrong root": proof}
        if proof:
            bad |= {"first element changed": (_flipped(proof[0]), *proof[1:]), "last element missing": proof[:-1]}
        for name, changed in bad.items():
            forged_root = _flipped(root).hex() if name == "wrong root" else root.hex()
            inclusion.append({**case, "root": forged_root, "proof": _hex(changed), "valid": False, "name": name})
    for old, new in ((0, 5), (1, 2), (3, 7), (4, 7), (6, 8), (8, 8), (128, 129), (255, 300), (256, 300)):
        roots = merkle.root_at(old, NODES), merkle.root_at(new, NODES)
        proof = merkle.consistency_proof(old, new, NODES)
        case = {"old": old, "new": new, "old_root": roots[0].hex(), "new_root": roots[1].hex()}
        consistency.append({**case, "proof": _hex(proof), "valid": True})
        consistency.append({**case, "proof": _hex((*proof, roots[1])), "valid": False, "name": "spare element"})
        if old:
            other = merkle.root_at(new, FORKED) if new > 10 else bytes(32)
            fork = {**case, "new_root": other.hex()}
            consistency.append({**fork, "proof": _hex(proof), "valid": False, "name": "another tree"})
    roots_by_size = {str(size): merkle.root_at(size, NODES).hex() for size in (0, 1, 2, 3, 7, 8, 255, 256, 257, 300)}
    return {
        "entry": 'entry N is SHA-256("entry N")',
        "roots": roots_by_size,
        "inclusion": inclusion,
        "consistency": consistency,
    }


def note_vectors() -> Json:
    """Keys and notes: `verdict` is VALID, INVALID, UNKNOWN_KEY or MALFORMED under `vkeys`."""
    good = _signed(300).note
    forged = Signature(LOG.name, LOG.verifier.key_id, bytes(64))
    stranger = Signature(LOG.name, b"\0\0\0\1", bytes(64))
    text = good.encode().decode()
    line = good.signatures[0].line()
    cases: list[tuple[str, str, str]] = [
        ("as signed", text, "VALID"),
        ("a stranger's line beside it", good.with_signatures([stranger]).encode().decode(), "VALID"),
        ("a failing line of the known key beside it", good.with_signatures([forged]).encode().decode(), "INVALID"),
        ("only a stranger's line", Note(good.text, (stranger,)).encode().decode(), "UNKNOWN_KEY"),
        ("one character of the text changed", text.replace("300", "301"), "INVALID"),
        ("no signature", good.text.decode() + "\n", "MALFORMED"),
        ("no blank line", good.text.decode() + line, "MALFORMED"),
        ("no final newline", text[:-1], "MALFORMED"),
        ("carriage returns", text.replace("\n", "\r\n"), "MALFORMED"),
        ("a hyphen for the dash", text.replace("—", "-"), "MALFORMED"),
        ("a tab in the text", text.replace("300", "\t300"), "MALFORMED"),
        ("base64 without padding", text.replace("=\n", "\n"), "MALFORMED"),
        ("a no-break space in the key name", text.replace("— log", "— lo\u00a0g"), "MALFORMED"),
        ("65 signatures", (good.text + b"\n").decode() + stranger.line() * 65, "MALFORMED"),
    ]
    vkey = str(LOG.verifier)
    keys = [(vkey, True), (str(WITNESS.verifier), True), (vkey.upper(), False), (vkey[:-4], False), ("a+b", False)]
    return {
        "vkeys": [vkey],
        "keys": [{"vkey": one, "valid": valid} for one, valid in keys],
        "private": [{"name": key.name, "skey": key.encode(), "vkey": str(key.verifier)} for key in (LOG, WITNESS)],
        "notes": [{"name": name, "note": note, "verdict": verdict} for name, note, verdict in cases],
    }


def proof_vectors() -> Json:
    """Offline proofs: `verdict`, `reason` and the verified cosignatures under `logs` and `witnesses`."""
    index = 259
    signed = _signed(300)
    lines = [cosign(signed.note.text, key, TIME_S + at) for at, key in enumerate((WITNESS, OTHER_WITNESS))]
    hashes = merkle.inclusion_proof(index, 300, NODES)
    good = TlogProof(index, hashes, signed.with_signatures(lines))
    moved = Signature(lines[0].name, lines[0].key_id, (TIME_S - 9).to_bytes(8, "big") + lines[0].signature[8:])
    forged = Signature(LOG.name, LOG.verifier.key_id, bytes(64))
    both = [[WITNESS.name, TIME_S], [OTHER_WITNESS.name, TIME_S + 1]]
    named: list[tuple[str, TlogProof, str, str, list[list[Any]]]] = [
        ("two witnesses", good, "VALID", "", both),
        (
            "extra data is carried and means nothing",
            TlogProof(index, hashes, good.checkpoint, b"extra"),
            "VALID",
            "",
            both,
        ),
        ("no witness", TlogProof(index, hashes, signed), "VALID", "", []),
        ("a cosignature moved in time", TlogProof(index, hashes, signed.with_signatures([moved])), "VALID", "", []),
        ("another index", TlogProof(index - 1, hashes, signed), "INVALID", "not_included", []),
        ("a hash changed", TlogProof(index, (_flipped(hashes[0]), *hashes[1:]), signed), "INVALID", "not_included", []),
        ("a hash missing", TlogProof(index, hashes[:-1], signed), "INVALID", "not_included", []),
        (
            "a log nobody trusts",
            TlogProof(index, hashes, _signed(300, key=OTHER_LOG)),
            "UNKNOWN_KEY",
            "unknown_log",
            [],
        ),
        (
            "a failing line of the log",
            TlogProof(index, hashes, signed.with_signatures([forged])),
            "INVALID",
            "bad_log_signature",
            [],
        ),
    ]
    cases = [
        {"name": name, "proof": proof.encode().decode(), "verdict": verdict, "reason": reason, "cosigned": cosigned}
        for name, proof, verdict, reason, cosigned in named
    ]
    text = good.encode().decode()
    malformed = {
        "another version": text.replace("@v1", "@v2"),
        "a leading zero": text.replace("index 259", "index 0259"),
        "extra after index": text.replace("index 259\n", "index 259\nextra AAAA\n"),
        "no checkpoint": text.partition("\n\n")[0] + "\n\n",
        "cut": text[:-1],
    }
    cases += [{"name": name, "proof": proof, "verdict": "MALFORMED"} for name, proof in malformed.items()]
    return {
        "entry": ENTRIES_HASHED[index].hex(),
        "logs": [str(LOG.verifier)],
        "witnesses": [str(WITNESS.verifier), str(OTHER_WITNESS.verifier)],
        "proofs": cases,
    }


def tile_vectors() -> Json:
    """Paths, the tiles of a size, and the bytes of the tiles of 300 entries."""
    refs = [TileRef(0, 0), TileRef(0, 1234067), TileRef(2, 1000, 17), TileRef(ENTRIES, 273, 112)]
    paths = [{"level": ref.level, "index": ref.index, "width": ref.width, "path": ref.path()} for ref in refs]
    bad = ["tile/0/1", "tile/64/000", "tile/0/x000/001", "tile/0/000.p/256", "tile/0/../key", "tile/00/000"]
    sizes = {str(size): [ref.path() for ref in tiles.tiles_of(size)] for size in (0, 1, 255, 256, 257, 513)}
    digests = {}
    for ref in tiles.tiles_of(300):
        first = ref.index * tiles.WIDTH
        if ref.level == ENTRIES:
            data = tiles.encode_entries(ENTRIES_HASHED[first : first + ref.width])
        else:
            data = b"".join(NODES(ref.level * tiles.HEIGHT, first + at) for at in range(ref.width))
        digests[ref.path()] = sha256(data).hexdigest()
    return {"entries_level": ENTRIES, "paths": paths, "bad_paths": bad, "tiles_of": sizes, "sha256_at_300": digests}


def witness_vectors() -> Json:
    """One witness that starts empty and answers the requests in order, at POSIX time `time_s`."""

    def ask(old: int, new: int, nodes: merkle.NodeReader = NODES) -> str:
        proof = merkle.consistency_proof(old, new, nodes)
        return AddCheckpoint(old, proof, _signed(new, nodes)).encode().decode()

    def granted(size: int) -> str:
        return cosign(_signed(size).note.text, WITNESS, TIME_S).line()

    unknown = AddCheckpoint(0, (), _signed(5, key=OTHER_LOG)).encode().decode()
    stranger = Signature(LOG.name, b"\0\0\0\1", bytes(64))
    unsigned = "old 0\n\n" + Note(_signed(20).note.text, (stranger,)).encode().decode()
    empty = checkpoint.sign(Checkpoint(LOG.name, 0, bytes(32)), LOG)
    steps: list[tuple[str, str, int, str | None]] = [
        ("an unknown origin", unknown, 404, None),
        ("no trusted signature", unsigned, 403, None),
        ("an empty tree with another root", AddCheckpoint(0, (), empty).encode().decode(), 422, None),
        ("a proof from nothing", AddCheckpoint(0, (bytes(32),), _signed(20)).encode().decode(), 422, None),
        ("the first checkpoint", ask(0, 20), 200, granted(20)),
        ("the same again, with a stale old size", ask(0, 20), 409, "20\n"),
        ("the same again", ask(20, 20), 200, granted(20)),
        ("an old size above the checkpoint's", AddCheckpoint(20, (), _signed(9)).encode().decode(), 400, None),
        ("a fork", ask(20, 40, FORKED), 422, None),
        ("a fork of the same size", ask(20, 20, FORKED), 422, None),
        ("a leading zero", ask(20, 40).replace("old 20", "old 020"), 400, None),
        ("growth", ask(20, 300), 200, granted(300)),
        ("a rollback", ask(20, 40), 409, "300\n"),
    ]
    return {
        "witness": WITNESS.encode(),
        "logs": [str(LOG.verifier)],
        "time_s": TIME_S,
        "content_type_409": "text/x.tlog.size",
        "steps": [
            {"name": name, "request": request, "status": status, "body": body} for name, request, status, body in steps
        ],
    }


FILES: dict[str, Callable[[], Json]] = {
    "merkle.json": merkle_vectors,
    "note.json": note_vectors,
    "proof.json": proof_vectors,
    "tiles.json": tile_vectors,
    "witness.json": witness_vectors,
}


def render(vectors: Json) -> str:
    """Return the text of a vector file."""
    return json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write all files."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name, build in FILES.items():
        (TARGET / name).write_text(render(build()))
        print(TARGET / name)


if __name__ == "__main__":
    main()
