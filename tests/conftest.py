"""The files that take longest are begun first, so that no worker is left alone with one of them at the end.

`make test` gives each worker a file at a time in this order. Seconds on a machine with two cores, roughly; a file that
is not named takes less than five. `python -m pytest --durations 0` says what takes how long.
"""

from pathlib import Path

import pytest

SLOWEST_FIRST = Path(__file__).with_name("slow_files.txt").read_text().split()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    places = {config.rootpath / "tests" / name: place for place, name in enumerate(SLOWEST_FIRST)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
