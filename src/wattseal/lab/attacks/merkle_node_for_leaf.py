"""T57: the hash of two leaves is presented as a leaf of a smaller tree."""

from collections.abc import Callable

from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.lab import Lab
from wattseal.log.merkle import leaf_hash, node_hash, verify_inclusion

TREES = 200


async def _perform(lab: Lab) -> Found:
    """Show the verifier the pair of the first two leaves as one entry, hashed as the log hashes entries."""
    return _forge(lab, lambda left, right: leaf_hash(left + right))


async def _control(lab: Lab) -> Found:
    """Show it hashed as a log without prefixes would: the node's own hash."""
    return _forge(lab, node_hash)


def _forge(lab: Lab, hashed: Callable[[bytes, bytes], bytes]) -> Found:
    passed = 0
    for _ in range(TREES):
        leaves = [leaf_hash(lab.dice.word(20).encode()) for _ in range(4)]
        right = node_hash(leaves[2], leaves[3])
        root = node_hash(node_hash(leaves[0], leaves[1]), right)
        passed += verify_inclusion(hashed(leaves[0], leaves[1]), 0, 2, (right,), root)
    if passed:
        return Found(Outcome.MISSED, f"{passed} of {TREES} forged entries pass as logged")
    return Found(Outcome.PREVENTED, f"verify_inclusion refuses all {TREES} forged entries: leaves are hashed apart")


ATTACK = Attack(
    line="T57",
    title="a Merkle node is shown as a leaf of a smaller tree",
    steps=(
        "take a tree of four leaves and its signed root",
        "join the hashes of the first two leaves to one entry that nobody logged",
        "show it at index 0 of a tree of two, with the other half's hash as its proof",
    ),
    defence="leaves are hashed behind 0x00 and nodes behind 0x01 (RFC 6962, 2.1)",
    without="leaves are hashed as nodes are",
    residual="none known, as long as SHA-256 holds",
    expected=Outcome.PREVENTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
