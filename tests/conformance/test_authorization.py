import asyncio
from typing import Any

import pytest
from tests.conformance.charging import at, event, seeded, shown, start16, stop16, token
from tests.conformance.wire import ANY, Station, Wire

GROUP = {"id_token": "FAMILY"}
MASTER = {"id_token": "MASTER"}
TWO = ["2.0.1", "2.1"]


@pytest.mark.conformance("TC_C_02_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_nobodys_token_is_unknown(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for kind in ("ISO14443", "KeyCode", "Local"):
        await station.call("Authorize", {"idToken": token("NOBODY", kind)})
        station.answered("Authorize", {"idTokenInfo": {"status": "Unknown"}})


@pytest.mark.conformance("TC_C_06_CSMS", "TC_C_07_CSMS")
@pytest.mark.parametrize("status", ["Blocked", "Expired", "NoCredit", "NotAtThisTime", "NotAllowedTypeEVSE"])
async def test_a_refused_token_is_told_why(wire: Wire, status: str) -> None:
    station = await wire.station()
    card = await seeded(wire, f"IS-{status}", status)
    await station.call("Authorize", {"idToken": token(card)})
    station.answered("Authorize", {"idTokenInfo": {"status": status}})


@pytest.mark.conformance("TC_C_07_CSMS")
async def test_a_token_whose_time_is_over_is_expired(wire: Wire) -> None:
    station = await wire.station()
    await seeded(wire, "OVER", expires_at="2020-01-01T00:00:00Z")
    await station.call("Authorize", {"idToken": token("OVER")})
    station.answered("Authorize", {"idTokenInfo": {"status": "Expired", "cacheExpiryDateTime": "2020-01-01T00:00:00Z"}})


@pytest.mark.conformance("TC_C_08_CSMS", "TC_C_20_CSMS")
@pytest.mark.parametrize(("card", "status"), [("CARD", "Accepted"), ("NOBODY", "Unknown")])
async def test_a_token_a_station_had_in_its_cache_is_judged_again(wire: Wire, card: str, status: str) -> None:
    station = await wire.station()
    await station.call("TransactionEvent", event("Started", 0, "CablePluggedIn"))
    assert "idTokenInfo" not in station.answered("TransactionEvent")
    await station.call("TransactionEvent", event("Updated", 1, "Authorized", card=card))
    station.answered("TransactionEvent", {"idTokenInfo": {"status": status}})


@pytest.mark.conformance("TC_C_37_CSMS", "TC_C_38_CSMS", "OCPP16_5.4")
@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
@pytest.mark.parametrize("status", ["Accepted", "Rejected"])
async def test_a_stations_cache_is_cleared(wire: Wire, version: str, status: str) -> None:
    station = await wire.station(version)
    told = await station.commanded("ClearCache", {}, {"status": status})
    assert told["status"] == status


async def charging(station: Station, card: str) -> None:
    """Bring a 2.x station to energy transfer, the cable first."""
    await station.call("TransactionEvent", event("Started", 0, "CablePluggedIn", wh=1000))
    await station.call("TransactionEvent", event("Updated", 1, "Authorized", card=card, wh=1000))
    info = {"chargingState": "Charging"}
    await station.call("TransactionEvent", event("Updated", 2, "ChargingStateChanged", info=info))


@pytest.mark.conformance("TC_C_39_CSMS", "TC_C_40_CSMS", "TC_C_43_CSMS")
@pytest.mark.parametrize("asks_first", [True, False])
async def test_a_token_of_the_same_group_ends_a_charge(wire: Wire, *, asks_first: bool) -> None:
    one, two = await seeded(wire, "GROUP-1", group=GROUP), await seeded(wire, "GROUP-2", group=GROUP)
    station = await wire.station()
    family = {"idTokenInfo": {"status": "Accepted", "groupIdToken": token("FAMILY", "Central")}}
    if asks_first:
        await station.call("Authorize", {"idToken": token(two)})
        station.answered("Authorize", family)
    await charging(station, one)
    if asks_first:
        await station.call("Authorize", {"idToken": token(two)})
        station.answered("Authorize", family)
    await station.call("TransactionEvent", event("Updated", 3, "StopAuthorized", card=two))
    station.answered("TransactionEvent", family)
    info = {"stoppedReason": "Local"}
    await station.call("TransactionEvent", event("Ended", 4, "EVCommunicationLost", wh=3000, info=info))
    (found,) = await shown(wire, station.name)
    assert (found["billing"], found["energy_wh"]) == ("billed", "2000")


@pytest.mark.conformance("TC_C_47_CSMS", "TC_C_48_CSMS", "TC_C_49_CSMS")
@pytest.mark.parametrize("version", TWO)
async def test_a_master_pass_ends_charges_and_begins_none(wire: Wire, version: str) -> None:
    badge = await seeded(wire, "BADGE", group=MASTER)
    master = {"idTokenInfo": {"status": "Accepted", "groupIdToken": token("MASTER", "Central")}}
    station = await wire.station(version)
    for number in (1, 2):
        told = event("Started", 0, "Authorized", tx=f"T{number}", card="CARD", wh=0, evse={"id": number})
        await station.call("TransactionEvent", told)
        station.answered("TransactionEvent", {"idTokenInfo": {"status": "Accepted"}})
    await station.call("Authorize", {"idToken": token(badge)})
    station.answered("Authorize", master)
    for number in (1, 2):
        info, evse = {"stoppedReason": "MasterPass"}, {"id": number}
        told = event("Ended", 1, "StopAuthorized", tx=f"T{number}", card=badge, wh=500, info=info, evse=evse)
        await station.call("TransactionEvent", told)
        station.answered("TransactionEvent", master)
    await station.call("TransactionEvent", event("Started", 0, "Authorized", tx="T3", card=badge))
    station.answered("TransactionEvent", {"idTokenInfo": {"status": "Invalid"}})
    standing = {t["transaction_id"]: (t["billing"], t["stop_reason"]) for t in await shown(wire, station.name)}
    assert standing == {"T1": ("billed", "MasterPass"), "T2": ("billed", "MasterPass"), "T3": ("pending", None)}


@pytest.mark.conformance("OCPP16_4.1", "OCPP16_3.9")
async def test_a_1_6_token_is_accepted_however_it_is_spelled(wire: Wire) -> None:
    station = await wire.station("1.6")
    for spelling in ("CARD", "card", "Card"):
        await station.call("Authorize", {"idTag": spelling})
        station.answered("Authorize", {"idTagInfo": {"status": "Accepted", "expiryDate": ANY}})


@pytest.mark.conformance("OCPP16_4.1.status", "OCPP16_4.8.refused")
@pytest.mark.parametrize("status", ["Blocked", "Expired", "Invalid", "ConcurrentTx"])
async def test_a_refused_1_6_token_is_told_why_and_its_start_has_an_id_nonetheless(wire: Wire, status: str) -> None:
    station = await wire.station("1.6")
    card = await seeded(wire, f"IS-{status}", status)
    await station.call("Authorize", {"idTag": card})
    station.answered("Authorize", {"idTagInfo": {"status": status}})
    told = await station.call("StartTransaction", start16(card))
    station.answered("StartTransaction", {"idTagInfo": {"status": status}})
    await station.call("StopTransaction", stop16(told["transactionId"], wh=1000, reason="DeAuthorized"))
    station.answered("StopTransaction", {})
    (found,) = await shown(wire, station.name)
    assert (found["billing"], found["billing_reason"]) == ("quarantined", "not_authorised")


@pytest.mark.conformance("OCPP16_3.10", "OCPP16_4.10.group")
async def test_a_1_6_token_of_the_same_parent_ends_a_charge(wire: Wire) -> None:
    one, two = await seeded(wire, "P-1", group=GROUP), await seeded(wire, "P-2", group=GROUP)
    station = await wire.station("1.6")
    family = {"idTagInfo": {"status": "Accepted", "parentIdTag": "FAMILY"}}
    for card in (one, two):
        await station.call("Authorize", {"idTag": card})
        station.answered("Authorize", family)
    told = await station.call("StartTransaction", start16(one))
    station.answered("StartTransaction", family)
    await station.call("StopTransaction", stop16(told["transactionId"], idTag=two))
    station.answered("StopTransaction", family)
    assert (await shown(wire, station.name))[0]["billing"] == "billed"


@pytest.mark.conformance("OCPP16_4.8", "OCPP16_4.10", "OCPP16_3.4", "OCPP16_3.16.5")
@pytest.mark.parametrize("readings", [True, False])
async def test_a_whole_1_6_charge(wire: Wire, *, readings: bool) -> None:
    station = await wire.station("1.6")
    await station.call("Authorize", {"idTag": "CARD"})
    await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Preparing"})
    number = (await station.call("StartTransaction", start16()))["transactionId"]
    assert station.answered("StartTransaction", {"idTagInfo": {"status": "Accepted"}})["transactionId"] > 0
    await station.call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging"})
    sample = {"timestamp": at(60), "sampledValue": [{"value": "2000", "context": "Transaction.End"}]}
    data: dict[str, Any] = {"transactionData": [sample]} if readings else {}
    await station.call("StopTransaction", stop16(number, idTag="CARD", reason="Local", **data))
    station.answered("StopTransaction", {"idTagInfo": {"status": "Accepted"}})
    (found,) = await shown(wire, station.name)
    assert (found["billing"], found["energy_wh"], found["stop_reason"]) == ("billed", "1000", "Local")


@pytest.mark.conformance("OCPP16_4.10.reasons")
async def test_a_1_6_charge_ends_for_every_reason(wire: Wire) -> None:
    station = await wire.station("1.6")
    reasons = ["EmergencyStop", "EVDisconnected", "HardReset", "Local", "Other", "PowerLoss", "Reboot", "Remote"]
    reasons += ["SoftReset", "UnlockCommand", "DeAuthorized"]
    for n, reason in enumerate(reasons):
        told = await station.call("StartTransaction", start16(wh=n * 100, minute=n * 2))
        await station.call(
            "StopTransaction", stop16(told["transactionId"], wh=n * 100 + 50, minute=n * 2 + 1, reason=reason)
        )
        station.answered("StopTransaction", {})
    assert sorted(t["stop_reason"] for t in await shown(wire, station.name)) == sorted(reasons)


@pytest.mark.parametrize("version", TWO)
async def test_a_charge_names_the_remote_start_it_began_with(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    asking = asyncio.create_task(wire.api("POST", f"/stations/{station.name}/remote-start", {"id_token": "CARD"}))
    asked = await station.next_call("RequestStartTransaction")
    await asked.answer({"status": "Accepted"})
    told = await asking
    number = station.asked("RequestStartTransaction", {"idToken": token("CARD")})["remoteStartId"]
    info = {"remoteStartId": number}
    await station.call("TransactionEvent", event("Started", 0, "RemoteStart", card="CARD", wh=0, info=info))
    station.answered("TransactionEvent", {"idTokenInfo": {"status": "Accepted"}})
    (found,) = await shown(wire, station.name)
    view = (await wire.api("GET", f"/transactions/{found['id']}")).json()
    assert view["remote_start"] == {"asked_by": "admin", "record": told.json()["record"]}
    assert view["counts"] == {"records": 3, "messages": 1, "readings": 1, "missing": []}
