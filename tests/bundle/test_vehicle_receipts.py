"""Receipts of vehicles in a bundle: what the verifier says of them, and that they change neither verdict nor grade."""

import base64
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.bundle.test_meter_evidence import B, E, judged, signed
from tests.support.charges import START_MS
from tests.support.pki import Ca, subject
from tests.support.receipts import EMAID, VALID, Vehicle, vehicle
from tests.support.worlds import trust

from wattseal.bundle.files import FileReport, check_file
from wattseal.bundle.report import Outcome, Report
from wattseal.bundle.trust import Trust, TrustError
from wattseal.cli.verify import describe
from wattseal.evidence.iso15118_receipt import NAME
from wattseal.model.verdict import Grade, Source, Verdict

TRUSTED = trust(contract_roots=tuple(root.der for root in vehicle().roots))


def receipt(register_wh: int, minute: int = 10, car: Vehicle | None = None) -> tuple[str, bytes]:
    return NAME, (car or vehicle()).receipt(register_wh, START_MS // 1000 + 60 * minute)


def told(report: Report) -> dict[str, str]:
    return {f.code: f.detail for f in report.findings if "vehicle" in f.code or "receipt" in f.code}


def standing(report: Report) -> tuple[Outcome, Grade | None, Source | None, Decimal | None]:
    return report.verdict, report.grade, report.source, report.energy_wh


def vehicles(report: Report) -> list[tuple[Verdict, str]]:
    return [(r.verdict, r.reason) for r in report.records if r.kind == "vehicle"]


METER: dict[str, Any] = {"start": (signed(5, B),), "end": (signed(6, E),), "reading_wh": "3000.0"}


def test_receipts_that_fit_confirm_the_registers_and_change_no_grade() -> None:
    without = judged(**METER, trusted=TRUSTED)
    report = judged(**METER | {"end": (signed(6, E), receipt(4999, 29))}, reading=(receipt(3000),), trusted=TRUSTED)
    assert vehicles(report) == [(Verdict.VALID, "signature_valid")] * 2
    assert told(report) == {"vehicle_confirmed": "2 receipts, last 4999 Wh"}
    assert standing(report) == standing(without)
    lines = describe("a.wsb", FileReport(report))
    assert "  confirmed by the vehicle: 2 receipts, last 4999 Wh" in lines


@pytest.mark.parametrize("shown_wh", [900, 998, 3001, 9000])
def test_a_register_the_vehicle_was_not_shown_is_named_and_changes_no_grade(shown_wh: int) -> None:
    report = judged(**METER, reading=(receipt(shown_wh),), trusted=TRUSTED)
    assert told(report) == {"vehicle_differs": f"3000.0 recorded, {shown_wh} signed by the vehicle"}
    assert standing(report) == standing(judged(**METER, trusted=TRUSTED))
    assert any("NOT what the vehicle signed" in line for line in describe("a.wsb", FileReport(report)))


def test_a_receipt_of_an_unknown_root_confirms_nothing() -> None:
    report = judged(**METER, reading=(receipt(3000),))
    assert vehicles(report) == [(Verdict.UNKNOWN_KEY, "no_key")]
    other = trust(contract_roots=(Vehicle(Ca.make(), vehicle().sub, vehicle().contract).roots[0].der,))
    report = judged(**METER, reading=(receipt(3000),), trusted=other)
    assert vehicles(report) == [(Verdict.UNKNOWN_KEY, "root_unknown")]
    assert told(report) == {}
    assert standing(report)[0] is Outcome.VALID


def test_a_spoilt_receipt_does_not_spoil_the_bundle() -> None:
    name, raw = receipt(3000)
    report = judged(**METER, reading=((name, raw[:150] + b"\0" + raw[151:]), (name, b"no receipt")), trusted=TRUSTED)
    assert [verdict for verdict, _ in vehicles(report)] == [Verdict.INVALID, Verdict.UNREADABLE]
    assert told(report) == {}
    assert standing(report) == standing(judged(**METER, trusted=TRUSTED))


def test_a_contract_is_judged_at_the_time_of_its_record() -> None:
    car, noon = vehicle(), datetime.fromtimestamp(START_MS / 1000, UTC)
    ended = Vehicle(car.root, car.sub, car.sub.issue(subject(EMAID), valid=(VALID[0], noon - timedelta(hours=1))))
    report = judged(**METER, reading=(receipt(3000, car=ended),), trusted=TRUSTED)
    assert vehicles(report) == [(Verdict.INVALID, "certificate_not_valid_then")]


def test_receipts_of_two_sessions_do_not_follow_each_other() -> None:
    car = vehicle()
    other = Vehicle(car.root, car.sub, car.contract, session=b"another!")
    reading, end = receipt(3000), receipt(4999, 29, other)
    report = judged(**METER | {"end": (signed(6, E), end)}, reading=(reading,), trusted=TRUSTED)
    assert told(report) == {"receipts_disagree": "transaction_changed"}


def test_a_receipt_alone_is_a_file_that_can_be_checked(tmp_path: Path) -> None:
    path = tmp_path / "car.receipt"
    path.write_bytes(vehicle().receipt(3000))
    report = check_file(path.read_bytes(), TRUSTED, None).report
    assert (report.verdict, report.grade, report.energy_wh) == (Outcome.VALID, None, None)
    assert check_file(path.read_bytes(), trust(), None).report.verdict is Outcome.INCOMPLETE
    assert check_file(path.read_bytes(), None, None).report.verdict is Outcome.INCOMPLETE


def test_a_trust_file_carries_contract_roots_and_refuses_what_is_none() -> None:
    assert Trust.parse(TRUSTED.to_json()) == TRUSTED
    assert "contract_roots" not in json.loads(trust().to_json())
    value = json.loads(TRUSTED.to_json()) | {"contract_roots": [base64.b64encode(b"no").decode()]}
    with pytest.raises(TrustError) as caught:
        Trust.parse(json.dumps(value).encode())
    assert caught.value.subject == "contract_roots"
