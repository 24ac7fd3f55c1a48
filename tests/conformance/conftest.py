"""One CSMS for all conformance tests of a run; every test brings its own stations."""

from collections.abc import AsyncIterator, Iterator

import pytest
from tests.conformance.plugin import pytest_collection_modifyitems, pytest_runtest_call
from tests.conformance.wire import Wire
from tests.support.csms import Csms, serving

__all__ = ["csms", "pytest_collection_modifyitems", "pytest_runtest_call", "wire"]


@pytest.fixture(scope="session")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    settings = '[tokens]\nmaster_group = "MASTER"\n[ramp]\nfleet_kw_s = 100000\nsite_kw_s = 100000\n'
    with serving(tmp_path_factory.mktemp("conformance"), settings=settings) as running:
        running.token("CARD")
        yield running


@pytest.fixture
async def wire(csms: Csms) -> AsyncIterator[Wire]:
    made = Wire(csms)
    try:
        yield made
    finally:
        await made.close()
