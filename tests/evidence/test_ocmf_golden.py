"""docs/spec/vectors/ocmf: what any implementation must say of each record."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from wattseal import evidence

VECTORS = sorted((Path(__file__).parents[2] / "docs" / "spec" / "vectors" / "ocmf").glob("*.json"))


def load(path: Path) -> tuple[bytes, list[bytes], dict[str, Any]]:
    vector = json.loads(path.read_text(encoding="utf-8"))
    raw = bytes.fromhex(vector["record_hex"]) if "record_hex" in vector else vector["record"].encode()
    return raw, [bytes.fromhex(k) for k in vector["keys"]], vector["expect"]


def test_there_are_vectors() -> None:
    assert len(VECTORS) > 60


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_record_reads_as_the_specification_says(path: Path) -> None:
    raw, keys, expect = load(path)
    checked = evidence.check(raw, keys)
    assert (checked.verdict.value, checked.reason) == (expect["verdict"], expect["reason"])
    assert sorted({f.code for f in checked.findings}) == expect["findings"]
    expected = None if expect["energy_wh"] is None else Decimal(expect["energy_wh"])
    assert checked.energy_wh == expected
