from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.log.log_world import Forest, entries

from wattseal.base.errors import InputError
from wattseal.log import merkle

# The leaves and roots that implementations of RFC 6962 have shared since Certificate Transparency began.
LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]

MANY = entries(300)
FOREST = Forest(MANY)


def split(width: int) -> int:
    power = 1
    while power * 2 < width:
        power *= 2
    return power


def tree_hash(leaves: Sequence[bytes]) -> bytes:
    """MTH as RFC 6962 section 2.1 writes it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    return sha256(b"\x01" + tree_hash(leaves[:k]) + tree_hash(leaves[k:])).digest()


def path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH as RFC 6962 section 2.1.1 writes it."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*path(index, leaves[:k]), tree_hash(leaves[k:])]
    return [*path(index - k, leaves[k:]), tree_hash(leaves[:k])]


def subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF as RFC 6962 section 2.1.2 writes it."""
    if old == len(leaves):
        return [] if whole else [tree_hash(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*subproof(old, leaves[:k], whole=whole), tree_hash(leaves[k:])]
    return [*subproof(old - k, leaves[k:], whole=False), tree_hash(leaves[:k])]


@pytest.mark.parametrize("size", range(9))
def test_known_roots_of_rfc_6962_are_met(size: int) -> None:
    tree = merkle.Tree()
    tree.extend(merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in LEAVES[:size])
    assert tree.root().hex() == ROOTS[size]


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_tree_grown_in_parts_or_resumed_has_the_root_the_rfc_defines(one: int, two: int) -> None:
    old, new = sorted((one, two))
    grown = merkle.Tree()
    grown.extend(FOREST.rows[0][:old])
    resumed = merkle.Tree.resume(old, FOREST)
    for tree in (grown, resumed):
        assert tree.root() == tree_hash(MANY[:old])
        tree.extend(FOREST.rows[0][old:new])
        assert (tree.size, tree.root()) == (new, tree_hash(MANY[:new]))


@given(st.data(), st.integers(1, 300))
def test_inclusion_proofs_are_the_rfcs_and_verify(data: st.DataObject, size: int) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(index, size, FOREST)
    assert list(proof) == path(index, MANY[:size])
    assert merkle.verify_inclusion(FOREST(0, index), index, size, proof, FOREST.root(size))


@given(st.data(), st.integers(1, 300))
def test_consistency_proofs_are_the_rfcs_and_verify(data: st.DataObject, new: int) -> None:
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(old, new, FOREST)
    assert list(proof) == subproof(old, MANY[:new], whole=True)
    assert merkle.verify_consistency(old, new, proof, FOREST.root(old), FOREST.root(new))


def test_every_wrong_index_is_refused_for_every_leaf_of_small_trees() -> None:
    for size in range(1, 18):
        root = FOREST.root(size)
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, FOREST)
            taken = [i for i in range(-1, size + 2) if merkle.verify_inclusion(FOREST(0, index), i, size, proof, root)]
            assert taken == [index]


def flip(proof: Sequence[bytes], at: int, bit: int) -> list[bytes]:
    changed = bytearray(b"".join(proof))
    changed[at % len(changed)] ^= 1 << bit
    return [bytes(changed[i : i + 32]) for i in range(0, len(changed), 32)]


@given(st.data(), st.integers(2, 300), st.integers(0, 9999), st.integers(0, 7))
def test_no_changed_hash_spare_element_or_gap_passes_in_an_inclusion_proof(
    data: st.DataObject, size: int, at: int, bit: int
) -> None:
    index = data.draw(st.integers(0, size - 1))
    proof, root, leaf = merkle.inclusion_proof(index, size, FOREST), FOREST.root(size), FOREST(0, index)
    for forged in (flip(proof, at, bit), proof[1:], proof[:-1], (*proof, root), (leaf, *proof), [b"", *proof]):
        assert not merkle.verify_inclusion(leaf, index, size, forged, root)
    assert not merkle.verify_inclusion(flip([leaf], at, bit)[0], index, size, proof, root)
    assert not merkle.verify_inclusion(leaf, index, size, proof, flip([root], at, bit)[0])
    other = data.draw(st.integers(1, 300).filter(lambda n: n != size))
    assert not merkle.verify_inclusion(leaf, index, other, proof, FOREST.root(other))


