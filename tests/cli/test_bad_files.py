"""docs/reference/bad-input.md, what a file is judged: `wattseal verify` on files that are not what they should be."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.bad_input import documented
from tests.support.meters import METER_SPKI, transaction
from tests.support.worlds import sealed_charge, trust

from wattseal.cli.main import run

FILES = documented("What a file is judged")
HONEST = sealed_charge().bundle.encode()
STRANGERS = trust(registries=(), logs=(), witnesses=(), quorum=1)


@dataclass
class Desk:
    """A folder and a way to ask; every file is judged under the charge's own trust file where none other is named."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def verify(self, data: bytes | None, *options: str, believed: bytes | None = None, name: str = "x.wsb") -> str:
        """Return what is said: exit code, then the verdict with its step, or the error's code."""
        file = self.folder / name
        if data is not None:
            file.write_bytes(data)
        trusted = self.folder / "trust.json"
        trusted.write_bytes(trust().to_json() if believed is None else believed)
        errors = io.StringIO()
        code = run(["verify", "--json", "--trust", str(trusted), *options, str(file)], errors)
        out = self.capsys.readouterr().out
        if not out:
            error = json.loads(errors.getvalue())["error"]
            assert len(error["text"]) > 15
            return f"exit {code}, `{error['code']}`"
        (report,) = json.loads(out)
        return f"exit {code}, {report['verdict']}"


def flipped(at: int) -> bytes:
    data = bytearray(HONEST)
    data[at] ^= 1
    return bytes(data)


OCMF = transaction()
JUDGE: dict[str, Callable[[Desk], str]] = {
    "an honest bundle": lambda d: d.verify(HONEST),
    "a bundle cut off in the middle": lambda d: d.verify(HONEST[: len(HONEST) // 2]),
    "a bundle without its last byte": lambda d: d.verify(HONEST[:-1]),
    "a bundle with a byte behind it": lambda d: d.verify(HONEST + b"\x00"),
    "a bundle with one flipped bit": lambda d: d.verify(flipped(len(HONEST) // 3)),
    "a bundle none of whose roots is trusted": lambda d: d.verify(HONEST, believed=STRANGERS.to_json()),
    "an empty file": lambda d: d.verify(b""),
    "random bytes": lambda d: d.verify(b"\x00garbage"),
    "a record nested 100 000 deep": lambda d: d.verify(b"\x81" * 100_000),
    "JSON instead of a bundle": lambda d: d.verify(b'{"a": 1}'),
    "a file that is not there": lambda d: d.verify(None),
    "a meter's record under its key": lambda d: d.verify(OCMF, "--public-key", METER_SPKI.hex()),
    "a meter's record and no key": lambda d: d.verify(OCMF),
    "a meter's record with another value": lambda d: d.verify(
        OCMF.replace(b"13345.6", b"23345.6"), "--public-key", METER_SPKI.hex()
    ),
    "a meter's record cut off": lambda d: d.verify(OCMF[:-20], "--public-key", METER_SPKI.hex()),
    "a trust file that is none": lambda d: d.verify(HONEST, believed=b"{"),
    "a key that is none": lambda d: d.verify(OCMF, "--public-key", "00ff"),
}


def test_the_page_and_this_file_list_the_same() -> None:
    assert list(FILES) == list(JUDGE)


@pytest.mark.parametrize("said", JUDGE)
def test_a_file_is_judged_as_the_page_says(tmp_path: Path, capsys: pytest.CaptureFixture[str], said: str) -> None:
    assert JUDGE[said](Desk(tmp_path, capsys)) == FILES[said]
