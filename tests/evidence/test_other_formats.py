"""EDL40, ISA-EDL-40P, MENNEKES and PCDF: what a signature covers counts, and nothing else."""

import base64
import itertools
import random
from collections.abc import Callable

import pytest
from tests.support.other_meters import (
    K192,
    K256,
    RECORDS,
    again,
    edl,
    edl_sml,
    edl_xml,
    isa,
    mennekes,
    pcdf,
    point,
)

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.evidence import sml
from wattseal.evidence.edl40 import EdlRecord
from wattseal.evidence.findings import EFFECTS
from wattseal.evidence.format import Direction, Moment
from wattseal.model.verdict import Verdict


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_valid_under_its_meters_key_and_no_other(name: str) -> None:
    raw, key = RECORDS[name]
    checked = evidence.check(raw, [key])
    assert (checked.format, checked.verdict, checked.key) == (name, Verdict.VALID, key)
    stranger = point(K192 if name in {"ISA_EDL_40_P", "PCDF"} else K256)
    assert evidence.check(raw, [stranger]).verdict is not Verdict.VALID
    assert evidence.check(raw, []).reason == "no_key"
    assert evidence.check(raw, [stranger, key]).verdict is Verdict.VALID


@pytest.mark.parametrize("name", RECORDS)
def test_the_key_that_a_record_carries_is_never_used_by_itself(name: str) -> None:
    raw, _ = RECORDS[name]
    assert evidence.check(raw, ()).verdict is Verdict.UNKNOWN_KEY


@pytest.mark.parametrize("name", RECORDS)
def test_no_changed_byte_is_valid_with_other_values(name: str) -> None:
    raw, key = RECORDS[name]
    told = evidence.check(raw, [key])
    assert told.meaning is not None
    draw = random.Random(15)  # noqa: S311 - the sample, not a secret
    valid = 0
    for at, bit in itertools.product(range(len(raw)), range(8)):
        if len(raw) > 900 and draw.random() > 0.5:
            continue
        spoilt = bytearray(raw)
        spoilt[at] ^= 1 << bit
        checked = evidence.check(bytes(spoilt), [key])
        if checked.verdict is Verdict.VALID:
            valid += 1
            assert checked.meaning == told.meaning
    assert (valid == 0) == (name in {"EDL_40_P", "ISA_EDL_40_P"}), "text has spellings, checksums do not"


@pytest.mark.parametrize("name", ["EDL_40_P", "ISA_EDL_40_P"])
def test_what_a_liar_changes_in_sml_is_found_even_where_the_checksums_are_made_to_hold(name: str) -> None:
    raw, key = RECORDS[name]
    told = evidence.check(raw, [key])
    for at, bit in itertools.product(range(8, len(raw) - 8), range(8)):
        spoilt = bytearray(raw)
        spoilt[at] ^= 1 << bit
        checked = evidence.check(mended(bytes(spoilt)), [key])
        if checked.verdict is Verdict.VALID:
            assert checked.meaning == told.meaning


def mended(data: bytes) -> bytes:
    """Make every checksum hold again, as far as the messages can still be found."""
    body, start = data[8:-8], 0
    parts: list[bytes] = []
    while (end := body.find(b"\x63", start)) >= 0:
        content = body[len(b"".join(parts)) : end]
        if body[end + 3 : end + 4] == b"\x00" and body[end + 4 : end + 5] in {b"\x76", b"\x00", b""}:
            parts.append(content + b"\x63" + sml.crc16(content) + b"\x00")
        start = end + 1
    rest = body[len(b"".join(parts)) :]
    framed = data[:8] + b"".join(parts) + rest + data[-8:-2]
    return framed + sml.crc16(framed)


def test_mending_checksums_makes_the_change_reach_the_signature() -> None:
    """The control of the test above: a changed register with sums that hold is refuted by the signature alone."""
    raw, key = RECORDS["EDL_40_P"]
    at = raw.index((123_450).to_bytes(8))
    spoilt = raw[: at + 7] + bytes([raw[at + 7] ^ 1]) + raw[at + 8 :]
    assert evidence.check(spoilt, [key]).reason == "crc_mismatch"
    assert evidence.check(mended(spoilt), [key]).reason == "signature_mismatch"
    assert evidence.check(mended(raw), [key]).verdict is Verdict.VALID


def test_hex_text_and_bytes_are_the_same_record() -> None:
    raw, key = RECORDS["EDL_40_P"]
    text = b"\n " + raw.hex(" ").encode() + b" "
    assert evidence.check(text, [key]) == evidence.check(raw, [key])


