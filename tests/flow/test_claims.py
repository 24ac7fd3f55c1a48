"""Of several who would decide on one thing at once, one does."""

import pytest
from tests.support.cpo_world import make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.flow.claims import claimed


def test_what_somebody_decides_on_nobody_else_does_until_that_is_over() -> None:
    world = make_world(MemoryJournal())
    with claimed(world, ("a", "b")) as mine:
        assert mine
        with claimed(world, ("b", "c")) as others:
            assert not others
        with claimed(world, ("c",)) as others:
            assert others
        assert world.deciding == {"a", "b"}
    assert not world.deciding


def test_a_claim_ends_with_whatever_ends_its_block() -> None:
    world = make_world(MemoryJournal())
    with pytest.raises(RuntimeError), claimed(world, ("a",)):
        raise RuntimeError
    assert not world.deciding
