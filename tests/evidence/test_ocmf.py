"""OCMF: signature and meaning are two things."""

import dataclasses
import json
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyocmf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.examples import examples
from tests.support.meters import METER, METER_KEY, METER_SPKI, NOON, reading, single, transaction

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence import ecdsa, ocmf
from wattseal.evidence.findings import EFFECTS
from wattseal.evidence.format import Clock
from wattseal.evidence.ocmf_build import build
from wattseal.evidence.ocmf_meaning import continuity, meaning_of
from wattseal.evidence.ocmf_record import Page, parse
from wattseal.model.verdict import Verdict

DOCS = Path(__file__).parents[2] / "docs" / "spec" / "evidence.md"
RECORD = transaction()
PAYLOAD_END = RECORD.rindex(b"|")
decimals = st.decimals(0, 10**9, places=3)


def codes(*records: bytes) -> set[str]:
    return {f.code for f in meaning_of(*(parse(record) for record in records)).findings}


def test_meter_s_record_is_valid_and_says_its_energy() -> None:
    checked = evidence.check(RECORD, [METER_SPKI])
    assert (checked.verdict, checked.energy_wh, checked.findings) == (Verdict.VALID, Decimal("12345.6"), ())
    assert checked.meaning is not None
    assert checked.meaning.serials() == {"METER-1"}
    assert checked.meaning.page == "T28"
    assert [(r.at, r.clock) for r in checked.meaning.readings[:1]] == [(NOON, Clock.SYNCHRONISED)]


@given(st.integers(5, PAYLOAD_END - 1), st.integers(1, 255))
@settings(max_examples=examples(200))
def test_any_changed_payload_byte_is_never_valid(position: int, flip: int) -> None:
    forged = bytearray(RECORD)
    forged[position] ^= flip
    checked = evidence.check(bytes(forged), [METER_SPKI])
    assert checked.verdict in {Verdict.INVALID, Verdict.UNREADABLE}
    assert checked.energy_wh is None


def test_unchanged_record_is_valid_which_gives_the_test_above_its_meaning() -> None:
    assert evidence.check(bytes(bytearray(RECORD)), [METER_SPKI]).verdict is Verdict.VALID


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda tail: b"OCMF|" + tail))
@settings(max_examples=examples(200))
def test_noise_is_unreadable_and_never_an_exception(raw: bytes) -> None:
    assert evidence.check(raw, [METER_SPKI]).verdict is Verdict.UNREADABLE


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.text(st.characters(exclude_characters="|"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["TM", "TX", "RV", "ST"]), inner),
    max_leaves=6,
)


@given(st.sampled_from(["FV", "PG", "MS", "IS", "IL", "IF", "IT", "ID", "TT", "RD", "LC"]), json_values)
@settings(max_examples=examples(200))
def test_any_value_in_any_field_is_a_finding_or_unreadable_never_an_exception(key: str, value: object) -> None:
    fields = json.loads(RECORD.split(b"|")[1])
    payload = json.dumps({**fields, key: value}).encode()
    checked = evidence.check(b"OCMF|" + payload + b'|{"SD":"00"}', [METER_SPKI])
    assert checked.verdict in {Verdict.INVALID, Verdict.UNREADABLE}
    assert all(f.code in EFFECTS for f in checked.findings)


@given(decimals, decimals)
@settings(max_examples=examples(100))
def test_energy_is_the_exact_difference_of_the_register(begin_wh: Decimal, more_wh: Decimal) -> None:
    checked = evidence.check(transaction(begin_wh=str(begin_wh), end_wh=str(begin_wh + more_wh)), [METER_SPKI])
    assert checked.energy_wh == more_wh


def test_zeros_of_a_reading_are_kept() -> None:
    assert b'"RV":1000.0,' in RECORD
    assert str(parse(RECORD).readings[0].value) == "1000.0"


def test_begin_and_end_in_two_records_make_one_transaction() -> None:
    begin, end = single(METER, "B", "1000.0"), single(METER.turned(), "L", "2500.5", 20)
    together = meaning_of(parse(begin), parse(end))
    assert (together.energy_wh, together.page, together.findings) == (Decimal("1500.5"), "T28-T29", ())
    assert evidence.check(begin, [METER_SPKI]).energy_wh is None
    assert codes(begin) == {"end_missing"}


