"""What makes a run of all tests short and alike: their order, where their files are, and what they draw."""

import os
import shutil
from pathlib import Path

import pytest
from tests.support.examples import EXPLORE, draw_alike, register_profiles

SLOWEST_FIRST = Path(__file__).with_name("slow_files.txt").read_text().split()
"""Files that take longest, begun first, so that no worker is left alone with one of them at the end."""
MEMORY = Path("/dev/shm")
"""A file system in memory: tests do not cut the power, and half of what they did was wait for a disk to flush."""
ROOM = 3 << 30


def in_memory() -> bool:
    """Return whether temporary files can be there: with room for them, in which programs may be run."""
    try:
        flags = os.statvfs(MEMORY).f_flag
        room = shutil.disk_usage(MEMORY).free
    except (OSError, AttributeError):
        return False
    return os.access(MEMORY, os.W_OK) and room >= ROOM and not flags & getattr(os, "ST_NOEXEC", 0)


if in_memory():
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

register_profiles()


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--hypothesis-profile", default=None) != EXPLORE:
        draw_alike()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    places = {config.rootpath / "tests" / name: place for place, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
