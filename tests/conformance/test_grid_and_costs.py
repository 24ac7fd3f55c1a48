"""2.1: grid support, battery swaps, payments and tariffs at stations; costs told to drivers of all 2.x stations."""

import asyncio
from typing import Any

import pytest
from tests.conformance.sessions import Charge2x, at, id_token, seed
from tests.conformance.wire import Station, Wire

ACCEPTED = {"status": "Accepted"}


async def shown(station: Station, what: str) -> Any:
    told = await station.wire.api("GET", f"/stations/{station.name}/{what}")
    assert told.status_code == 200, told.text
    return told.json()


async def alarms(station: Station) -> list[str]:
    told = await station.wire.api("GET", "/alarms", params={"station_id": station.name})
    return [alarm["code"] for alarm in told.json()]


def curve(priority: int, **more: Any) -> dict[str, Any]:
    return {"priority": priority, "yUnit": "PctMaxW", "curveData": [{"x": 59.5, "y": 0}, {"x": 57, "y": 100}]} | more


def control(number: str, priority: int = 1, **more: Any) -> dict[str, Any]:
    return {"isDefault": False, "controlId": number, "controlType": "FreqWatt", "curve": curve(priority)} | more


async def test_controls_of_the_grid_are_kept_superseded_and_cleared(wire: Wire) -> None:
    station = await wire.station("2.1")
    await station.commanded("SetDERControl", control("A", 2), ACCEPTED)
    await station.commanded("SetDERControl", control("B"), ACCEPTED | {"supersededIds": ["A"]})
    pf = {"fixedPFInject": {"priority": 1, "displacement": 0.95, "excitation": True}}
    fixed = {"isDefault": True, "controlId": "C", "controlType": "FixedPFInject"} | pf
    await station.commanded("SetDERControl", fixed, ACCEPTED)
    await station.commanded("SetDERControl", control("D"), {"status": "NotSupported"})
    found = {one["control_id"]: one for one in (await shown(station, "grid"))["controls"]}
    assert {number: one["superseded"] for number, one in found.items()} == {"A": True, "B": False, "C": False}
    begun = {"controlId": "B", "started": True, "timestamp": at()}
    await station.call("NotifyDERStartStop", begun)
    station.answered("NotifyDERStartStop", {})
    await station.call("NotifyDERStartStop", {"controlId": "A", "started": False, "timestamp": at()})
    await station.commanded("ClearDERControl", {"isDefault": True, "controlType": "FixedPFInject"}, ACCEPTED)
    (left,) = (await shown(station, "grid"))["controls"]
    assert (left["control_id"], left["started"]) == ("B", True)
    told = await station.command("SetDERControl", control("E") | pf)
    assert (told.status_code, told.json()["code"]) == (422, "bad_control")


async def test_what_a_station_reports_of_its_controls_is_kept(wire: Wire) -> None:
    station = await wire.station("2.1")
    await station.commanded("GetDERControl", {"requestId": 4}, ACCEPTED)
    entry = {"id": "Z", "curveType": "VoltVar", "isDefault": True, "isSuperseded": False, "curve": curve(1)}
    await station.call("ReportDERControl", {"requestId": 4, "curve": [entry], "tbc": False})
    station.answered("ReportDERControl", {})
    ramp = {"id": "Y", "gradient": {"priority": 0, "gradient": 10.0, "softGradient": 5.0}}
    await station.call("ReportDERControl", {"requestId": 4, "gradient": [ramp], "tbc": False})
    station.answered("ReportDERControl", {})
    kept = {(c["control_id"], c["control_type"], c["is_default"]) for c in (await shown(station, "grid"))["controls"]}
    assert kept == {("Z", "VoltVar", True), ("Y", "Gradients", True)}


async def test_a_fault_of_the_grid_is_an_alarm_and_lasts_until_it_ends(wire: Wire) -> None:
    station = await wire.station("2.1")
    fault = {"controlType": "LVMustTrip", "gridEventFault": "UnderVoltage", "timestamp": at()}
    await station.call("NotifyDERAlarm", fault)
    station.answered("NotifyDERAlarm", {})
    (lasting,) = (await shown(station, "grid"))["faults"]
    assert (lasting["fault"], await alarms(station)) == ("UnderVoltage", ["grid_event"])
    await station.call("NotifyDERAlarm", fault | {"alarmEnded": True})
    assert (await shown(station, "grid"))["faults"] == []
    assert await alarms(station) == ["grid_event"]


