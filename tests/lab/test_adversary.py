"""The demo's adversaries do what the story says of them, and can do no more."""

import base64
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.charges import charge, pen
from tests.support.worlds import EDGE_KEY

from wattseal.lab.crew import LabError
from wattseal.lab.demo.middle import once
from wattseal.lab.dice import Dice
from wattseal.lab.means.adversary import lower_signed_text, lower_stop, spoil_sealed_stop
from wattseal.lab.means.insider import lower_register
from wattseal.lab.means.leaks import find_leaks
from wattseal.seal.fields import Meter
from wattseal.seal.groups import BoxState, Content, Opening, check_box, open_box
from wattseal.seal.item import Group, parse_item

OCMF = 'OCMF|{"FV":"1.0","RD":[{"TX":"B","RV":1.000,"RU":"kWh"},{"TX":"E","RV":"3.5","RU":"kWh"}]}|{"SD":"00"}'


def frame(action: str, payload: dict[str, Any]) -> str:
    return json.dumps([2, "1", action, payload])


def test_he_lowers_the_stop_of_both_protocols_and_touches_nothing_else() -> None:
    lower = lower_stop(1500)
    stop = frame("StopTransaction", {"transactionId": 1, "meterStop": 5000, "timestamp": "2026-01-01T00:00:00Z"})
    assert json.loads(lower(stop) or "")[3]["meterStop"] == 3500
    sampled = {"value": 5000.5, "unitOfMeasure": {"unit": "Wh"}}
    ended = {"eventType": "Ended", "meterValue": [{"sampledValue": [sampled]}]}
    altered = json.loads(lower(frame("TransactionEvent", ended)) or "")
    assert altered[3]["meterValue"][0]["sampledValue"][0]["value"] == pytest.approx(3500.5)
    for other in (
        frame("StartTransaction", {"meterStart": 1}),
        frame("TransactionEvent", {"eventType": "Updated"}),
        '[3,"1",{}]',
        "not json",
    ):
        assert lower(other) is None


@pytest.mark.parametrize("wrapped", ["text", "base64", "json"])
def test_he_lowers_the_end_inside_signed_text_but_cannot_sign_it(wrapped: str) -> None:
    text = base64.b64encode(OCMF.encode()).decode() if wrapped == "base64" else OCMF
    if wrapped == "json":
        text = json.dumps({"signedMeterData": OCMF})
    lowered = lower_signed_text(text, 500)
    inner = json.loads(lowered)["signedMeterData"] if wrapped == "json" else lowered
    plain = base64.b64decode(inner).decode() if wrapped == "base64" else inner
    _, payload, signature = plain.split("|", 2)
    assert Decimal(str(json.loads(payload)["RD"][-1]["RV"])) == Decimal("3.0")
    assert signature == OCMF.split("|", 2)[2]


def test_above_the_edge_he_can_only_spoil_what_he_cannot_read() -> None:
    items = charge(pen(key=EDGE_KEY))
    spoil = spoil_sealed_stop(7)
    for item in items[:-1]:
        data = json.dumps({"items": [base64.b64encode(item.encode()).decode()]})
        assert spoil(frame("DataTransfer", {"vendorId": "wattseal", "data": data})) is None
    stop = [base64.b64encode(items[-1].encode()).decode()]
    for carried in (
        {"vendorId": "wattseal", "data": json.dumps({"items": stop})},
        {"customData": {"vendorId": "wattseal", "items": stop}},
    ):
        payload = json.loads(spoil(frame("DataTransfer", carried)) or "")[3]
        text = json.loads(payload["data"])["items"][0] if "data" in payload else payload["customData"]["items"][0]
        spoilt = parse_item(base64.b64decode(text))
        assert spoilt.payload == items[-1].payload
        assert check_box(spoilt, Group.METER) == BoxState.ALTERED


def test_a_careful_adversary_strikes_once() -> None:
    strike = once(lambda text: text + "!")
    assert [strike("a"), strike("b")] == ["a!", None]


def test_an_insider_lowers_a_plain_record_so_that_only_the_signature_tells_and_a_sealed_one_not_at_all() -> None:
    plain = charge(pen(key=EDGE_KEY), sealed=False)[-1]
    lowered = lower_register(plain, 100)
    opened = open_box(lowered, Group.METER, None)
    assert isinstance(opened, Opening)
    assert Meter.read(Content.decode(opened.content).fields).register_wh == Decimal(2900)
    assert not lowered.verify(EDGE_KEY.public, "CPO/log")
    with pytest.raises(LabError):
        lower_register(charge(pen(key=EDGE_KEY))[-1], 100)


@pytest.mark.parametrize(
    "content",
    [
        b"...1234567...",
        b"1234.567 kWh",
        "1234567".encode("utf-16-le"),
        b"\x82\x00\x1a\x00\x12\xd6\x87",
        b"DRIVER-7",
        b"driver-7",
        b"4452495645522d37",
        base64.b64encode(b"xx idTag DRIVER-7 yy"),
    ],
)
def test_leaks_are_found_in_every_plausible_spelling(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "wal").write_bytes(b"\x00" * 50 + content + b"\xff" * 50)
    assert find_leaks(tmp_path, [1234567], ["DRIVER-7"])
    (tmp_path / "wal").write_bytes(bytes(500))
    assert find_leaks(tmp_path, [1234567], ["DRIVER-7"]) == []


@pytest.mark.parametrize("offset", range(3))
def test_few_digits_in_base64_are_a_number_where_they_stand_alone_and_none_amidst_a_time(
    tmp_path: Path, offset: int
) -> None:
    file = tmp_path / "file"
    for number, alone in ((155341, True), (155341, False)):
        around = (b"x" * offset + b"wh=", b"; ") if alone else (b"x" * offset + b"261129", b"7Z ")
        file.write_bytes(base64.b64encode(around[0] + str(number).encode() + around[1] + b"more"))
        assert bool(find_leaks(tmp_path, [number], [])) == alone


def test_the_same_seed_makes_the_same_choices() -> None:
    one, same, other = Dice(7), Dice(7), Dice(8)
    choices = [one.number(0, 10**9) for _ in range(5)]
    assert [same.number(0, 10**9) for _ in range(5)] == choices
    assert [other.number(0, 10**9) for _ in range(5)] != choices
    assert all(5 <= one.number(5, 9) <= 9 for _ in range(200))
