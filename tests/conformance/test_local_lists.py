import asyncio
from typing import Any

import pytest
from tests.conformance.charging import seeded, token
from tests.conformance.wire import Station, Wire

TWO = ["2.0.1", "2.1"]
ALL = ["1.6", *TWO]
LIMITS16 = {"configurationKey": [{"key": "SendLocalListMaxLength", "readonly": True, "value": "2"}]}


def number(station: Station, value: int) -> dict[str, int]:
    """Return the list's version as the station's protocol names it."""
    return {"listVersion" if station.version == "1.6" else "versionNumber": value}


def limits2(items: int = 2) -> dict[str, Any]:
    """Return an answer to GetVariables."""
    name = {"component": {"name": "LocalAuthListCtrlr"}, "variable": {"name": "ItemsPerMessage"}}
    return {"getVariableResult": [{"attributeStatus": "Accepted", "attributeValue": str(items), **name}]}


def entry(station: Station, card: str, info: dict[str, Any] | None) -> dict[str, Any]:
    """Return a list's entry."""
    if station.version == "1.6":
        return {"idTag": card} | ({} if info is None else {"idTagInfo": info})
    return {"idToken": token(card)} | ({} if info is None else {"idTokenInfo": info})


@pytest.mark.conformance("TC_D_01_CSMS", "OCPP16_5.15")
@pytest.mark.parametrize("version", ALL)
async def test_the_whole_list_is_sent_when_it_is_to_follow_the_tokens(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    card = await seeded(wire, f"{station.name}-1", evses=[{"station_id": station.name}])
    station.replies |= {"GetLocalListVersion": number(station, 0)}
    station.replies |= {"GetConfiguration": {"configurationKey": []}, "GetVariables": limits2(1000)}
    path = f"/stations/{station.name}/local-list"
    assert (await wire.api("PUT", path, {"policy": "own"})).status_code == 200
    asked = await station.next_call("SendLocalList")
    sent = station.asked("SendLocalList", {"updateType": "Full", **number(station, 1)})
    assert entry(station, card, {"status": "Accepted"}) in sent["localAuthorizationList"]
    await asked.answer({"status": "Accepted"})


@pytest.mark.conformance("TC_D_02_CSMS", "TC_D_03_CSMS", "TC_D_04_CSMS", "OCPP16_5.15")
@pytest.mark.parametrize("version", ALL)
async def test_entries_come_and_go_and_a_list_is_emptied_by_command(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    send = {"updateType": "Differential", **number(station, 5)}
    for info in ({"status": "Accepted"}, None):
        payload = send | {"localAuthorizationList": [entry(station, "ONE", info)]}
        assert await station.commanded("SendLocalList", payload, {"status": "Accepted"}) == {"status": "Accepted"}
    empty = {"updateType": "Full", **number(station, 6)}
    await station.commanded("SendLocalList", empty, {"status": "Accepted"})
    told = (await wire.api("GET", f"/stations/{station.name}/local-list")).json()
    assert (told["version"], told["entries"]) == (6, 0)


@pytest.mark.conformance("OCPP16_5.15.refused")
@pytest.mark.parametrize(("status", "stands"), [("Failed", "incomplete"), ("NotSupported", "unsupported")])
async def test_a_1_6_station_refuses_the_list(wire: Wire, status: str, stands: str) -> None:
    station = await wire.station("1.6")
    await station.commanded("SendLocalList", {"updateType": "Full", "listVersion": 3}, {"status": "Accepted"})
    station.replies |= {"GetLocalListVersion": {"listVersion": 9}, "GetConfiguration": LIMITS16}
    asking = asyncio.create_task(wire.api("POST", f"/stations/{station.name}/local-list/sync", {"full": True}))
    await (await station.next_call("SendLocalList")).answer({"status": status})
    station.asked("SendLocalList", {"updateType": "Full", "listVersion": 10})
    assert (await asking).json()["status"] == stands


@pytest.mark.conformance("OCPP16_5.15.refused")
async def test_a_version_mismatch_is_answered_with_the_whole_list(wire: Wire) -> None:
    station = await wire.station("1.6")
    entries = [entry(station, "ONE", {"status": "Accepted"})]
    send = {"updateType": "Full", "listVersion": 3, "localAuthorizationList": entries}
    await station.commanded("SendLocalList", send, {"status": "Accepted"})
    station.replies |= {"GetLocalListVersion": {"listVersion": 3}, "GetConfiguration": LIMITS16}
    asking = asyncio.create_task(wire.api("POST", f"/stations/{station.name}/local-list/sync", {}))
    await (await station.next_call("SendLocalList")).answer({"status": "VersionMismatch"})
    gone = {"updateType": "Differential", "listVersion": 4, "localAuthorizationList": [{"idTag": "ONE"}]}
    station.asked("SendLocalList", gone)
    await (await station.next_call("SendLocalList")).answer({"status": "Accepted"})
    station.asked("SendLocalList", {"updateType": "Full", "listVersion": 4})
    told = (await asking).json()
    assert (told["status"], told["entries"]) == ("current", 0)


@pytest.mark.conformance("TC_D_08_CSMS", "TC_D_09_CSMS", "OCPP16_5.10")
@pytest.mark.parametrize("version", ALL)
@pytest.mark.parametrize("held", [0, 7])
async def test_a_stations_version_is_read(wire: Wire, version: str, held: int) -> None:
    station = await wire.station(version)
    told = await station.commanded("GetLocalListVersion", {}, number(station, held))
    assert told == number(station, held)
    shown = (await wire.api("GET", f"/stations/{station.name}/local-list")).json()
    assert (shown["told_version"], shown["drifted"]) == (held, held != 0)


@pytest.mark.conformance("TC_N_46_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_a_customer_who_is_cleared_leaves_the_list_too(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    cards = [await seeded(wire, f"{station.name}-{n}", evses=[{"station_id": station.name}]) for n in (1, 2)]
    entries = [entry(station, card, {"status": "Accepted"}) for card in cards]
    send = {"updateType": "Full", **number(station, 1), "localAuthorizationList": entries}
    await station.commanded("SendLocalList", send, {"status": "Accepted"})
    clear = {"requestId": 3, "report": True, "clear": True, "idToken": token(cards[0])}
    await station.commanded("CustomerInformation", clear, {"status": "Accepted"})
    told = {"data": "nothing left", "seqNo": 0, "generatedAt": "2026-01-01T08:00:00Z", "requestId": 3}
    await station.call("NotifyCustomerInformation", told)
    station.answered("NotifyCustomerInformation", {})
    await seeded(wire, cards[0], status="Blocked", evses=[{"station_id": station.name}])
    station.replies |= {"GetLocalListVersion": number(station, 1), "GetVariables": limits2(1000)}
    asking = asyncio.create_task(wire.api("PUT", f"/stations/{station.name}/local-list", {"policy": "own"}))
    await (await station.next_call("SendLocalList")).answer({"status": "Accepted"})
    sent = station.asked("SendLocalList", {"updateType": "Differential", **number(station, 2)})
    assert (
        entry(station, cards[0], None) in sent["localAuthorizationList"]
        or entry(station, cards[0], {"status": "Blocked"}) in sent["localAuthorizationList"]
    )
    assert (await asking).status_code == 200