async def test_allowed_transfer_and_frequency_signals_are_shown(wire: Wire) -> None:
    station = await wire.station("2.1")
    allowed = {"transactionId": "T", "allowedEnergyTransfer": ["AC_BPT"]}
    await station.commanded("NotifyAllowedEnergyTransfer", allowed, ACCEPTED)
    await station.commanded("AFRRSignal", {"timestamp": at(), "signal": 5}, ACCEPTED)
    await station.commanded("AFRRSignal", {"timestamp": at(), "signal": 6}, {"status": "Rejected"})
    grid = await shown(station, "grid")
    assert grid["energy_transfer"][0]["allowed"] == ["AC_BPT"]
    assert grid["signals"][0]["signal"] == 5


def battery(serial: str, slot: int = 1) -> dict[str, Any]:
    return {"evseId": slot, "serialNumber": serial, "soC": 20, "soH": 95}


async def test_batteries_swapped_under_one_request_are_one_swap(wire: Wire) -> None:
    station, token = await wire.station("2.1"), await seed(wire)
    await station.commanded("RequestBatterySwap", {"idToken": id_token(token), "requestId": 7}, ACCEPTED)
    for kind, serial in (("BatteryIn", "OLD"), ("BatteryOut", "NEW")):
        step = {"batteryData": [battery(serial)], "eventType": kind, "idToken": id_token(token), "requestId": 7}
        await station.call("BatterySwap", step)
        station.answered("BatterySwap", {})
    (swap,) = await shown(station, "battery-swaps")
    assert (swap["taken"][0]["serialNumber"], swap["given"][0]["serialNumber"]) == ("OLD", "NEW")
    assert (swap["id_token"], swap["asked_by"], await alarms(station)) == (token, "admin", [])
    left = {"batteryData": [battery("B")], "eventType": "BatteryOutTimeout", "idToken": id_token(token)}
    await station.call("BatterySwap", left | {"requestId": 8})
    assert await alarms(station) == ["battery_not_taken"]
    blocked = await seed(wire, "Blocked")
    told = await station.command("RequestBatterySwap", {"idToken": id_token(blocked), "requestId": 9})
    assert (told.status_code, told.json()["code"]) == (409, "token_refused")


async def test_a_terminals_settlements_are_kept_and_failed_ones_are_alarms(wire: Wire) -> None:
    station = await wire.station("2.1")
    paid = {"pspRef": "R1", "status": "Settled", "settlementAmount": 12.5, "settlementTime": at(), "transactionId": "T"}
    await station.call("NotifySettlement", paid)
    station.answered("NotifySettlement", {})
    await station.call("NotifySettlement", paid | {"pspRef": "R2", "status": "Failed"})
    found = {one["reference"]: one["status"] for one in await shown(station, "payments")}
    assert (found, await alarms(station)) == ({"R1": "Settled", "R2": "Failed"}, ["payment_failed"])
    await station.commanded("NotifyWebPaymentStarted", {"evseId": 1, "timeout": 60}, {})
    assert (await shown(station, "tariffs"))["web_payments"][0]["evse_id"] == 1


@pytest.mark.parametrize(
    ("number", "status"),
    [("NL123456789B01", "Accepted"), ("de 123 456 789", "Accepted"), ("DE12345", "Rejected"), ("QQ1", "Rejected")],
)
async def test_a_vat_number_has_the_form_of_its_country_or_is_refused(wire: Wire, number: str, status: str) -> None:
    station = await wire.station("2.1")
    await station.call("VatNumberValidation", {"vatNumber": number, "evseId": 1})
    station.answered("VatNumberValidation", {"vatNumber": number, "evseId": 1, "status": status})


TARIFF = {
    "country_code": "DE",
    "party_id": "CPO",
    "currency": "EUR",
    "id": "DAY",
    "last_updated": "2026-01-01T00:00:00Z",
    "elements": [
        {
            "price_components": [
                {"type": "ENERGY", "price": 0.50, "vat": 20.0, "step_size": 1},
                {"type": "FLAT", "price": 1.00, "vat": 20.0, "step_size": 1},
            ]
        }
    ],
}