def test_an_escape_within_a_contract_is_read_back() -> None:
    record = again(edl(), contract=b"\x1b\x1b\x1b\x1b7")
    checked = evidence.check(edl_sml(record), [point(K192)])
    assert checked.verdict is Verdict.VALID
    assert checked.meaning is not None
    assert checked.meaning.identity == "1B1B1B1B37"


def test_a_contract_does_not_choose_the_format() -> None:
    record = again(edl(), contract=bytes.fromhex("078180816202ff"))
    assert evidence.check(edl_sml(record), [point(K192)]).verdict is Verdict.VALID


def test_one_reading_alone_is_no_energy_and_two_of_one_contract_are() -> None:
    first, last = edl_sml(), edl_sml(edl(124_450, 600, 8))
    assert evidence.check(first, [point(K192)]).energy_wh is None
    meaning = evidence.parse_transaction([first, last])
    assert str(meaning.energy_wh) == "100.0"
    codes = {f.code for f in meaning.findings}
    assert {"bounds_unstated", "time_local", "status_uninterpreted"} <= codes
    assert not codes & {"end_missing", "page_gap", "transaction_changed"}


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (again(edl(124_450, 600, 8), contract=b"another"), "transaction_changed"),
        (again(edl(124_450, 600, 8), contract_local_s=edl().contract_local_s + 1), "transaction_changed"),
        (edl(123_449, 600, 8), "register_decreasing"),
        (again(edl(124_450, 600, 8), server_id=bytes(10)), "meter_changed"),
        (again(edl(124_450, 600, 8), unit=27), "unit_unknown"),
        (again(edl(124_450, 600, 8), obis=bytes.fromhex("0100021100ff")), "import_missing"),
        (again(edl(124_450, 600, 8), rest=b"\x01" + bytes(146)), "extension_uninterpreted"),
        (again(edl(124_450, 600, 8), value=-1), "value_negative"),
        (again(edl(124_450, 600, 8), scaler=100), "value_malformed"),
    ],
)
def test_what_does_not_fit_together_is_no_energy(last: EdlRecord, code: str) -> None:
    meaning = evidence.parse_transaction([edl_xml(), edl_xml(last)])
    assert code in {f.code for f in meaning.findings}
    assert meaning.energy_wh is None


@pytest.mark.parametrize(
    ("last", "code"),
    [
        (edl(124_450, 600, 9), "page_gap"),
        (edl(124_450, 600, 7), "page_order"),
        (edl(124_450, -600, 8), "time_backwards"),
        (again(edl(124_450, 600, 8), logbook=b"\x00\x09"), "logbook_changed"),
        (again(edl(124_450, 600, 8), local_s=777), "clock_unsynchronised"),
    ],
)
def test_what_is_doubtful_is_said_and_leaves_the_energy(last: EdlRecord, code: str) -> None:
    meaning = evidence.parse_transaction([edl_xml(), edl_xml(last)])
    assert code in {f.code for f in meaning.findings}
    assert str(meaning.energy_wh) == "100.0"


def test_local_time_is_shown_as_such_whatever_offset_the_file_states() -> None:
    raw = mennekes()
    moved = raw.replace(b"+01:00", b"+02:00")
    first, second = (evidence.check(r, [point(K192)]) for r in (raw, moved))
    assert first.verdict is second.verdict is Verdict.VALID
    assert first.meaning == second.meaning
    assert "time_local" in {f.code for f in first.findings}


def test_a_billing_file_needs_both_signatures() -> None:
    raw = mennekes()
    swapped = raw.replace(b"<Value>124450<", b"<Value>124451<")
    assert evidence.check(swapped, [point(K192)]).verdict is Verdict.INVALID
    assert str(evidence.check(raw, [point(K192)]).energy_wh) == "100.0"


def test_begin_and_end_exchanged_in_a_billing_file_are_no_energy() -> None:
    raw = mennekes(edl(124_450, 600, 8), edl())
    checked = evidence.check(raw, [point(K192)])
    assert checked.verdict is Verdict.VALID
    assert checked.energy_wh is None


def test_a_billing_file_of_two_processes_says_so() -> None:
    raw = mennekes()
    process = raw[raw.index(b"<ChargingProcess>") : raw.index(b"</ChargingProcesses>")]
    assert evidence.check(raw.replace(process, process * 2), [point(K192)]).reason == "layout_unsupported"
    assert evidence.check(process, [point(K192)]).verdict is Verdict.VALID


