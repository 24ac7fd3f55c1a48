"""Block O of 2.x: display messages set, read, replaced and cleared."""

from typing import Any

import pytest
from tests.conformance.sessions import Charge2x, at
from tests.conformance.wire import Station, Wire

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
ACCEPTED = {"status": "Accepted"}


def message(number: int = 1, **more: Any) -> dict[str, Any]:
    text = {"format": "UTF8", "language": "en", "content": "Welcome"}
    return {"id": number, "priority": "NormalCycle", "state": "Idle", "message": text, **more}


async def displayed(station: Station) -> list[tuple[int, str]]:
    """Return what the CSMS holds to be on the display: ids and priorities."""
    found = await station.shown("display-messages")
    return [(one["message"]["id"], one["message"]["priority"]) for one in found]


async def show(station: Station, status: str = "Accepted", number: int = 1, **more: Any) -> None:
    payload = {"message": message(number, **more)}
    await station.commanded("SetDisplayMessage", payload, {"status": status})


@both
@pytest.mark.conformance("TC_O_01_CSMS", "TC_O_12_CSMS")
async def test_a_message_is_shown_and_replaced(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await show(station)
    assert await displayed(station) == [(1, "NormalCycle")]
    await show(station, priority="AlwaysFront")
    assert await displayed(station) == [(1, "AlwaysFront")]


@both
@pytest.mark.parametrize(
    ("status", "more"),
    [
        pytest.param(
            "NotSupportedPriority", {"priority": "AlwaysFront"}, marks=pytest.mark.conformance("TC_O_17_CSMS")
        ),
        pytest.param("NotSupportedState", {"state": "Faulted"}, marks=pytest.mark.conformance("TC_O_18_CSMS")),
        pytest.param(
            "NotSupportedMessageFormat",
            {"message": {"format": "URI", "content": "https://example.org"}},
            marks=pytest.mark.conformance("TC_O_19_CSMS"),
        ),
        pytest.param("Rejected", {}, marks=pytest.mark.conformance("TC_O_26_CSMS")),
        pytest.param("Accepted", {"startDateTime": at(10)}, marks=pytest.mark.conformance("TC_O_13_CSMS")),
        pytest.param("Accepted", {"endDateTime": at(90)}, marks=pytest.mark.conformance("TC_O_14_CSMS")),
    ],
)
async def test_a_message_is_shown_or_not(wire: Wire, version: str, status: str, more: dict[str, Any]) -> None:
    station = await wire.station(version)
    await show(station, status, **more)
    assert len(await displayed(station)) == (status == "Accepted")


@both
@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, marks=pytest.mark.conformance("TC_O_06_CSMS")),
        pytest.param({"startDateTime": at(10)}, marks=pytest.mark.conformance("TC_O_27_CSMS")),
        pytest.param({"endDateTime": at(90)}, marks=pytest.mark.conformance("TC_O_28_CSMS")),
    ],
)
async def test_a_message_belongs_to_a_charge(wire: Wire, version: str, more: dict[str, Any]) -> None:
    charge = Charge2x(await wire.station(version))
    await charge.started()
    await show(charge.station, transactionId=charge.id, **more)
    await charge.ended()
    assert not (await charge.shown())["active"]


@pytest.mark.conformance("TC_O_10_CSMS")
async def test_the_charge_of_a_message_may_be_unknown(wire: Wire) -> None:
    charge = Charge2x(await wire.station())
    await charge.started()
    await show(charge.station, "UnknownTransaction", transactionId="another")


READ = [
    pytest.param({}, marks=pytest.mark.conformance("TC_O_02_CSMS")),
    pytest.param({"id": [1, 2]}, marks=pytest.mark.conformance("TC_O_07_CSMS")),
    pytest.param({"priority": "NormalCycle"}, marks=pytest.mark.conformance("TC_O_08_CSMS")),
    pytest.param({"state": "Idle"}, marks=pytest.mark.conformance("TC_O_09_CSMS")),
]


@both
@pytest.mark.parametrize("chosen", READ)
async def test_messages_are_read_in_parts(wire: Wire, version: str, chosen: dict[str, Any]) -> None:
    station = await wire.station(version)
    await show(station)
    await station.commanded("GetDisplayMessages", {"requestId": 4, **chosen}, ACCEPTED)
    for number in (1, 2):
        payload = {"requestId": 4, "tbc": number == 1, "messageInfo": [message(number)]}
        await station.call("NotifyDisplayMessages", payload)
        station.answered("NotifyDisplayMessages", {})
    assert await displayed(station) == [(1, "NormalCycle"), (2, "NormalCycle")]


@both
@pytest.mark.conformance("TC_O_03_CSMS")
async def test_there_may_be_no_messages(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await station.commanded("GetDisplayMessages", {"requestId": 4}, {"status": "Unknown"})


@both
@pytest.mark.conformance("TC_O_04_CSMS", "TC_O_05_CSMS")
async def test_a_message_is_cleared_once(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await show(station)
    for status in ("Accepted", "Unknown"):
        await station.commanded("ClearDisplayMessage", {"id": 1}, {"status": status})
        assert await displayed(station) == []
