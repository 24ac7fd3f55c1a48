"""The PyPI package `ocpp`, as a charging station of 2.0.1 and 2.1, charges at `wattseal serve`; all take commands."""

import asyncio
import base64
import itertools
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ocpp.v16 import call_result as result16  # type: ignore[import-untyped] # the library has no stubs
from ocpp.v21 import call as call21  # type: ignore[import-untyped] # same
from ocpp.v21 import call_result as result21
from ocpp.v201 import call as call201  # type: ignore[import-untyped] # same
from ocpp.v201 import call_result as result201
from tests.interop.meter import SERIAL, at, ocmf, sent_key
from tests.interop.pypi_station import Station16, Station21, Station201, ask, dialled, handles
from tests.support.csms import Csms

KINDS = {"2.0.1": (Station201, call201), "2.1": (Station21, call21)}
versions = pytest.mark.parametrize("version", KINDS)
_numbers = itertools.count(1)


def station_name() -> str:
    return f"PYPI2-{next(_numbers)}"


def standing(found: dict[str, Any]) -> tuple[Any, ...]:
    """Return where a session stands; one that may be billed is free as soon as the missing tariff was noticed."""
    stands = found["billing"], found["billing_reason"]
    due = ("billed", None) if stands == ("free", "no_tariff") else stands
    return (*(found[key] for key in ("energy_wh", "grade", "source")), *due)


def reading(name: str, context: str, wh: str, minute: int, record: str | None = None) -> list[dict[str, Any]]:
    sample: dict[str, Any] = {
        "value": float(wh),
        "context": context,
        "measurand": "Energy.Active.Import.Register",
        "unit_of_measure": {"unit": "Wh"},
    }
    if record is not None:
        sample["signed_meter_value"] = {
            "signed_meter_data": base64.b64encode(record.encode()).decode(),
            "signing_method": "",
            "encoding_method": "OCMF",
            "public_key": sent_key(name),
        }
    return [{"timestamp": at(minute), "sampled_value": [sample]}]


def told(call: ModuleType, name: str, number: int, minute: int, values: Any, **more: Any) -> Any:
    """Return one event of the charge: the first starts it, number 4 ends it."""
    kind, trigger = {0: ("Started", "Authorized"), 4: ("Ended", "EVDeparted")}.get(
        number, ("Updated", "MeterValuePeriodic")
    )
    info = {"transaction_id": f"{name}-T"} | ({"stopped_reason": "EVDisconnected"} if kind == "Ended" else {})
    return call.TransactionEvent(
        event_type=kind,
        timestamp=at(minute),
        trigger_reason=trigger,
        seq_no=number,
        transaction_info=info,
        meter_value=values,
        **more,
    )


def events(call: ModuleType, name: str, *, signing: bool) -> list[Any]:
    """Return the five events of a charge of 12 345.6 Wh."""
    token = {"id_token": "DRIVER-1", "type": "ISO14443"}
    first, last = (
        (ocmf(name, page, (reason, wh, minute)) if signing else None)
        for page, reason, wh, minute in ((1, "B", "1000.0", 0), (2, "E", "13345.6", 30))
    )
    return [
        told(
            call,
            name,
            0,
            0,
            reading(name, "Transaction.Begin", "1000.0", 0, first),
            evse={"id": 1, "connector_id": 1},
            id_token=token,
        ),
        *(told(call, name, n, 5 * n, reading(name, "Sample.Periodic", f"{1000 + 3000 * n}", 5 * n)) for n in (1, 2, 3)),
        told(
            call,
            name,
            4,
            30,
            reading(name, "Transaction.End", "13345.6", 30, last),
            evse={"id": 1},
            id_token=token,
        ),
    ]


async def charge(
    csms: Csms, version: str, name: str, *, signing: bool, skip: int | None = None, times: int = 1
) -> None:
    """Boot, authorise, tell five transaction events but `skip`."""
    kind, call = KINDS[version]
    async with dialled(csms, name, kind) as station:
        model = {"model": "M", "vendor_name": "V"}
        boot = await ask(station, call.BootNotification(charging_station=model, reason="PowerUp"))
        assert boot.status == "Accepted"
        await ask(
            station,
            call.StatusNotification(timestamp=at(0), connector_status="Occupied", evse_id=1, connector_id=1),
        )
        known = await ask(station, call.Authorize(id_token={"id_token": "DRIVER-1", "type": "ISO14443"}))
        assert known.id_token_info["status"] == "Accepted"
        for sent in events(call, name, signing=signing):
            if sent.seq_no != skip:
                answer = await ask(station, sent, times)
                assert (answer.id_token_info is not None) == (sent.id_token is not None)
        await ask(station, call.Heartbeat())