def test_both_curves_of_the_signed_value() -> None:
    assert evidence.check(edl_xml(key=K256), [point(K256)]).verdict is Verdict.VALID
    assert evidence.check(edl_xml(key=K256), [point(K192)]).reason == "bad_key"


def test_the_logbook_beside_a_signature_is_the_one_signed() -> None:
    raw, key = RECORDS["EDL_40_SIG"]
    text = raw.split(b'meterValueSignature encoding="base64">')[1].split(b"<")[0]
    other = base64.b64encode(base64.b64decode(text)[:48] + b"\x00\x09")
    assert evidence.check(raw.replace(text, other), [key]).reason == "field_range"


def test_a_session_line_gives_energy_and_no_register() -> None:
    raw, key = RECORDS["PCDF"]
    checked = evidence.check(raw, [key])
    assert checked.energy_wh == 3276
    assert checked.meaning is not None
    assert all(r.direction is Direction.OTHER and r.value_wh is None for r in checked.meaning.readings)
    assert evidence.check(b"\x02" + raw + b"\x03\n", [key]) == checked


@pytest.mark.parametrize(("changed", "code"), [({"BV": "0"}, "energy_flagged"), ({"SP": "0"}, "end_missing")])
def test_a_session_line_that_says_it_is_not_for_billing_is_not(changed: dict[str, str], code: str) -> None:
    checked = evidence.check(pcdf(**changed), [b"\x04" + point(K256)])
    assert checked.verdict is Verdict.VALID
    assert checked.energy_wh is None
    assert code in {f.code for f in checked.findings}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"128.8.0(SG:00)", "field_missing"),
        (pcdf(RV="3.276*kWh"), "field_type"),
        (pcdf(ST="261301120000"), "field_type"),
        (pcdf(HW="1234567890)("), "not_pcdf"),
        (pcdf().replace(b"(TV:1)", b"(TV:1)(TV:0)"), "field_doubled"),
        (pcdf() + b"(DT:0)", "field_doubled"),
        (pcdf() + b"(XX:0)", "not_pcdf"),
        (b"128.8.0(" + b"A" * 5000, "too_large"),
        (b"128.8.0(ST:\xff)", "not_pcdf"),
        (sml.START + bytes(16), "not_sml"),
        (edl_sml()[:-4], "not_sml"),
        (b"<signedMeterValue/>", "field_missing"),
        (b"<!DOCTYPE Billing><Billing/>", "format_unknown"),
        (b"<Billing><!ENTITY></Billing>", "bad_xml"),
        (b"<Billing/>", "layout_unsupported"),
        (b"<Billing>" + b"<a>" * 50 + b"</a>" * 50 + b"</Billing>", "too_deep"),
        (edl_xml().replace(b"ECDSA192SHA256", b"none"), "layout_unsupported"),
        (edl_xml().replace(b"<encodingMethod>EDL</encodingMethod>", b""), "field_missing"),
        (mennekes().replace(b"<Value>123450</Value>", b"<Value>1e9</Value>"), "field_type"),
        (mennekes().replace(b"<Value>123450</Value>", b"<Value>1</Value><Value>2</Value>"), "field_doubled"),
    ],
)
def test_what_is_no_record_is_unreadable_with_its_reason(raw: bytes, reason: str) -> None:
    checked = evidence.check(raw, [point(K256)])
    assert (checked.verdict, checked.reason) == (Verdict.UNREADABLE, reason)


def test_a_transaction_of_isa_holds_begin_and_end_and_its_contexts_are_signed() -> None:
    begun, during, ended = isa(0, 123_450, 24, 0), isa(1, 123_950, 24, 300), isa()
    meaning = evidence.parse_transaction([begun, during, ended])
    assert str(meaning.energy_wh) == "100.0"
    assert [r.moment for r in meaning.readings] == [Moment.BEGIN, Moment.DURING, Moment.END]
    assert evidence.check(during, [point(K256)]).energy_wh is None
    assert "end_missing" in {f.code for f in evidence.check(during, [point(K256)]).findings}


def test_formats_do_not_mix_within_a_transaction() -> None:
    with pytest.raises(InputError):
        evidence.parse_transaction([edl_sml(), isa()])


@pytest.mark.parametrize("make", [edl_sml, edl_xml, mennekes, isa, pcdf])
def test_every_finding_has_its_effect(make: Callable[[], bytes]) -> None:
    meaning = evidence.parse_transaction([make()])
    assert {f.code for f in meaning.findings} <= EFFECTS.keys()
