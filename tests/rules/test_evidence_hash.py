"""What a session is billed once for: the same charge is the same, however it was told; another one is another."""

from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from wattseal.model.transaction import Transaction
from wattseal.rules.evidence_hash import evidence_hash

CHARGE = Transaction(
    id="aa",
    station_id="CS1",
    recorded_ms=1,
    evse_id=1,
    started_ms=1_000_000,
    ended_ms=4_600_000,
    start_wh=Decimal(1000),
    end_wh=Decimal(9000),
    started="11" * 32,
    ended="22" * 32,
)


def changed(**changes: Any) -> bytes:
    return evidence_hash("CPO", replace(CHARGE, **changes))


def test_ids_versions_and_spellings_do_not_make_it_another_session() -> None:
    same = evidence_hash("CPO", CHARGE)
    assert changed(id="bb", transaction_id="77", ended="33" * 32, recorded_ms=9) == same
    assert changed(station_id="cs1") == same
    assert changed(started_ms=1_000_999, end_wh=Decimal("9000.4")) == same
    assert changed(evse_id=0, told_evse_id=1) == same


def test_another_place_time_or_register_does() -> None:
    found = {
        evidence_hash("CPO", CHARGE),
        evidence_hash("CPO2", CHARGE),
        changed(station_id="CS2"),
        changed(evse_id=2),
        changed(started_ms=2_000_000),
        changed(ended_ms=4_700_000),
        changed(start_wh=Decimal(1001)),
        changed(end_wh=Decimal(9001)),
    }
    assert len(found) == 8


def test_sealed_sessions_are_told_apart_by_the_record_of_their_end() -> None:
    sealed = {"sealed": True, "start_wh": None, "end_wh": None}
    assert changed(**sealed) != changed(**sealed, ended="33" * 32)
    assert changed(**sealed) == changed(**sealed, id="bb", ended_ms=5)