async def test_our_tariff_is_installed_at_a_station_that_prices_by_itself(wire: Wire) -> None:
    await wire.api("PUT", "/tariffs/DAY", TARIFF)
    station = await wire.station("2.1")
    telling = asyncio.create_task(wire.api("POST", f"/stations/{station.name}/tariff", {"evse_id": 1}))
    asked = await station.next_call("SetDefaultTariff")
    await asked.answer(ACCEPTED)
    assert (await telling).json()["status"] == "Accepted"
    taxes = [{"type": "VAT", "tax": 20}]
    wanted = {
        "tariffId": "DAY",
        "currency": "EUR",
        "energy": {"prices": [{"priceKwh": 0.5}], "taxRates": taxes},
        "fixedFee": {"prices": [{"priceFixed": 1}], "taxRates": taxes},
    }
    station.asked("SetDefaultTariff", {"evseId": 1, "tariff": wanted})
    assert [one["tariff_id"] for one in (await shown(station, "tariffs"))["tariffs"]] == ["DAY"]
    there = {"tariffId": "OTHER", "tariffKind": "DriverTariff", "evseIds": [2]}
    await station.commanded("GetTariffs", {"evseId": 0}, ACCEPTED | {"tariffAssignments": [there]})
    assert [one["tariff_id"] for one in (await shown(station, "tariffs"))["tariffs"]] == ["OTHER"]
    await station.commanded("SetDefaultTariff", {"evseId": 1, "tariff": wanted}, ACCEPTED)
    gone = {"clearTariffsResult": [{"tariffId": "DAY", "status": "Accepted"}]}
    await station.commanded("ClearTariffs", {"tariffIds": ["DAY"]}, gone)
    assert [one["tariff_id"] for one in (await shown(station, "tariffs"))["tariffs"]] == ["OTHER"]


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_the_end_of_a_charge_is_answered_with_what_it_costs(wire: Wire, version: str) -> None:
    await wire.api("PUT", "/tariffs/DAY", TARIFF)
    charge = Charge2x(await wire.station(version), token=await seed(wire))
    await charge.started()
    charge.wh += 9500
    await charge.event("Ended", "EVDeparted", meterValue=[last(charge)], info={"stoppedReason": "Local"})
    charge.station.answered("TransactionEvent", {"totalCost": 6.9})


def last(charge: Charge2x) -> dict[str, Any]:
    value = {"value": charge.wh, "context": "Transaction.End", "measurand": "Energy.Active.Import.Register"}
    return {"timestamp": at(60), "sampledValue": [value]}


async def test_a_station_is_told_a_cost_by_the_operator(wire: Wire) -> None:
    station = await wire.station("2.0.1")
    await station.commanded("CostUpdated", {"totalCost": 3.4, "transactionId": "T"}, {})
    assert (await wire.api("GET", f"/stations/{station.name}")).status_code == 200


async def shown_to(station: Station, what: str, *scopes: str) -> Any:
    """Return what the API shows somebody who holds these scopes only."""
    made = await station.wire.api("POST", "/api-tokens", {"name": "till", "scopes": list(scopes), "expires_in_s": 600})
    assert made.status_code in {200, 201}, made.text
    bearer = {"Authorization": f"Bearer {made.json()['secret']}"}
    told = await station.wire.api("GET", f"/stations/{station.name}/{what}", headers=bearer)
    assert told.status_code == 200, told.text
    return told.json()


async def test_whose_swap_it_was_and_what_was_paid_is_not_for_everybody(wire: Wire) -> None:
    station, token = await wire.station("2.1"), await seed(wire)
    step = {"batteryData": [battery("OLD")], "eventType": "BatteryIn", "idToken": id_token(token), "requestId": 1}
    await station.call("BatterySwap", step)
    paid = {"pspRef": "R1", "status": "Settled", "settlementAmount": 12.5, "settlementTime": at()}
    await station.call("NotifySettlement", paid)
    station.answered("NotifySettlement", {})
    assert token not in str(await shown_to(station, "battery-swaps", "transactions:read"))
    assert token in str(await shown_to(station, "battery-swaps", "transactions:read", "tokens:read"))
    assert "12.5" not in str(await shown_to(station, "payments", "transactions:read"))
    assert "12.5" in str(await shown_to(station, "payments", "transactions:read", "energy:read"))
