"""The vehicle of the PyPI package `iso15118` signs receipts as its EVCC does: we read and verify what it says.

Optional (`make receipts-live`): the package needs Java, and an environment of its own for what it stands on.
"""

import itertools
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from tests.support.pki import subject
from tests.support.receipts import VALID, Vehicle, authority, receipt_exi, signed_info_exi

from wattseal.evidence.iso15118_exi import MeterInfo, MeteringReceipt, read_signed_info
from wattseal.evidence.iso15118_receipt import check_at, encode, read
from wattseal.model.verdict import Verdict

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-iso15118" / "bin" / "python"
if not PYTHON.exists():
    pytest.skip("the package iso15118 is not installed: make receipts-live", allow_module_level=True)
if shutil.which("java") is None:
    pytest.skip("there is no java, which the package's codec is written in", allow_module_level=True)
Made = tuple[MeteringReceipt, bytes, bytes, bytes]
MAX_READING_WH = 999_999_999
"""The package's own limit (8.5.2.27)."""


def told(draw: random.Random, *, reading: bool, signature: bool, status: bool, time: bool) -> MeteringReceipt:
    name = "".join(draw.choices("ABCabc0189-_.:/ äßŁ€", k=draw.randint(1, 32)))
    meter = MeterInfo(
        meter_id=name,
        reading_wh=draw.choice([0, 1, 127, 128, 16_384, MAX_READING_WH]) if reading else None,
        signature=draw.randbytes(draw.choice([1, 63, 64])) if signature else None,
        status=draw.choice([-32_768, -129, -1, 0, 1, 127, 128, 32_767]) if status else None,
        time_s=draw.choice([-(2**40), -1, 0, 1_772_000_000, 2**33]) if time else None,
    )
    session = draw.randbytes(8)
    return MeteringReceipt(draw.choice(["id1", "ID-2_x"]), session, draw.choice([1, 2, 255]), meter)


@pytest.fixture(scope="module")
def car() -> Vehicle:
    root = authority("MO Root")
    sub = authority("MO Sub", root)
    return Vehicle(root, sub, sub.issue(subject("DETSTC00012345"), valid=VALID))


@pytest.fixture(scope="module")
def made(car: Vehicle, tmp_path_factory: pytest.TempPathFactory) -> list[Made]:
    folder = tmp_path_factory.mktemp("vehicle")
    draw = random.Random(15118)  # noqa: S311 - a sample
    flags = itertools.product([False, True], repeat=4)
    return sign(car, folder, [told(draw, reading=r, signature=g, status=s, time=t) for r, g, s, t in flags])


def sign(car: Vehicle, folder: Path, receipts: list[MeteringReceipt]) -> list[Made]:
    key = folder / "contract.pem"
    pem = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    key.write_bytes(car.contract.key.private_bytes(*pem))
    script = Path(__file__).with_name("iso15118_vehicle.py")
    asked = json.dumps({"key": str(key), "receipts": [_asked(r) for r in receipts]})
    run = subprocess.run(  # noqa: S603 - our own script and its own Python
        [PYTHON, script], input=asked, capture_output=True, text=True, check=True, cwd=folder, timeout=300
    )
    parts = json.loads(run.stdout.strip().splitlines()[-1])
    made = []
    for receipt, (fragment, signed_info, signature) in zip(receipts, parts, strict=True):
        made.append((receipt, bytes.fromhex(fragment), bytes.fromhex(signed_info), bytes.fromhex(signature)))
    return made


def _asked(receipt: MeteringReceipt) -> list[Any]:
    meter = receipt.meter
    signature = None if meter.signature is None else meter.signature.hex()
    head = [receipt.id, receipt.session_id.hex().upper(), receipt.schedule_tuple_id]
    return [*head, meter.meter_id, meter.reading_wh, signature, meter.status, meter.time_s]


def test_every_receipt_of_the_vehicle_is_read_and_valid(car: Vehicle, made: list[Made]) -> None:
    for receipt, fragment, signed_info, signature in made:
        raw = encode(fragment, signed_info, signature, car.chain)
        assert read(raw).told == receipt
        assert check_at(raw, car.roots, VALID[0]).verdict is Verdict.VALID


def test_its_codec_and_our_reading_know_one_spelling(made: list[Made]) -> None:
    for receipt, fragment, signed_info, _ in made:
        assert receipt_exi(receipt) == fragment
        assert signed_info_exi(read_signed_info(signed_info)) == signed_info


def test_where_its_codec_leaves_the_schema_we_do_not_follow(car: Vehicle, tmp_path: Path) -> None:
    """Without the optional SAScheduleTupleID, EXIficient as it is used there writes an event outside of the schema."""
    told_less = MeteringReceipt("id1", b"12345678", None, MeterInfo("M1", 5))
    ((_, fragment, signed_info, signature),) = sign(car, tmp_path, [told_less])
    assert fragment != receipt_exi(told_less)
    checked = check_at(encode(fragment, signed_info, signature, car.chain), car.roots, VALID[0])
    assert (checked.verdict, checked.reason) == (Verdict.UNREADABLE, "exi_malformed")
