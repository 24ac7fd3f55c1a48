"""Keys and trees for the tests of the log: made from fixed seeds, so that every run sees the same bytes."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from wattseal.log import checkpoint, merkle
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.keys import SignatureType, SigningKey

ORIGIN = "cpo.test/log"


def c2sp(name: str) -> bytes:
    """Return an example out of the C2SP specifications."""
    return (Path(__file__).parent / "c2sp" / name).read_bytes()


def signing_key(name: str, kind: SignatureType = SignatureType.ED25519) -> SigningKey:
    return SigningKey(name, kind, sha256(name.encode()).digest())


LOG_KEY = signing_key(ORIGIN)
WITNESS_KEY = signing_key("witness.test/w1", SignatureType.COSIGNATURE_ED25519)


def entry(number: int) -> bytes:
    return sha256(b"entry %d" % number).digest()


def entries(count: int) -> list[bytes]:
    return [entry(number) for number in range(count)]


class Forest:
    """A tree in memory that answers for any node: the reader behind the proofs."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.rows = [[merkle.leaf_hash(leaf) for leaf in leaves]]
        while len(row := self.rows[-1]) > 1:
            self.rows.append([merkle.node_hash(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)])

    def __call__(self, level: int, index: int) -> bytes:
        return self.rows[level][index]

    def root(self, size: int) -> bytes:
        return merkle.root_at(size, self)


def signed_checkpoint(forest: Forest, size: int, key: SigningKey = LOG_KEY) -> SignedCheckpoint:
    return checkpoint.sign(Checkpoint(key.name, size, forest.root(size)), key)
