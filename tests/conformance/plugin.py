"""`@pytest.mark.conformance(id, ...)`: which cases of the standards a test covers, and that it looked at the wire."""

from collections.abc import Generator, Iterable

import pytest
from tests.conformance.cases import cases
from tests.conformance.wire import Wire

MARK = "conformance"


def case_ids(item: pytest.Item) -> list[str]:
    """Return the ids of the cases a test covers, in the order of its marks."""
    return [str(case_id) for mark in item.iter_markers(MARK) for case_id in mark.args]


def demand_known(items: Iterable[pytest.Item]) -> None:
    """Refuse marks that name no case, and marked tests that do not use the wire."""
    for item in items:
        marked = case_ids(item)
        unknown = [case_id for case_id in marked if case_id not in cases()]
        if unknown:
            raise pytest.UsageError(f"{item.nodeid}: there is no case {', '.join(unknown)} in tests/conformance/cases")
        if marked and "wire" not in getattr(item, "fixturenames", ()):
            raise pytest.UsageError(f"{item.nodeid}: a conformance test speaks through the fixture `wire`")


def judge(item: pytest.Item) -> None:
    """Fail a marked test that saw no frame or asserted none, or to which the CSMS said what no schema allows."""
    wire = getattr(item, "funcargs", {}).get("wire")
    if not isinstance(wire, Wire):
        return
    if wire.violations:
        pytest.fail(f"the CSMS broke a schema: {wire.violations}", pytrace=False)
    if case_ids(item) and not (wire.frames and wire.asserted):
        pytest.fail("a conformance test asserts frames on the wire: answered, refused, asked, said", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Judge the frames once the test itself has passed."""
    yield
    judge(item)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Look at the marks of all that was collected."""
    demand_known(items)
