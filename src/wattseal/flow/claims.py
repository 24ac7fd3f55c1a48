"""Claims: of several who would decide on one thing at once, one does, and the others are told.

A claim is in this process's memory alone and gone with it; what has to outlive it is a document.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from wattseal.flow.world import World


@contextmanager
def claimed(world: World, keys: Iterable[str]) -> Iterator[bool]:
    """Claim all of these for as long as the block lasts; false, and nothing is claimed, where somebody has one."""
    wanted = frozenset(keys)
    if wanted & world.deciding:
        yield False
        return
    world.deciding |= wanted
    try:
        yield True
    finally:
        world.deciding -= wanted
