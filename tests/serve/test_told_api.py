"""What stations tell that nothing is decided on is kept as told and shown."""

import json
from collections.abc import Iterator

import pytest
from tests.support.cpo_process import Caller, Cpo, Nursery


@pytest.fixture(scope="module")
def cpo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cpo]:
    nursery = Nursery()
    made = nursery.start(tmp_path_factory.mktemp("told") / "cpo")
    made.enrol("ST1")
    yield made
    nursery.close()


async def test_the_latest_message_of_an_action_is_shown_as_it_was_told(cpo: Cpo) -> None:
    async with cpo.dial("ST1", "ocpp2.1") as socket:
        station = Caller(socket)
        for value in (3, 5):
            data = {"id": value, "data": [{"t": 1.50, "v": "7"}], "basetime": "2027-01-15T08:00:00Z", "pending": 0}
            await socket.send(f'[6,"m{value}","NotifyPeriodicEventStream",{json.dumps(data)}]')
        await station.call("Heartbeat", {})
    (kept,) = (await cpo.asked("GET", "/api/v1/stations/st1/told")).json()
    assert (kept["action"], kept["content"]["id"], kept["station_id"]) == ("NotifyPeriodicEventStream", 5, "ST1")
    assert (await cpo.asked("GET", "/api/v1/stations/NOBODY/told")).status == 404
