"""Pages in a browser that dial as a station: where nothing need be shown, only those of this machine are let in."""

import pytest
from tests.support.cpo_world import enrol, make_world

from wattseal.app import patience
from wattseal.app.doorman import Doorman, is_foreign_page
from wattseal.base.ids import StationId
from wattseal.model.station import Station
from wattseal.serve.ocpp_ws import Arrival

HERE = "127.0.0.1"
FOREIGN = (
    "https://evil.example",
    "http://[",
    "null",
    "",
    "http://127.0.0.1.evil.example",
    "http://localhost.evil.example",
)
LOCAL = ("http://localhost:5173", "http://127.0.0.1", "http://[::1]:8080")


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_page_of_any_site_is_foreign(origin: str) -> None:
    assert is_foreign_page(origin)


@pytest.mark.parametrize("origin", LOCAL)
def test_a_page_of_this_machine_and_no_page_are_not(origin: str) -> None:
    assert not is_foreign_page(origin)
    assert not is_foreign_page(None)


@pytest.mark.parametrize("station", ["UNKNOWN", "OPEN"])
async def test_who_shows_nothing_is_let_in_from_this_machine_unless_a_foreign_page_asks(
    station: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FIRST_DELAY_S", 0)
    world = make_world()
    await enrol(world, Station(id="OPEN", security_profile=0))
    guard = Doorman(world, insecure_dev=True)

    async def let_in(page: str | None) -> bool:
        return await guard.authenticate(Arrival(StationId(station), None, HERE, page=page)) is not None

    assert [await let_in(page) for page in FOREIGN] == [False] * len(FOREIGN)
    assert await let_in(None)
    assert await let_in(LOCAL[0])
