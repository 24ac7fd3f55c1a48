"""Block E of 2.x: how transactions start, go on and end; the CSMS takes every order a station may tell them in."""

import base64
from collections.abc import Awaitable, Callable

import pytest
from tests.conformance.sessions import Charge2x, at, id_token, sample, seed, status
from tests.conformance.wire import Wire

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
Step = Callable[[Charge2x], Awaitable[None]]
SIGNED = {
    "signedMeterData": base64.b64encode(b"OCMF|{}|{}").decode(),
    "signingMethod": "",
    "encodingMethod": "OCMF",
    "publicKey": "",
}


def signed(minutes: float, context: str = "Transaction.Begin") -> list[dict[str, object]]:
    return [sample(0, context, minutes, signedMeterValue=SIGNED)]


async def by_power_path(c: Charge2x) -> None:
    await c.authorize()
    await status(c.station, "Occupied")
    info = {"chargingState": "SuspendedEVSE"}
    await c.event("Started", "ChargingStateChanged", evse=c.place(), token=c.token, info=info)
    await c.charging()


async def by_energy(c: Charge2x) -> None:
    await c.authorize()
    await status(c.station, "Occupied")
    await c.charging(evse=c.place(), token=c.token)


async def by_cable(c: Charge2x) -> None:
    await c.plugged()
    await c.authorized()
    await c.charging()


async def by_token(c: Charge2x) -> None:
    await c.authorized()
    await c.plugged()
    await c.charging()


async def by_signature(c: Charge2x) -> None:
    await c.authorize()
    await status(c.station, "Occupied")
    await c.event("Started", "SignedDataReceived", evse=c.place(), token=c.token, meterValue=signed(c.minutes))
    await c.charging()


async def by_parking(c: Charge2x) -> None:
    await c.event("Started", "EVDetected", evse={"id": 1})
    await c.plugged()
    await c.authorized()
    await c.charging()


async def not_ready(c: Charge2x) -> None:
    await c.authorized()
    await c.plugged()
    await c.suspended()
    await c.charging()


STARTS = [
    pytest.param(by_power_path, marks=pytest.mark.conformance("TC_E_01_CSMS")),
    pytest.param(by_energy, marks=pytest.mark.conformance("TC_E_02_CSMS")),
    pytest.param(by_cable, marks=pytest.mark.conformance("TC_E_03_CSMS", "TC_E_09_CSMS")),
    pytest.param(by_token, marks=pytest.mark.conformance("TC_E_04_CSMS", "TC_E_10_CSMS")),
    pytest.param(by_signature, marks=pytest.mark.conformance("TC_E_11_CSMS")),
    pytest.param(by_parking, marks=pytest.mark.conformance("TC_E_12_CSMS")),
    pytest.param(not_ready, marks=pytest.mark.conformance("TC_E_38_CSMS")),
]


@both
@pytest.mark.parametrize("start", STARTS)
async def test_a_transaction_starts_at_any_start_point(wire: Wire, version: str, start: Step) -> None:
    charge = Charge2x(await wire.station(version))
    await start(charge)
    assert (await charge.shown())["active"]
    await charge.ended()
    shown = await charge.shown()
    assert (shown["active"], shown["authorization"], shown["evse_id"]) == (False, "Accepted", 1)


async def locally(c: Charge2x) -> None:
    await c.ended("StopAuthorized", "Local", token=c.token)


async def when_energy_ends(c: Charge2x) -> None:
    await c.stop_authorized()
    await c.ended("ChargingStateChanged", "Local", info={"chargingState": "EVConnected"})


async def when_unplugged_at_the_station(c: Charge2x) -> None:
    await c.stop_authorized()
    await c.ended()


async def when_unplugged_at_the_ev(c: Charge2x) -> None:
    await c.suspended()
    await c.ended()


async def when_the_bay_is_free(c: Charge2x) -> None:
    await c.stop_authorized()
    await c.event("Updated", "EVCommunicationLost", info={"chargingState": "Idle"})
    await c.ended("EVDeparted", "Local")


async def when_the_ev_pauses(c: Charge2x) -> None:
    await c.ended("ChargingStateChanged", "StoppedByEV", info={"chargingState": "SuspendedEV"})


async def remotely(c: Charge2x) -> None:
    payload = {"transactionId": c.id}
    await c.station.commanded("RequestStopTransaction", payload, {"status": "Accepted"})
    await c.ended("RemoteStop", "Remote")


