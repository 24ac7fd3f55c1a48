"""Metering receipts of vehicles: signature, digest, chain, and the values out of the EXI."""

import random
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pki import DAY, NOW, Ca, new_key, subject
from tests.support.receipts import EMAID, VALID, Vehicle, receipt_exi, signed_info_exi, vehicle

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.crypto.certificates import Certificate, read_certificate
from wattseal.evidence.format import Checked
from wattseal.evidence.iso15118_exi import MeterInfo, MeteringReceipt, SignedInfo, read_receipt, read_signed_info
from wattseal.evidence.iso15118_receipt import check_at, encode, read
from wattseal.model.verdict import Verdict
from wattseal.seal import dcbor

RAW = vehicle().receipt(12_345, 1_772_000_000)
names = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x2FF), min_size=1, max_size=32)


def parts(raw: bytes) -> tuple[bytes, bytes, bytes]:
    _, fragment, signed_info, signature, _ = dcbor.decode(raw)
    return fragment, signed_info, signature


def check(raw: bytes, car: Vehicle | None = None) -> Checked:
    return check_at(raw, (car or vehicle()).roots, NOW)


def test_a_receipt_is_valid_under_the_root_of_its_contract_and_tells_the_register() -> None:
    checked = check(RAW)
    assert (checked.verdict, checked.reason, checked.format) == (Verdict.VALID, "signature_valid", "ISO15118-2-RECEIPT")
    assert checked.meaning is not None
    (reading,) = checked.meaning.readings
    assert reading.value_wh == Decimal(12_345)
    assert checked.meaning.serials() == {"METER-1"}
    assert reading.at is not None
    assert (reading.at.timestamp(), checked.meaning.identity) == (1_772_000_000, EMAID)
    assert checked.energy_wh is None, "a register is no energy, and the vehicle measured nothing"


def test_a_root_in_the_receipt_is_no_root() -> None:
    car = vehicle()
    whole = Vehicle(car.root, car.sub, car.contract)
    whole.chain = (*whole.chain, whole.roots[0].der)
    raw = whole.receipt(1)
    assert check_at(raw, (), NOW).verdict is Verdict.UNKNOWN_KEY
    assert check_at(raw, vehicle().roots, NOW).verdict is Verdict.VALID
    assert check_at(raw, Vehicle(Ca.make(), car.sub, car.contract).roots, NOW).reason == "root_unknown"


def test_meters_keys_prove_no_receipt() -> None:
    spki = vehicle().contract.key.public_key()
    der = spki.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert evidence.check(RAW, [der]).verdict is Verdict.UNKNOWN_KEY
    assert evidence.check(RAW, [vehicle().roots[0].der]).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"digest": b"\0" * 32}, "digest_mismatch"),
        ({"uri": "#id2"}, "reference_mismatch"),
        ({"uri": ""}, "reference_mismatch"),
        ({"signature_method": "http://www.w3.org/2000/09/xmldsig#hmac-sha1"}, "algorithm_unknown"),
        ({"digest_method": "http://www.w3.org/2000/09/xmldsig#sha1"}, "algorithm_unknown"),
        ({"canonicalization": "http://www.w3.org/TR/xml-exc-c14n"}, "algorithm_unknown"),
        ({"transforms": ()}, "algorithm_unknown"),
        ({"transforms": ("http://www.w3.org/TR/canonical-exi/", "http://www.w3.org/TR/xpath")}, "algorithm_unknown"),
    ],
)
def test_what_a_contract_key_signs_otherwise_is_invalid(changed: dict[str, object], reason: str) -> None:
    checked = check(vehicle().sign(vehicle().told(1), **changed))
    assert (checked.verdict, checked.reason) == (Verdict.INVALID, reason)


def test_another_register_under_the_same_signature_is_invalid() -> None:
    _, signed_info, signature = parts(RAW)
    other = receipt_exi(vehicle().told(12_346, 1_772_000_000))
    assert check(encode(other, signed_info, signature, vehicle().chain)).reason == "digest_mismatch"


def test_a_contract_that_was_not_valid_then_is_invalid() -> None:
    for at in (VALID[0] - DAY, VALID[1] + DAY):
        checked = check_at(RAW, vehicle().roots, at)
        assert (checked.verdict, checked.reason) == (Verdict.INVALID, "certificate_not_valid_then")


def test_an_authority_signs_no_receipts_and_neither_does_another_curve() -> None:
    car = vehicle()
    wide = car.sub.issue(subject(EMAID), key=new_key(ec.SECP384R1()))
    wide_raw = encode(*parts(RAW), [Vehicle(car.root, car.sub, wide).chain[0], car.chain[1]])
    assert check(wide_raw).reason == "key_kind_mismatch"

    as_authority = Ca.make(EMAID, car.root)
    raw = Vehicle(car.root, car.root, as_authority).receipt(1)  # type: ignore[arg-type]
    assert check(raw).reason == "not_a_contract"