def test_transaction_is_read_from_its_records_whatever_their_format() -> None:
    begin, end = single(METER, "B", "1000.0"), single(METER.turned(), "E", "2500.5", 20)
    assert evidence.parse_transaction([begin, end]).energy_wh == Decimal("1500.5")
    for broken in ([], [b"EDL"], [begin, b"EDL"], [b"OCMF|x|y"]):
        with pytest.raises(InputError):
            evidence.parse_transaction(broken)


def test_missing_page_between_begin_and_end_is_named() -> None:
    begin, end = single(METER, "B", "1000.0"), single(METER.turned().turned(), "E", "2500.5", 20)
    (gap,) = (f for f in meaning_of(parse(begin), parse(end)).findings if f.code == "page_gap")
    assert gap.detail == "T28 -> T30"


def test_swapped_foreign_and_rewound_neighbours_are_named() -> None:
    first, second = parse(single(METER, "B", "1000.0")), parse(single(METER.turned(), "E", "2500.5", 20))
    assert {f.code for f in continuity([second, first])} == {"page_order", "time_backwards", "register_decreasing"}
    stranger = parse(single(dataclasses.replace(METER.turned(), meter_serial="METER-2"), "E", "2500.5", 20))
    assert {f.code for f in continuity([first, stranger])} == {"meter_changed"}
    assert continuity([first, second]) == ()


def test_pages_are_counted_apart_in_each_context() -> None:
    first, second = parse(single(METER, "B", "1000.0")), parse(single(METER.turned(), "E", "2500.5", 20))
    fiscal = dataclasses.replace(parse(single(METER, "", "2000.0", 10)), page=Page("F", 3))
    assert {f.code for f in continuity([first, fiscal, second])} == set()
    later = dataclasses.replace(fiscal, page=Page("F", 5))
    assert {f.code for f in continuity([fiscal, later])} == {"page_gap"}
    assert {f.code for f in continuity([later, fiscal])} == {"page_order"}
    assert "F3 -> F5" in {f.detail for f in continuity([first, fiscal, later, second])}


def test_two_transactions_glued_together_give_no_energy() -> None:
    meaning = meaning_of(parse(transaction()), parse(transaction(METER.turned())))
    assert meaning.energy_wh is None
    assert {"begin_doubled", "end_doubled"} <= {f.code for f in meaning.findings}


def test_builder_refuses_what_the_format_cannot_say() -> None:
    with pytest.raises(InputError):
        build(dataclasses.replace(METER, meter_serial="A|B"), [reading("B", "1")], METER_KEY)
    with pytest.raises(InputError):
        build(METER, [reading("B", "1")], SigningKey.from_seed(Algorithm.ED25519, b"e" * 32))


def test_builder_never_writes_a_card_s_uid_type() -> None:
    assert parse(RECORD).identity_type == "CENTRAL"
    assert parse(build(METER, [reading("B", "1")], METER_KEY)).identity_type == "NONE"


def test_second_implementation_reads_and_verifies_our_records() -> None:
    theirs = pyocmf.OCMF.from_string(RECORD.decode())
    key = pyocmf.PublicKey.from_string(METER_SPKI.hex())
    assert theirs.verify_signature(key)
    assert [r.RV for r in theirs.payload.RD] == [Decimal("1000.0"), Decimal("13345.6")]


def test_every_finding_and_reason_is_documented() -> None:
    section = DOCS.read_text("utf-8").partition("## OCMF 1.x\n")[2].partition("\n## ")[0]
    documented = Counter(line.split("`")[1] for line in section.splitlines() if line.startswith("| `"))
    for code, effect in EFFECTS.items():
        assert documented[code] == 1, code
        assert f"| `{code}` | {effect.value} |" in DOCS.read_text("utf-8")
    source = "".join(Path(room.__file__ or "").read_text("utf-8") for room in (ocmf, ecdsa))
    for reason in ("signature_valid", "signature_mismatch", "key_curve_mismatch", "signature_not_der", "no_key"):
        assert reason in source
        assert documented[reason] == 1, reason