STOPS = [
    pytest.param(locally, "Local", marks=pytest.mark.conformance("TC_E_07_CSMS", "TC_E_15_CSMS")),
    pytest.param(when_energy_ends, "Local", marks=pytest.mark.conformance("TC_E_08_CSMS")),
    pytest.param(when_unplugged_at_the_station, "EVDisconnected", marks=pytest.mark.conformance("TC_E_14_CSMS")),
    pytest.param(
        when_unplugged_at_the_ev, "EVDisconnected", marks=pytest.mark.conformance("TC_E_17_CSMS", "TC_E_20_CSMS")
    ),
    pytest.param(when_the_bay_is_free, "Local", marks=pytest.mark.conformance("TC_E_19_CSMS")),
    pytest.param(remotely, "Remote", marks=pytest.mark.conformance("TC_E_21_CSMS")),
    pytest.param(when_the_ev_pauses, "StoppedByEV", marks=pytest.mark.conformance("TC_E_22_CSMS")),
]


@both
@pytest.mark.parametrize(("stop", "reason"), STOPS)
async def test_a_transaction_ends_at_any_stop_point(wire: Wire, version: str, stop: Step, reason: str) -> None:
    charge = Charge2x(await wire.station(version))
    await charge.started()
    await charge.reading()
    await stop(charge)
    shown = await charge.shown()
    assert (shown["active"], shown["stop_reason"], shown["energy_wh"]) == (False, reason, "1000")


@pytest.mark.conformance("TC_E_39_CSMS")
async def test_nobody_plugs_in_in_time(wire: Wire) -> None:
    charge = Charge2x(await wire.station())
    await charge.authorized()
    await charge.ended("EVConnectTimeout", "Timeout", meterValue=[sample(1000, "Transaction.End", 2)])
    assert (await charge.shown())["stop_reason"] == "Timeout"


@pytest.mark.conformance("TC_E_16_CSMS")
async def test_a_token_that_proves_invalid_ends_the_charge(wire: Wire) -> None:
    charge = Charge2x(await wire.station(), token="NOBODY-KNOWS")
    told = await charge.event("Started", "Authorized", token=charge.token, evse=charge.place())
    assert told["idTokenInfo"]["status"] in {"Invalid", "Unknown"}
    await charge.ended("Deauthorized", "DeAuthorized")
    assert (await charge.shown())["authorization"] != "Accepted"


@pytest.mark.conformance("TC_E_26_CSMS")
async def test_a_charge_outlives_its_cable_and_goes_on(wire: Wire) -> None:
    charge = Charge2x(await wire.station())
    await charge.started()
    await charge.suspended()
    await charge.event("Updated", "EVCommunicationLost", info={"chargingState": "Idle"})
    await status(charge.station, "Available")
    await charge.plugged()
    await charge.charging()
    assert (await charge.shown())["active"]


@pytest.mark.conformance("TC_E_53_CSMS")
async def test_every_transaction_may_count_from_0(wire: Wire) -> None:
    station = await wire.station()
    for _ in range(2):
        charge = Charge2x(station)
        await charge.started()
        await charge.ended()
        shown = await charge.shown()
        assert not shown["active"]
        assert "sequence_gap" not in [finding["code"] for finding in shown["findings"]]


def status_answer(*, queued: bool, ongoing: bool | None) -> dict[str, bool]:
    return {"messagesInQueue": queued} | ({} if ongoing is None else {"ongoingIndicator": ongoing})


@pytest.mark.conformance("TC_E_30_CSMS", "TC_E_34_CSMS")
@both
async def test_a_station_with_an_empty_queue_says_so(wire: Wire, version: str) -> None:
    charge = Charge2x(await wire.station(version))
    await charge.started()
    answer = status_answer(queued=False, ongoing=True)
    await charge.station.commanded("GetTransactionStatus", {"transactionId": charge.id}, answer)
    await charge.station.commanded("GetTransactionStatus", {}, status_answer(queued=False, ongoing=None))


async def reconnected(wire: Wire, charge: Charge2x) -> None:
    await charge.station.close()
    charge.station = await wire.dial(charge.station.name, charge.station.version)


@pytest.mark.conformance("TC_E_29_CSMS", "TC_E_33_CSMS")
async def test_what_waited_offline_is_taken_after_asking(wire: Wire) -> None:
    charge = Charge2x(await wire.station())
    await charge.started()
    await reconnected(wire, charge)
    answer = status_answer(queued=True, ongoing=True)
    await charge.station.commanded("GetTransactionStatus", {"transactionId": charge.id}, answer)
    await charge.station.commanded("GetTransactionStatus", {}, status_answer(queued=True, ongoing=None))
    values = [sample(1700, "Sample.Periodic", charge.minutes)]
    await charge.event("Updated", "MeterValuePeriodic", meterValue=values, offline=True)
    assert (await charge.shown())["active"]