def test_an_expired_intermediate_breaks_the_chain_with_its_reason() -> None:
    car = vehicle()
    expired = car.sub.issue(subject(EMAID), valid=(NOW - 3 * DAY, NOW - 2 * DAY))
    assert check(Vehicle(car.root, car.sub, expired).receipt(1)).reason == "certificate_not_valid_then"


def test_a_chain_without_its_middle_ends_nowhere() -> None:
    car = Vehicle(vehicle().root, vehicle().sub, vehicle().contract)
    car.chain = car.chain[:1]
    assert check(car.receipt(1)).reason == "root_unknown"
    named = check_at(car.receipt(1), (*car.roots, *vehicle().roots, *sub_ca()), NOW)
    assert named.verdict is Verdict.VALID, "a sub-CA that the verifier holds itself may be left out"


def sub_ca() -> tuple[Certificate, ...]:
    return (read_certificate(vehicle().chain[1]),)


def test_every_flipped_bit_of_a_receipt_is_found() -> None:
    told = check(RAW)
    draw = random.Random(118)  # noqa: S311 - a sample
    for at in range(len(RAW)):
        spoilt = bytearray(RAW)
        spoilt[at] ^= 1 << draw.randrange(8)
        checked = check(bytes(spoilt))
        assert checked.verdict is not Verdict.VALID or checked.meaning == told.meaning
        assert checked.verdict is not Verdict.VALID, at


@pytest.mark.parametrize(
    "raw",
    [
        b"\x85\x01",
        encode(b"", b"", b"", []),
        encode(b"\x80", b"\x80", b"\0" * 64, [b"\x30"]),
        dcbor.encode([2, b"", b"", b"", []]),
        dcbor.encode([1, b"", b"", b"\0" * 64, [1]]),
        RAW + b"\0",
        b"\x85\x01" + b"\x40" * 20_000,
    ],
)
def test_what_is_no_receipt_is_unreadable(raw: bytes) -> None:
    assert check(raw).verdict is Verdict.UNREADABLE


@given(
    st.builds(
        MeteringReceipt,
        names,
        st.binary(min_size=0, max_size=8),
        st.none() | st.integers(1, 255),
        st.builds(
            MeterInfo,
            names,
            st.none() | st.integers(0, 2**64 - 1),
            st.none() | st.binary(max_size=64),
            st.none() | st.integers(-(2**15), 2**15 - 1),
            st.none() | st.integers(-(2**63), 2**63 - 1),
        ),
    )
)
def test_what_is_written_by_the_grammar_is_read_back(told: MeteringReceipt) -> None:
    assert read_receipt(receipt_exi(told)) == told


@given(
    st.builds(SignedInfo, names, names, names, st.lists(names, max_size=4).map(tuple), names, st.binary(max_size=64))
)
def test_signed_info_is_read_back(signed: SignedInfo) -> None:
    assert read_signed_info(signed_info_exi(signed)) == signed


@given(st.binary(max_size=120))
def test_no_bytes_are_read_in_two_ways(data: bytes) -> None:
    for raw in (b"\x80\x79" + data, data):
        with suppress(InputError):
            assert receipt_exi(read_receipt(raw)) == raw


def test_a_number_longer_than_it_needs_to_be_is_refused() -> None:
    good = receipt_exi(replace(vehicle().told(5), meter=MeterInfo("M", 5)))
    at = "".join(f"{byte:08b}" for byte in good)
    where = at.index("00000101", 60)
    padded = at[:where] + "1000010100000000" + at[where + 8 :]
    padded += "0" * (-len(padded) % 8)
    spelled = int(padded, 2).to_bytes(len(padded) // 8)
    with pytest.raises(InputError):
        read_receipt(spelled)


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (vehicle().receipt(12_344, 1_772_000_001), "register_decreasing"),
        (vehicle().receipt(12_346, 1_771_999_999), "time_backwards"),
        (vehicle().sign(replace(vehicle().told(12_346), session_id=b"another")), "transaction_changed"),
        (vehicle().sign(replace(vehicle().told(1), meter=MeterInfo("METER-2", 12_346))), "meter_changed"),
    ],
)
def test_receipts_that_do_not_follow_each_other_say_so(second: bytes, code: str) -> None:
    assert code in {f.code for f in evidence.parse_transaction([RAW, second]).findings}
    assert read(RAW).told.meter.signature == b"s" * 64
