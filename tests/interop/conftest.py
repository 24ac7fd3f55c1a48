"""One CSMS with two witnesses for all independent clients of a test run."""

from collections.abc import Iterator

import pytest
from tests.support.csms import Csms, serving


@pytest.fixture(scope="session")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("interop"), witnesses=("MSP", "DSO")) as running:
        running.token("DRIVER-1")
        running.token("DRIVER-2", "Blocked")
        yield running