@pytest.mark.conformance("TC_E_31_CSMS")
async def test_events_that_come_after_the_end_fill_the_gap(wire: Wire) -> None:
    charge = Charge2x(await wire.station())
    await charge.started()
    await reconnected(wire, charge)
    gap = charge.seq
    await charge.ended(seq=gap + 2, offline=True)
    answer = status_answer(queued=True, ongoing=False)
    await charge.station.commanded("GetTransactionStatus", {"transactionId": charge.id}, answer)
    await charge.event("Updated", "StopAuthorized", seq=gap, offline=True, token=charge.token)
    info = {"chargingState": "EVConnected"}
    await charge.event("Updated", "ChargingStateChanged", seq=gap + 1, offline=True, info=info)
    shown = await charge.shown()
    assert not shown["active"]
    assert shown["energy_wh"] == "500"


@pytest.mark.conformance("TC_C_20_CSMS", "TC_C_08_CSMS")
@both
async def test_a_token_out_of_the_cache_is_judged_again(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for token, judged in ((await seed(wire), {"Accepted"}), ("NOBODY-KNOWS", {"Invalid", "Unknown"})):
        charge = Charge2x(station, token=token)
        await charge.plugged()
        told = await charge.event("Updated", "Authorized", token=token)
        assert told["idTokenInfo"]["status"] in judged


@pytest.mark.conformance("TC_J_01_CSMS")
@both
async def test_readings_of_the_clock_are_taken_while_nothing_charges(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    for evse in (0, 1, 2):
        await station.call("MeterValues", {"evseId": evse, "meterValue": [sample(1000, "Sample.Clock", 15)]})
        station.answered("MeterValues", {})


@pytest.mark.conformance("TC_J_02_CSMS", "TC_J_03_CSMS", "TC_J_07_CSMS", "TC_J_09_CSMS", "TC_J_10_CSMS")
@both
async def test_readings_of_every_context_count_once(wire: Wire, version: str) -> None:
    charge = Charge2x(await wire.station(version))
    await charge.plugged(meterValue=[sample(1000, "Transaction.Begin", 0)])
    await charge.authorized()
    await charge.charging()
    for context, trigger in (("Sample.Periodic", "MeterValuePeriodic"), ("Sample.Clock", "MeterValueClock")) * 2:
        await charge.reading(context, trigger)
    contexts = ("Sample.Clock", "Sample.Periodic", "Transaction.End")
    values = [sample(3000 + 500 * n, context, 10 + n) for n, context in enumerate(contexts)]
    await charge.ended(meterValue=values)
    shown = await charge.shown()
    assert (shown["start_wh"], shown["end_wh"], shown["energy_wh"]) == ("1000", "4000", "3000")


@pytest.mark.conformance("TC_J_08_CSMS")
async def test_a_charge_may_start_before_its_evse_is_known(wire: Wire) -> None:
    charge = Charge2x(await wire.station())
    await charge.authorized()
    await charge.plugged(meterValue=[sample(1000, "Transaction.Begin", 1)])
    await charge.charging()
    await charge.ended()
    shown = await charge.shown()
    assert (shown["evse_id"], shown["start_wh"], shown["energy_wh"]) == (1, "1000", "500")


@pytest.mark.conformance("TC_J_04_CSMS", "TC_J_11_CSMS")
@pytest.mark.parametrize("context", ["Sample.Clock", "Sample.Periodic"])
async def test_signed_readings_are_taken_whatever_they_are_worth(wire: Wire, context: str) -> None:
    charge = Charge2x(await wire.station())
    await charge.started()
    values = [sample(1200, context, 5, signedMeterValue=SIGNED), sample(1500, "Transaction.End", 6)]
    values[1]["sampledValue"][0]["signedMeterValue"] = SIGNED
    await charge.ended(meterValue=values)
    shown = await charge.shown()
    assert not shown["active"]
    assert shown["verdicts"]
    assert {verdict["verdict"] for verdict in shown["verdicts"]} != {"VALID"}


@pytest.mark.conformance("TC_P_03_CSMS")
@both
async def test_custom_data_is_taken(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    custom = {"customData": {"vendorId": "org.example", "colour": "red"}}
    await station.call("Authorize", {"idToken": id_token() | custom, **custom})
    station.answered("Authorize", {"idTokenInfo": {"status": "Accepted"}})
    payload = {"timestamp": at(), "connectorStatus": "Available", "evseId": 1, "connectorId": 1, **custom}
    await station.call("StatusNotification", payload)
    station.answered("StatusNotification", {})


@pytest.mark.conformance("TC_P_02_CSMS")
@both
async def test_a_data_transfer_of_a_stranger_is_not_accepted(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await station.call("DataTransfer", {"vendorId": "org.example.nobody", "messageId": "hello", "data": {"a": 1}})
    station.answered("DataTransfer", {"status": "UnknownVendorId"})