@versions
async def test_a_charge_signed_by_its_meter_is_complete_and_verifies_offline(
    csms: Csms, version: str, tmp_path: Path
) -> None:
    name = csms.enrol(station_name(), pin=("G3", "meter"), meter=SERIAL)
    await charge(csms, version, name, signing=True, times=2)
    found = csms.settled(name)
    assert standing(found) == ("12345.6", "G3", "meter", "billed", None), found
    assert (found["transaction_id"], found["authorization"]) == (f"{name}-T", "Accepted")
    assert ([v["verdict"] for v in found["verdicts"]], found["alarms"]) == (["VALID", "VALID"], [])
    report = csms.verify(found["id"], tmp_path)
    assert [report[key] for key in ("verdict", "grade", "source", "energy_wh")] == ["VALID", "G3", "meter", "12345.6"]
    assert report["exit"] == 0


@versions
async def test_a_missing_event_is_found_and_costs_a_grade(csms: Csms, version: str) -> None:
    name = csms.enrol(station_name(), meter=SERIAL)
    await charge(csms, version, name, signing=True, skip=2)
    found = csms.settled(name)
    assert standing(found) == ("12345.6", "G2", "meter", "billed", None), found
    assert "sequence_gap" in [f["code"] for f in found["findings"]]


@versions
async def test_a_plain_charge_is_the_csms_word(csms: Csms, version: str) -> None:
    name = csms.enrol(station_name())
    await charge(csms, version, name, signing=False)
    assert standing(csms.settled(name)) == ("12345.6", "G1", "csms", "billed", None)


class Obeying16(Station16):  # type: ignore[misc] # the library has no types
    @handles("Reset")
    def reset(self, type: str) -> Any:  # noqa: A002 - the protocol's name
        return result16.Reset(status="Accepted" if type == "Soft" else "Rejected")

    @handles("GetConfiguration")
    def configuration(self, key: list[str]) -> Any:
        known = [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}]
        return result16.GetConfiguration(configuration_key=known, unknown_key=[k for k in key if k == "Nonsense"])


def obeying(kind: Any, result: ModuleType) -> Any:
    """Return a station of 2.x that takes two commands."""

    class Obeying(kind):  # type: ignore[misc] # the library has no types
        @handles("Reset")
        def reset(self, type: str, evse_id: int | None = None) -> Any:  # noqa: A002 - the protocol's name
            return result.Reset(status="Accepted" if evse_id is None and type == "Immediate" else "Rejected")

        @handles("GetVariables")
        def variables(self, get_variable_data: list[dict[str, Any]]) -> Any:
            told = [{**asked, "attribute_status": "UnknownVariable"} for asked in get_variable_data]
            return result.GetVariables(get_variable_result=told)

    return Obeying


VARIABLE = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
COMMANDS: dict[str, list[tuple[str, dict[str, Any], dict[str, Any]]]] = {
    "1.6": [
        ("Reset", {"type": "Soft"}, {"status": "Accepted"}),
        (
            "GetConfiguration",
            {"key": ["HeartbeatInterval", "Nonsense"]},
            {
                "configurationKey": [{"key": "HeartbeatInterval", "readonly": False, "value": "300"}],
                "unknownKey": ["Nonsense"],
            },
        ),
    ],
    "2.x": [
        ("Reset", {"type": "Immediate"}, {"status": "Accepted"}),
        ("Reset", {"type": "OnIdle", "evseId": 1}, {"status": "Rejected"}),
        (
            "GetVariables",
            {"getVariableData": [VARIABLE]},
            {"getVariableResult": [{**VARIABLE, "attributeStatus": "UnknownVariable"}]},
        ),
    ],
}
STATIONS = {
    "1.6": Obeying16,
    "2.0.1": obeying(Station201, result201),
    "2.1": obeying(Station21, result21),
}


@pytest.mark.parametrize("version", STATIONS)
async def test_commands_reach_its_handlers_and_their_answers_come_back(csms: Csms, version: str) -> None:
    name = csms.enrol(station_name())
    async with dialled(csms, name, STATIONS[version]):
        for action, payload, answer in COMMANDS["1.6" if version == "1.6" else "2.x"]:
            path = f"/api/v1/stations/{name}/commands/{action}"
            response = await asyncio.to_thread(csms.http.post, path, json=payload)
            assert (response.status_code, response.json()) == (200, answer)
        if version != "2.1":  # whose part of the library leaves an action without a handler unanswered
            refused = await asyncio.to_thread(csms.http.post, f"/api/v1/stations/{name}/commands/ClearCache")
            assert (refused.status_code, refused.json()["ocpp_code"]) == (502, "NotImplemented")
