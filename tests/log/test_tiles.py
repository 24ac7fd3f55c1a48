import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.log.log_world import Forest, entries

from wattseal.base.errors import InputError
from wattseal.log import merkle, tiles
from wattseal.log.tiles import ENTRIES, TileNodes, TileRef


@pytest.mark.parametrize(
    ("ref", "path"),
    [
        (TileRef(0, 0), "tile/0/000"),
        (TileRef(0, 1234067), "tile/0/x001/x234/067"),
        (TileRef(5, 999), "tile/5/999"),
        (TileRef(5, 1000), "tile/5/x001/000"),
        (TileRef(63, 7, 1), "tile/63/007.p/1"),
        (TileRef(0, 273, 112), "tile/0/273.p/112"),
        (TileRef(ENTRIES, 1234067, 255), "tile/entries/x001/x234/067.p/255"),
    ],
)
def test_paths_are_those_of_the_specification(ref: TileRef, path: str) -> None:
    assert ref.path() == path
    assert TileRef.parse(path) == ref


@given(st.integers(-1, 63), st.integers(0, 2**55), st.integers(1, 256))
def test_every_tile_has_one_path(level: int, index: int, width: int) -> None:
    ref = TileRef(level, index, width)
    assert TileRef.parse(ref.path()) == ref


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/1234",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/000",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/999",
        "tile/0/../../key",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/entries/000/",
        "tile/data/000",
        "tile/0/" + "x001/" * 7 + "000",
    ],
)
def test_no_other_spelling_is_a_path(path: str) -> None:
    with pytest.raises(InputError):
        TileRef.parse(path)


def test_a_tree_of_70000_has_the_tiles_the_specification_counts() -> None:
    refs = [ref for ref in tiles.tiles_of(70_000) if ref.level >= 0]
    full = [ref for ref in refs if ref.width == 256]
    partial = [ref for ref in refs if ref.width < 256]
    assert [sum(ref.level == level for ref in full) for level in range(3)] == [273, 1, 0]
    assert partial == [TileRef(0, 273, 112), TileRef(1, 1, 17), TileRef(2, 0, 1)]
    assert [ref for ref in tiles.tiles_of(256) if ref.level >= 0] == [TileRef(0, 0), TileRef(1, 0, 1)]


def test_an_empty_tree_has_no_tiles() -> None:
    assert not any(tiles.tiles_of(0))


@given(st.lists(st.binary(max_size=50), max_size=256))
def test_entry_bundles_are_read_back(bundle: list[bytes]) -> None:
    ref = TileRef(ENTRIES, 0, len(bundle))
    data = tiles.encode_entries(bundle)
    assert tiles.split_entries(data, ref) == bundle
    for broken in (data[:-1], data + b"\0", data + b"\0\0"):
        if data:
            with pytest.raises(InputError):
                tiles.split_entries(broken, ref)


def test_entries_have_a_length_limit() -> None:
    assert len(tiles.encode_entries([bytes(65535)])) == 65537
    with pytest.raises(InputError):
        tiles.encode_entries([bytes(65536)])


def test_a_tile_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(InputError):
        tiles.split_hashes(bytes(33), TileRef(0, 0, 1))
    with pytest.raises(InputError):
        tiles.tile_at(256, 0, 1)


LEAVES = entries(1200)
FOREST = Forest(LEAVES)


def rows(ref: TileRef) -> tuple[tuple[bytes, ...], ...]:
    return tiles.tile_rows(FOREST.rows[8 * ref.level][256 * ref.index : 256 * ref.index + ref.width])


@given(st.data(), st.integers(1, 1200))
def test_tiles_give_the_nodes_of_every_proof(data: st.DataObject, size: int) -> None:
    nodes = TileNodes(size, rows)
    at = data.draw(st.integers(1, size))
    index = data.draw(st.integers(0, at - 1))
    assert merkle.root_at(at, nodes) == FOREST.root(at)
    assert merkle.inclusion_proof(index, at, nodes) == merkle.inclusion_proof(index, at, FOREST)
    assert merkle.consistency_proof(at, size, nodes) == merkle.consistency_proof(at, size, FOREST)


def test_no_node_comes_from_an_incomplete_subtree() -> None:
    with pytest.raises(InputError):
        TileNodes(300, rows)(6, 4)
