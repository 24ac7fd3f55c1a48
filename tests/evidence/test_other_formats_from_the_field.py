"""Real records, `$WATTSEAL_VECTORS/other-formats`: verdicts as the names of the files promise."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from wattseal import evidence
from wattseal.bundle.files import check_file
from wattseal.bundle.report import Outcome
from wattseal.evidence import xml_transparency
from wattseal.evidence.format import Checked
from wattseal.model.verdict import Verdict

FOLDER = os.environ.get("WATTSEAL_VECTORS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WATTSEAL_VECTORS is not set: no records from the field")

EXPECTED: dict[str, list[tuple[str, Verdict, str]]] = {
    "ACU_falsch.metra.xml": [("EDL_40_MENNEKES", Verdict.INVALID, "signature_mismatch")],
    "ACU_korrekt.metra.xml": [("EDL_40_MENNEKES", Verdict.VALID, "signature_valid")],
    "test_mennekes_full.xml": [("EDL_40_MENNEKES", Verdict.VALID, "signature_valid")],
    "DataInvalid.pcdf": [("PCDF", Verdict.INVALID, "signature_mismatch")],
    "SIGinvalid.pcdf": [("PCDF", Verdict.INVALID, "signature_mismatch")],
    "valid.pcdf": [("PCDF", Verdict.VALID, "signature_valid")],
    "edl-40-01.xml": [("EDL_40_P", Verdict.VALID, "signature_valid")],
    "edl-40-02.xml": [("EDL_40_P", Verdict.VALID, "signature_valid")],
    "isa-edl-40p-ok.xml": [("ISA_EDL_40_P", Verdict.VALID, "signature_valid")],
    "isa-edl-40p-data-fail.xml": [("SML", Verdict.UNREADABLE, "crc_mismatch")],
    "isa-edl-40p-sign-fail.xml": [("ISA_EDL_40_P", Verdict.UNKNOWN_KEY, "bad_key")],
    "isa-edl-40p-veri-fail.xml": [("ISA_EDL_40_P", Verdict.VALID, "signature_valid")],
    "wirelane.xml": [("EDL_40_SIG", Verdict.VALID, "signature_valid")] * 2,
}
"""`data-fail` was changed without its checksums, `sign-fail` has a key that is no point of its curve. `veri-fail` is,
record and key, byte for byte `ok` under another title (see below): only the user interface it was made for tells them
apart, by whether "verify" has been pressed."""


def data(name: str) -> bytes:
    assert FOLDER is not None
    return (Path(FOLDER) / "other-formats" / name).read_bytes()


def checked(name: str) -> list[Checked]:
    raw = data(name)
    single = evidence.format_of(raw)
    if single is None:
        return [xml_transparency.check(value) for value in xml_transparency.read(raw)]
    key = single.own_key(raw)
    return [single.check(raw, () if key is None else (key,))]


@pytest.mark.parametrize("name", EXPECTED)
def test_verdicts_are_what_the_files_names_promise(name: str) -> None:
    assert [(c.format, c.verdict, c.reason) for c in checked(name)] == EXPECTED[name]


def test_every_file_is_expected() -> None:
    assert FOLDER is not None
    assert {path.name for path in (Path(FOLDER) / "other-formats").iterdir()} == EXPECTED.keys()


def test_the_file_not_verified_is_the_good_one_under_another_title() -> None:
    good, titled = (xml_transparency.read(data(f"isa-edl-40p-{kind}.xml")) for kind in ("ok", "veri-fail"))
    assert [(v.data, v.key) for v in good] == [(v.data, v.key) for v in titled]


@pytest.mark.parametrize(
    ("name", "energy_wh", "serial"),
    [
        ("ACU_korrekt.metra.xml", "0.5", "0901454D4800007F87B0"),
        ("test_mennekes_full.xml", "141.9", "0901454D4800005BAE2F"),
        ("isa-edl-40p-ok.xml", "22329.4", "09014953410000000001"),
        ("valid.pcdf", "3276", "12345678901"),
    ],
)
def test_energy_and_meter_are_those_the_markets_own_software_shows(name: str, energy_wh: str, serial: str) -> None:
    (one,) = checked(name)
    assert str(one.energy_wh) == energy_wh
    assert one.meaning is not None
    assert one.meaning.serials() == {serial}


def test_two_signed_values_of_one_contract_are_a_transaction() -> None:
    report = check_file(data("wirelane.xml"), None, None).report
    assert (report.verdict, report.energy_wh) == (Outcome.VALID, Decimal(0))
    assert "bounds_unstated" in {f.code for r in report.records for f in r.findings}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_command_says_the_same_and_gives_no_grade_for_a_key_that_came_with_the_file(name: str) -> None:
    found = check_file(data(name), None, None)
    assert [r.verdict for r in found.report.records] == [verdict for _, verdict, _ in EXPECTED[name]]
    assert found.report.grade is None
    assert found.key_source == "file"


@pytest.mark.parametrize("name", [n for n, told in EXPECTED.items() if told[0][1] is Verdict.VALID])
def test_no_flipped_byte_of_a_real_record_is_valid_with_other_values(name: str) -> None:
    for raw, key in signed(name):
        told = evidence.check(raw, [key])
        step = 1 if len(raw) < 1600 else 3
        for at in range(0, len(raw), step):
            spoilt = raw[:at] + bytes([raw[at] ^ 1 << at % 7]) + raw[at + 1 :]
            now = evidence.check(spoilt, [key])
            assert now.verdict is not Verdict.VALID or now.meaning == told.meaning


def signed(name: str) -> list[tuple[bytes, bytes]]:
    raw = data(name)
    single = evidence.format_of(raw)
    found = [(raw, None)] if single else [(v.data or b"", v.key) for v in xml_transparency.read(raw)]
    pairs = []
    for record, key in found:
        known = evidence.format_of(record)
        own = key or (known.own_key(record) if known else None)
        assert own is not None
        pairs.append((record, own))
    return pairs
