"""No meter value and no token leaves a sealed site: every byte sent up is searched, in every plausible spelling."""

from base64 import b64encode
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.edge.edge_bench import Bench, bench
from tests.edge.edge_world import site
from tests.edge.leaks import found_in, found_under, number_spellings, text_spellings

from wattseal.parties.edge.state import Mode

TOKEN = "04E1A7C39D5B82"
START_WH, MIDDLE_WH, STOP_WH = Decimal(48213577), Decimal(48237411), Decimal(48259731)
NUMBERS = {f"{wh} {k}": v for wh in (START_WH, MIDDLE_WH, STOP_WH) for k, v in number_spellings(wh).items()}
ENERGY = {f"energy {k}": v for k, v in number_spellings(STOP_WH - START_WH).items() if k.startswith("text")}
TOKENS = text_spellings(TOKEN)
AT = "2027-01-15T08:00:00Z"
OCMF = f'OCMF|{{"FV":"1.0","ID":"{TOKEN}","RD":[{{"RV":{STOP_WH}}}]}}|{{"SD":"00"}}'


async def charge_16(b: Bench) -> None:
    told = f"{STOP_WH} Wh by {TOKEN}"
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "info": told, "vendorId": TOKEN}
    await b.say("BootNotification", {"chargePointVendor": "v", "chargePointModel": "m"})
    await b.say("Authorize", {"idTag": TOKEN})
    start = {"connectorId": 1, "idTag": TOKEN, "meterStart": int(START_WH), "timestamp": AT}
    transaction_id = (await b.say("StartTransaction", start))["transactionId"]
    await b.say("StatusNotification", status)
    sample = {"timestamp": AT, "sampledValue": [{"value": str(MIDDLE_WH / 1000), "unit": "kWh"}]}
    for offset in range(12):
        later = {**sample, "timestamp": f"2027-01-15T08:{offset:02}:00Z"}
        await b.say("MeterValues", {"connectorId": 1, "transactionId": transaction_id, "meterValue": [later]})
    await b.say("MeterValues", {"connectorId": 0, "meterValue": [sample]})
    await b.say("DataTransfer", {"vendorId": "acme", "data": told})
    await b.say("SecurityEventNotification", {"type": "x", "timestamp": AT, "techInfo": told})
    signed = {"timestamp": AT, "sampledValue": [{"value": OCMF, "format": "SignedData"}]}
    stop = {"transactionId": transaction_id, "idTag": TOKEN, "meterStop": int(STOP_WH), "timestamp": AT}
    await b.say("StopTransaction", {**stop, "transactionData": [signed]})
    await b.settle()


def event(kind: str, seq: int, wh: Decimal, **more: Any) -> dict[str, Any]:
    evidence = {
        "signedMeterData": b64encode(OCMF.encode()).decode(),
        "signingMethod": "",
        "encodingMethod": "OCMF",
        "publicKey": "",
    }
    sampled = [
        {"value": float(wh), "signedMeterValue": evidence},
        {"value": float(wh / 1000), "unitOfMeasure": {"unit": "kWh"}, "customData": {"vendorId": "x", "v": int(wh)}},
    ]
    return {
        "eventType": kind,
        "timestamp": AT,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "tx-1", "chargingState": "Charging"},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": AT, "sampledValue": sampled}],
        "customData": {"vendorId": "acme", "told": f"{wh} by {TOKEN}"},
        **more,
    }


async def charge_2(b: Bench) -> None:
    token = {"idToken": TOKEN, "type": "ISO14443", "additionalInfo": [{"additionalIdToken": TOKEN, "type": "x"}]}
    station = {"model": "m", "vendorName": "v", "customData": {"vendorId": "acme", "last": int(STOP_WH)}}
    await b.say("BootNotification", {"chargingStation": station, "reason": "PowerUp"})
    await b.say("Authorize", {"idToken": token, "customData": {"vendorId": "acme", "uid": TOKEN}})
    await b.say("TransactionEvent", event("Started", 0, START_WH, idToken=token))
    await b.say("TransactionEvent", event("Updated", 1, MIDDLE_WH))
    report = {"requestId": 1, "seqNo": 0, "generatedAt": AT}
    await b.say("NotifyReport", {**report, "reportData": [{"component": {"name": TOKEN}}]})
    values = [{"timestamp": AT, "sampledValue": [{"value": float(MIDDLE_WH)}]}]
    await b.say("MeterValues", {"evseId": 1, "meterValue": values})
    await b.say("TransactionEvent", event("Ended", 2, STOP_WH, idToken=token))
    await b.settle()


async def charge(b: Bench) -> None:
    await (charge_16(b) if b.memory.site.version == "1.6" else charge_2(b))


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_no_meter_value_and_no_token_goes_up_in_any_spelling(tmp_path: Path, version: str) -> None:
    async with bench(tmp_path, site(version=version)) as b:
        await charge(b)
        assert len(b.csms.frames) > 5
        assert found_in(b.csms.wire, NUMBERS | ENERGY | TOKENS) == set()


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_negative_control_a_site_that_only_signs_shows_both(tmp_path: Path, version: str) -> None:
    async with bench(tmp_path, site(Mode.SIGNED, version)) as b:
        await charge(b)
        for wh in (START_WH, MIDDLE_WH, STOP_WH):
            assert any(name.startswith(f"{wh} ") for name in found_in(b.csms.wire, NUMBERS)), wh
        assert found_in(b.csms.wire, TOKENS)


@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_the_edges_own_disk_does_not_tell_the_token(tmp_path: Path, version: str) -> None:
    async with bench(tmp_path, site(version=version)) as b:
        await charge(b)
    assert (tmp_path / "edge.db").stat().st_size > 0
    assert found_under(tmp_path, TOKENS) == {}


@given(st.sampled_from(sorted(NUMBERS | TOKENS)), st.binary(max_size=40), st.sampled_from([0, 1, 2]))
def test_the_search_finds_each_spelling_under_two_layers_of_base64(name: str, around: bytes, shift: int) -> None:
    hidden = (NUMBERS | TOKENS)[name]
    data = (
        b'{"data":"' + b64encode(b'"' + b64encode(bytes(shift) + around + hidden + around + bytes(20)) + b'"') + b'"}'
    )
    assert name in found_in(data, NUMBERS | TOKENS)
