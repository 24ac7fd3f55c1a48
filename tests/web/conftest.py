"""One CSMS with money for the pages that show it."""

from collections.abc import Iterator

import pytest
from tests.web.money_world import Business, business


@pytest.fixture(scope="package")
def earned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Business]:
    with business(tmp_path_factory.mktemp("money")) as made:
        yield made
