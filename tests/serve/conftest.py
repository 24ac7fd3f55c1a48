"""One CSMS for all tests of a run that send it what it should not get."""

from collections.abc import Iterator

import pytest
from tests.support.csms import Csms, serving


@pytest.fixture(scope="session")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("bad-input")) as running:
        running.token("CARD")
        running.token("BLOCKED", "Blocked")
        running.enrol("VICTIM")
        yield running
