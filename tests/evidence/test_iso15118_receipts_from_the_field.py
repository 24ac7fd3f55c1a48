"""131 receipts of one real Plug & Charge session, `$WATTSEAL_VECTORS/iso15118/receipts.json`."""

import base64
import json
import os
import random
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from wattseal import evidence
from wattseal.crypto.certificates import Certificate, read_certificate
from wattseal.evidence.iso15118_receipt import check_at, encode, read
from wattseal.model.verdict import Verdict

FOLDER = os.environ.get("WATTSEAL_VECTORS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WATTSEAL_VECTORS is not set: no receipts from the field")
AT = datetime(2026, 11, 25, tzinfo=UTC)
"""A time within the contract: the session's own meter kept another calendar (TMeter is in 2023)."""


@cache
def vectors() -> dict[str, Any]:
    assert FOLDER is not None
    found: dict[str, Any] = json.loads((Path(FOLDER) / "iso15118" / "receipts.json").read_bytes())
    return found


@cache
def receipts() -> tuple[bytes, ...]:
    chain = [base64.b64decode(der) for der in vectors()["contract_chain_der_base64"]]
    return tuple(
        encode(
            bytes.fromhex(r["fragment_exi"]), bytes.fromhex(r["signed_info_exi"]), bytes.fromhex(r["signature"]), chain
        )
        for r in vectors()["receipts"]
    )


def roots() -> tuple[Certificate, ...]:
    return (read_certificate(base64.b64decode(vectors()["mo_root_der_base64"])),)


def test_every_receipt_verifies_up_to_its_root_and_says_what_was_decoded_elsewhere() -> None:
    assert len(receipts()) == 131
    for raw, known in zip(receipts(), vectors()["receipts"], strict=True):
        checked = check_at(raw, roots(), AT)
        assert (checked.verdict, checked.reason) == (Verdict.VALID, "signature_valid")
        told, meter = read(raw).told, known["decoded"]["MeterInfo"]
        assert told.id == known["decoded"]["Id"]
        assert told.session_id.hex().upper() == known["decoded"]["SessionID"]
        assert told.schedule_tuple_id == known["decoded"]["SAScheduleTupleID"]
        assert told.meter.meter_id == meter["MeterID"]
        assert told.meter.reading_wh == meter["MeterReading"]
        assert told.meter.signature == base64.b64decode(meter["SigMeterReading"])
        assert told.meter.time_s == meter["TMeter"]
        assert read(raw).emaid == vectors()["emaid"]


def test_the_session_is_one_of_one_meter_and_counts_up() -> None:
    meaning = evidence.parse_transaction(receipts())
    assert {f.code for f in meaning.findings} == {"identity_in_clear"}
    assert [meaning.readings[n].value_wh for n in (0, -1)] == [Decimal(1010), Decimal(2310)]
    shuffled = (*receipts()[1:3], receipts()[0])
    assert "register_decreasing" in {f.code for f in evidence.parse_transaction(shuffled).findings}


def test_without_the_root_nobody_vouches_and_out_of_time_nothing_counts() -> None:
    raw = receipts()[0]
    assert check_at(raw, (), AT).verdict is Verdict.UNKNOWN_KEY
    sub = read_certificate(base64.b64decode(vectors()["contract_chain_der_base64"][0]))
    assert check_at(raw, (sub,), AT).reason == "root_unknown"
    assert check_at(raw, roots(), datetime(2023, 11, 15, tzinfo=UTC)).reason == "certificate_not_valid_then"


def test_no_flipped_byte_of_any_receipt_is_valid() -> None:
    """Each receipt at a sample of its bytes; all of their bytes between them."""
    draw = random.Random(131)  # noqa: S311 - a sample
    trusted = roots()
    for number, raw in enumerate(receipts()):
        for at in range(number % 61, len(raw), 61):
            spoilt = raw[:at] + bytes([raw[at] ^ 1 << draw.randrange(8)]) + raw[at + 1 :]
            checked = check_at(spoilt, trusted, AT)
            assert checked.verdict is not Verdict.VALID or checked.meaning == check_at(raw, trusted, AT).meaning


def test_no_part_of_one_receipt_fits_another() -> None:
    first, second = (read(raw) for raw in receipts()[:2])
    chain = [c.der for c in first.chain]
    for parts in (
        (second.fragment, first.signed_info, first.signature),
        (first.fragment, second.signed_info, first.signature),
        (first.fragment, first.signed_info, second.signature),
        (second.fragment, second.signed_info, first.signature),
    ):
        assert check_at(encode(*parts, chain), roots(), AT).verdict is Verdict.INVALID
