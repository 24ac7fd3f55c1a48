"""Real records from the field, `$WATTSEAL_VECTORS/ocmf`: verdicts as an independent check found them."""

import os
from pathlib import Path

import pyocmf
import pytest

from wattseal.base.errors import InputError
from wattseal.evidence import xml_transparency
from wattseal.evidence.ocmf_meaning import continuity
from wattseal.evidence.ocmf_record import parse
from wattseal.model.verdict import Verdict

FOLDER = os.environ.get("WATTSEAL_VECTORS")
pytestmark = pytest.mark.skipif(FOLDER is None, reason="WATTSEAL_VECTORS is not set: no records from the field")

V, INVALID, U = Verdict.VALID, Verdict.INVALID, Verdict.UNKNOWN_KEY
EXPECTED: dict[str, list[Verdict]] = {
    "keba_test_txn.xml": [V] * 100,
    "test_ocmf_keba_kcp30.xml": [V],
    "test_ocmf_keba_kcp30_fail.xml": [INVALID],
    "test_ocmf_ebee_01.xml": [V, V],
    "second_key_fail_ocmf.xml": [V, INVALID],
    "Ocmf_Example_OBIS_98.8.0_2.8.0.xml": [V],
    "nistP384_0Wh.xml": [V, V],
    "brainpoolP256r1.xml": [V, V],
    "20211007-device-with-evt-ocmf-sss-ses.xml": [V, V],
    "ocmf_tariff_1.xml": [V],
    "test_ocmf_transaction_two_values.xml": [U, U],
    "OCMF-receipt-with_import_and_export.xml": [INVALID],
    "OCMF-receipt-with_publickey_and_data.xml": [INVALID],
    "log4j_test1.xml": [U],
}


def read(name: str) -> tuple[xml_transparency.TransparencyValue, ...]:
    assert FOLDER is not None
    return xml_transparency.read((Path(FOLDER) / "ocmf" / name).read_bytes())


@pytest.mark.parametrize("name", EXPECTED)
def test_verdicts_agree_with_the_independent_check_record_by_record(name: str) -> None:
    assert [xml_transparency.check(value).verdict for value in read(name)] == EXPECTED[name]


def test_every_file_is_expected() -> None:
    assert FOLDER is not None
    assert {path.name for path in (Path(FOLDER) / "ocmf").iterdir()} == {*EXPECTED, "test_input_invalid_xml.xml"}


def test_xml_that_ends_early_is_unreadable() -> None:
    with pytest.raises(InputError) as caught:
        read("test_input_invalid_xml.xml")
    assert caught.value.code == "bad_xml"


def test_one_meter_s_pages_run_through_a_hundred_transactions() -> None:
    records = [parse(value.data or b"") for value in read("keba_test_txn.xml")]
    assert {f.code for f in continuity(records)} <= {"time_backwards"}
    assert "page_gap" in {f.code for f in continuity(records[:5] + records[6:])}


def test_hostile_key_text_shows_up_nowhere() -> None:
    (value,) = read("log4j_test1.xml")
    assert value.key is None
    assert "jndi" not in repr(xml_transparency.check(value))


@pytest.mark.filterwarnings("ignore::pyocmf.SpecWarning")
@pytest.mark.parametrize(
    "name", [name for name in EXPECTED if not name.startswith(("OCMF-receipt", "log4j", "second"))]
)
def test_second_implementation_agrees_wherever_it_can_compute(name: str) -> None:
    for value in read(name):
        assert value.data is not None
        assert value.key is not None
        ours = xml_transparency.check(value).verdict
        try:
            record = pyocmf.OCMF.from_string(value.data.decode().strip())
            theirs = record.verify_signature(pyocmf.PublicKey.from_string(value.key.hex()))
        except pyocmf.PyOCMFError:
            assert ours is U, "only one of the two reads it"
            continue
        assert (ours is V) == theirs
