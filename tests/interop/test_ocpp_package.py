"""The PyPI package `ocpp`, as a charging station of 1.6, charges at `wattseal serve`."""

import base64
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ocpp.v16 import call as call16  # type: ignore[import-untyped] # the library has no stubs
from tests.interop.meter import SERIAL, at, ocmf, sent_key
from tests.interop.pypi_station import Station16, ask, dialled
from tests.support.csms import PASSWORD, Csms
from websockets.exceptions import InvalidStatus

SIGNED = ("G2", "meter")
_numbers = itertools.count(1)


def station_name() -> str:
    return f"PYPI-{next(_numbers)}"


def sample16(value: str, *, signed: bool = False, context: str = "Sample.Periodic") -> dict[str, Any]:
    unit = {"format": "SignedData"} if signed else {"unit": "Wh"}
    return {"value": value, "context": context, "measurand": "Energy.Active.Import.Register", **unit}


def values16(minute: int, *samples: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": at(minute), "sampledValue": list(samples)}


async def charge16(
    csms: Csms,
    name: str,
    *,
    start_wh: int = 1000,
    stop_wh: int = 13346,
    during: Sequence[dict[str, Any]] = (),
    at_stop: Sequence[dict[str, Any]] | None = None,
    card: str = "DRIVER-1",
    times: int = 1,
    password: bytes = PASSWORD.encode(),
    minutes: tuple[int, int] = (0, 30),
) -> int:
    """Boot, authorise, start, tell meter values, stop; returns the transaction id."""
    async with dialled(csms, name, Station16, password) as station:
        boot = await ask(station, call16.BootNotification(charge_point_model="M", charge_point_vendor="V"))
        assert (boot.status, boot.interval > 0) == ("Accepted", True)
        for status in ("Available", "Preparing"):
            await ask(station, call16.StatusNotification(connector_id=1, error_code="NoError", status=status))
        await ask(station, call16.Authorize(id_tag=card))
        start = call16.StartTransaction(connector_id=1, id_tag=card, meter_start=start_wh, timestamp=at(minutes[0]))
        started = await ask(station, start, times)
        assert 0 < started.transaction_id < 2**31
        for value in during:
            told = call16.MeterValues(connector_id=1, meter_value=[value], transaction_id=started.transaction_id)
            await ask(station, told, times)
        stop = call16.StopTransaction(
            meter_stop=stop_wh,
            timestamp=at(minutes[1]),
            transaction_id=started.transaction_id,
            reason="Local",
            id_tag=card,
            transaction_data=None if at_stop is None else list(at_stop),
        )
        await ask(station, stop, times)
        await ask(station, call16.Heartbeat())
        number: int = started.transaction_id
        return number


def standing(found: dict[str, Any]) -> tuple[Any, ...]:
    """Return where a session stands; one that may be billed is free as soon as the missing tariff was noticed."""
    stands = found["billing"], found["billing_reason"]
    due = ("billed", None) if stands == ("free", "no_tariff") else stands
    return (*(found[key] for key in ("energy_wh", "grade", "source")), *due)


async def test_a_plain_1_6_charge_is_the_csms_word_cosigned_by_others(csms: Csms, tmp_path: Path) -> None:
    name = csms.enrol(station_name())
    number = await charge16(csms, name, during=[values16(10, sample16("5000")), values16(20, sample16("9000"))])
    found = csms.settled(name)
    assert standing(found) == ("12346", "G1", "csms", "billed", None)
    assert (found["transaction_id"], found["active"], found["stop_reason"]) == (str(number), False, "Local")
    assert (found["verdicts"], found["alarms"]) == ([], [])
    report = csms.verify(found["id"], tmp_path)
    assert [report[key] for key in ("verdict", "grade", "source", "energy_wh")] == ["VALID", "G1", "csms", "12346"]


def signed16(record: str, context: str = "Transaction.End") -> dict[str, Any]:
    return sample16(record, signed=True, context=context)


def oca_object(name: str, record: str) -> str:
    """Spell a signed record as the JSON object of the OCA's application note."""
    data = base64.b64encode(record.encode()).decode()
    return json.dumps(
        {"signedMeterData": data, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": sent_key(name)}
    )


@pytest.mark.parametrize(
    "carried",
    ["begin and end in the stop", "two records in the stop", "the OCA's object", "both meter values", "begin before"],
)
async def test_a_1_6_charge_signed_by_its_meter_is_exact_and_of_that_grade(
    csms: Csms, tmp_path: Path, carried: str
) -> None:
    name = csms.enrol(station_name(), pin=SIGNED, meter=SERIAL)
    both = ocmf(name, 1, ("B", "1000.0", 0), ("E", "13345.6", 30))
    begin = values16(0, signed16(ocmf(name, 1, ("B", "1000.0", 0)), "Transaction.Begin"))
    end = values16(30, signed16(ocmf(name, 2, ("E", "13345.6", 30))))
    match carried:
        case "begin and end in the stop":
            await charge16(csms, name, at_stop=[values16(30, signed16(both))])
        case "two records in the stop":
            await charge16(csms, name, at_stop=[begin, end])
        case "the OCA's object":
            await charge16(csms, name, at_stop=[values16(30, signed16(oca_object(name, both)))])
        case "both meter values":
            await charge16(csms, name, during=[begin, end])
        case _:
            await charge16(csms, name, during=[begin], at_stop=[end])
    found = csms.settled(name)
    assert standing(found) == ("12345.6", "G2", "meter", "billed", None), found
    assert {v["verdict"] for v in found["verdicts"]} == {"VALID"}
    report = csms.verify(found["id"], tmp_path)
    assert [report[key] for key in ("verdict", "grade", "source", "energy_wh")] == ["VALID", "G2", "meter", "12345.6"]


async def test_the_meters_own_figure_counts_where_1_6_rounds_to_whole_wh(csms: Csms, tmp_path: Path) -> None:
    name = csms.enrol(station_name(), pin=SIGNED, meter=SERIAL)
    first = ocmf(name, 1, ("B", "1000.4", 0), ("E", "13345.6", 30))
    await charge16(csms, name, at_stop=[values16(30, signed16(first))])
    found = csms.settled(name)
    assert standing(found) == ("12345.2", "G2", "meter", "billed", None), found
    report = csms.verify(found["id"], tmp_path)
    assert [report[key] for key in ("verdict", "grade", "source", "energy_wh")] == ["VALID", "G2", "meter", "12345.2"]


async def test_registers_cut_to_whole_wh_are_no_fall(csms: Csms, tmp_path: Path) -> None:
    name = csms.enrol(station_name(), meter=SERIAL)
    await charge16(csms, name, at_stop=[values16(30, signed16(ocmf(name, 1, ("B", "1000", 0), ("E", "13345.6", 30))))])
    (first,) = csms.transactions(name)
    cut = [values16(34, sample16("20000.9"))]
    await charge16(csms, name, start_wh=13345, stop_wh=20000, during=cut, minutes=(31, 38))
    (second,) = [t for t in csms.transactions(name) if t["id"] != first["id"]]
    assert (second["energy_wh"], second["billing"], second["alarms"]) == ("6655", "billed", [])
    assert csms.verify(second["id"], tmp_path)["verdict"] == "VALID"


async def test_without_the_pinned_signature_a_charge_is_kept_and_not_billed(csms: Csms) -> None:
    name = csms.enrol(station_name(), pin=SIGNED, meter=SERIAL)
    await charge16(csms, name)
    assert standing(csms.settled(name)) == ("12346", "G1", "csms", "quarantined", "evidence_below_pin")


async def test_a_signature_that_does_not_verify_is_kept_and_disputed_while_the_station_is_thanked(csms: Csms) -> None:
    name = csms.enrol(station_name(), pin=SIGNED, meter=SERIAL)
    forged = ocmf(name, 1, ("B", "1000.0", 0), ("E", "13345.6", 30)).replace("13345.6", "23345.6")
    at_stop = [values16(30, signed16(forged))]
    await charge16(csms, name, stop_wh=23346, at_stop=at_stop)
    found = csms.settled(name)
    assert standing(found)[1:] == (None, "csms", "quarantined", "evidence_invalid")
    assert [v["verdict"] for v in found["verdicts"]] == ["INVALID"]
    assert "evidence_invalid" in csms.alarms(name)


async def test_retries_under_new_message_ids_make_one_transaction_and_get_the_same_answers(csms: Csms) -> None:
    name = csms.enrol(station_name())
    values = [values16(10, sample16("5000")), values16(20, sample16("9000"))]
    await charge16(csms, name, during=values, times=3)
    found = csms.settled(name)
    assert standing(found) == ("12346", "G1", "csms", "billed", None)
    assert ({note["code"] for note in found["findings"]}, found["alarms"]) == ({"time_differs"}, [])


async def test_a_stop_repeated_on_a_new_connection_is_the_same_stop(csms: Csms) -> None:
    name = csms.enrol(station_name())
    number = await charge16(csms, name)
    async with dialled(csms, name) as station:
        await ask(station, call16.StopTransaction(meter_stop=13346, timestamp=at(30), transaction_id=number), times=2)
        assert csms.transaction(name)["alarms"] == []
        await ask(station, call16.StopTransaction(meter_stop=99999, timestamp=at(30), transaction_id=number))
    found = csms.transaction(name)
    assert (found["energy_wh"], [a["code"] for a in found["alarms"]]) == ("12346", ["conflicting_end"])


async def test_a_blocked_card_is_told_so_and_its_charge_is_not_billed(csms: Csms) -> None:
    name = csms.enrol(station_name())
    async with dialled(csms, name) as station:
        told = await ask(station, call16.Authorize(id_tag="DRIVER-2"))
        assert told.id_tag_info["status"] == "Blocked"
    await charge16(csms, name, card="DRIVER-2")
    assert standing(csms.settled(name))[3:] == ("quarantined", "not_authorised")


@pytest.mark.parametrize("password", [None, b"", b"wrong", PASSWORD.upper().encode()])
async def test_without_the_right_password_no_station_gets_in(csms: Csms, password: bytes | None) -> None:
    name = csms.enrol(station_name())
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(csms, name, Station16, password):
            pass
    assert refused.value.response.status_code == 401


async def test_an_unknown_station_is_refused_like_a_wrong_password(csms: Csms) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with dialled(csms, "NOBODY"):
            pass
    assert refused.value.response.status_code == 401


async def test_a_binary_password_of_1_6_is_taken(csms: Csms) -> None:
    password = bytes([0, 58, 255, *range(17)])
    name = csms.enrol(station_name(), password)
    await charge16(csms, name, password=password)
    assert standing(csms.settled(name))[-2:] == ("billed", None)