@given(st.data(), st.integers(2, 300), st.integers(0, 9999), st.integers(0, 7))
def test_no_changed_hash_spare_element_or_gap_passes_in_a_consistency_proof(
    data: st.DataObject, new: int, at: int, bit: int
) -> None:
    old = data.draw(st.integers(1, new - 1))
    proof, old_root, new_root = merkle.consistency_proof(old, new, FOREST), FOREST.root(old), FOREST.root(new)
    for forged in (flip(proof, at, bit), proof[1:], proof[:-1], (*proof, new_root), (old_root, *proof), ()):
        assert not merkle.verify_consistency(old, new, forged, old_root, new_root)
    assert not merkle.verify_consistency(old, new, proof, flip([old_root], at, bit)[0], new_root)
    assert not merkle.verify_consistency(old, new, proof, old_root, flip([new_root], at, bit)[0])
    other = data.draw(st.integers(0, new).filter(lambda n: n != old))
    assert not merkle.verify_consistency(other, new, proof, FOREST.root(other), new_root)


@given(st.integers(0, 300))
def test_from_nothing_and_between_equals_only_the_empty_proof_is_valid(size: int) -> None:
    root = FOREST.root(size)
    for old, old_root in ((0, merkle.EMPTY_ROOT), (size, root)):
        assert merkle.verify_consistency(old, size, (), old_root, root)
        assert not merkle.verify_consistency(old, size, (root,), old_root, root)
    assert not merkle.verify_consistency(size, size, (), root, merkle.leaf_hash(b"another"))
    assert size == 0 or not merkle.verify_consistency(0, size, (), root, root)


def test_a_node_never_passes_as_a_leaf() -> None:
    left, right = FOREST(0, 0), FOREST(0, 1)
    assert merkle.leaf_hash(left + right) != merkle.node_hash(left, right)
    root = FOREST.root(4)
    # The pair of the first two leaves, presented as one entry at index 0 of a two-leaf tree:
    proof = (FOREST(1, 1),)
    assert not merkle.verify_inclusion(merkle.leaf_hash(left + right), 0, 2, proof, root)
    # Negative control: without the prefixes the two would be the same hash, and the forgery would pass.
    assert merkle.verify_inclusion(merkle.node_hash(left, right), 0, 2, proof, root)


@pytest.mark.parametrize(("index", "size"), [(0, 0), (-1, 1), (1, 1), (5, 3), (0, 2**63)])
def test_no_proof_is_made_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(InputError):
        merkle.inclusion_proof(index, size, FOREST)


@pytest.mark.parametrize(("old", "new"), [(-1, 1), (2, 1), (0, 2**63)])
def test_no_consistency_proof_is_made_backwards(old: int, new: int) -> None:
    with pytest.raises(InputError):
        merkle.consistency_proof(old, new, FOREST)
    assert not merkle.verify_consistency(old, new, (), merkle.EMPTY_ROOT, merkle.EMPTY_ROOT)


def test_the_tree_of_two_to_the_fortieth_leaves_proves_by_its_nodes_alone() -> None:
    """A reader may compute nodes: here every leaf is the same, so that a vast tree fits in forty hashes."""
    level_hash = [merkle.leaf_hash(b"")]
    for _ in range(41):
        level_hash.append(merkle.node_hash(level_hash[-1], level_hash[-1]))

    def read(level: int, _index: int) -> bytes:
        return level_hash[level]

    size, old = 2**40 + 12345, 2**39 + 777
    proof = merkle.inclusion_proof(2**40 + 12344, size, read)
    assert merkle.verify_inclusion(level_hash[0], 2**40 + 12344, size, proof, merkle.root_at(size, read))
    steps = merkle.consistency_proof(old, size, read)
    assert len(steps) <= merkle.MAX_PROOF
    assert merkle.verify_consistency(old, size, steps, merkle.root_at(old, read), merkle.root_at(size, read))
