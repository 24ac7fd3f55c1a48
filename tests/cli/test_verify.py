import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.charges import START_MS, charge, pen
from tests.support.shared_vectors import vectors
from tests.support.worlds import EDGE_KEY, EMSP_KEY, sealed_charge, trust

from wattseal.bundle.build import build_bundle
from wattseal.bundle.check import check_bundle
from wattseal.cli import bundle as bundle_cli
from wattseal.model.token import TokenStatus
from wattseal.seal.fields import Decision
from wattseal.seal.item import Kind

README = {
    "keba_test_txn.xml": ["VALID"] * 100,
    "test_ocmf_keba_kcp30.xml": ["VALID"],
    "test_ocmf_keba_kcp30_fail.xml": ["INVALID"],
    "test_ocmf_ebee_01.xml": ["VALID", "VALID"],
    "second_key_fail_ocmf.xml": ["VALID", "INVALID"],
    "Ocmf_Example_OBIS_98.8.0_2.8.0.xml": ["VALID"],
    "nistP384_0Wh.xml": ["VALID", "VALID"],
    "brainpoolP256r1.xml": ["VALID", "VALID"],
    "20211007-device-with-evt-ocmf-sss-ses.xml": ["VALID", "VALID"],
    "ocmf_tariff_1.xml": ["VALID"],
    "test_ocmf_transaction_two_values.xml": ["UNKNOWN_KEY", "UNKNOWN_KEY"],
    "OCMF-receipt-with_import_and_export.xml": ["INVALID"],
    "OCMF-receipt-with_publickey_and_data.xml": ["INVALID"],
    "log4j_test1.xml": ["UNKNOWN_KEY"],
    "test_input_invalid_xml.xml": [],
}
FILE_VERDICTS = {"VALID": 0, "INVALID": 1, "INCOMPLETE": 2, "UNREADABLE": 3}


def run(*args: str | Path) -> tuple[int, str]:
    words = [str(a) for a in args]
    code = f"import sys, wattseal.cli.verify as v; sys.exit(v.app({words!r}, result_action='return_value'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


def test_a_bundle_shows_by_what_its_driver_was_identified_and_in_whose_word() -> None:
    said = Decision(TokenStatus.ACCEPTED, bytes(16), 2**40, identified=("TRUSTED", b"\x5c" * 32))
    desk = pen("MSP/authorisation", key=EMSP_KEY, stream=0, seed="billing")
    desk.write(Kind.BOOT, START_MS - 3500)
    decision = desk.write(Kind.DECISION, START_MS - 3000, public=said.to_public())
    made = build_bundle(charge(pen(key=EDGE_KEY), refs=(decision.hash,)), proofs=[], others=[decision])
    told = list(bundle_cli.lines(made, check_bundle(made.encode(), None)))
    place = told.index("Identified by what was shown, in the word of MSP/authorisation")
    assert told[place + 1] == f"  TRUSTED, SHA-256 {'5c' * 32}"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    honest = sealed_charge().bundle.encode()
    contents = {
        "honest.wsb": honest,
        "cut.wsb": honest[:-20],
        "sealed.wsb": sealed_charge(opened=False).bundle.encode(),
        "garbage": b"\x00garbage",
        "empty": b"",
        "trust.json": trust().to_json(),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in contents}


def test_the_shared_records_are_judged_as_their_readme_says() -> None:
    folder = vectors() / "ocmf"
    code, out = run("--json", *(folder / name for name in README))
    reports = {Path(r["path"]).name: r for r in json.loads(out)}
    assert {name: [r["verdict"] for r in report["records"]] for name, report in reports.items()} == README
    assert code == 1
    assert all(r["key_source"] == "file" and r["grade"] is None for r in reports.values() if r["records"])


def test_exit_codes_put_invalid_before_unreadable_before_incomplete(files: dict[str, Path]) -> None:
    believe = ("--trust", files["trust.json"])
    assert run(files["honest.wsb"], *believe)[0] == 0
    assert run(files["sealed.wsb"], files["honest.wsb"], *believe)[0] == 2
    assert run(files["sealed.wsb"], files["cut.wsb"], *believe)[0] == 3
    assert run(files["garbage"], *believe)[0] == 3
    assert run(files["empty"], *believe)[0] == 3
    assert run(files["honest.wsb"].parent / "missing", *believe)[0] == 3


def test_json_says_path_verdict_grade_source_energy_steps_and_records(files: dict[str, Path]) -> None:
    code, out = run(files["honest.wsb"], "--trust", files["trust.json"], "--json")
    [report] = json.loads(out)
    assert code == 0
    assert report["path"] == str(files["honest.wsb"])
    assert (report["verdict"], report["grade"], report["source"]) == ("VALID", "G4", "edge")
    assert report["energy_wh"] == "2000"
    assert [s["step"] for s in report["steps"]] == list(range(13))
    assert {r["format"] for r in report["records"]} == {"wattseal"}


def test_hostile_text_is_shown_disarmed() -> None:
    _, out = run(vectors() / "ocmf" / "log4j_test1.xml")
    assert "${" not in out


def test_a_bundle_is_told_in_plain_words(files: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle_cli.show(files["honest.wsb"], trust=files["trust.json"]) == 0
    told = capsys.readouterr().out
    for words in ("VALID at G4, signed at the edge", "energy: 2000 Wh", "cosigned by witness/MSP", "meter: ARB, MSP"):
        assert words in told


def test_the_verifier_loads_no_server_database_or_network_code() -> None:
    code = "import sys, wattseal.cli.verify, wattseal.cli.bundle; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    loaded = done.stdout.split()
    assert "wattseal.bundle.check" in loaded
    assert not {"asyncio", "aiohttp", "sqlalchemy", "sqlite3", "litestar", "picows", "uvicorn"} & set(loaded)
    rooms = {m.split(".")[1] for m in loaded if m.startswith("wattseal.")}
    assert not {"serve", "dial", "stores", "flow", "wire", "app"} & rooms
