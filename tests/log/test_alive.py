"""The statement that alarms are told: read as it was signed, and what speaks against one."""

from typing import Any

import pytest
from tests.support.alive import KEY, OTHER, TOLD, told

from wattseal.base.errors import InputError
from wattseal.log import note
from wattseal.log.alive import Alive, is_late, troubles
from wattseal.log.checkpoint import Checkpoint
from wattseal.model.alarm import Severity

NONE = dict.fromkeys(Severity, 0)


def test_a_statement_is_read_as_it_was_signed() -> None:
    assert Alive.verify(TOLD.sign(KEY).encode(), KEY.verifier) == TOLD
    first = told(chain=(0, ""), standing=NONE, opened=0, closed=0, cleared=0)
    assert Alive.verify(first.sign(KEY).encode(), KEY.verifier) == first


def test_a_statement_changed_or_signed_by_another_key_is_unsigned() -> None:
    data = TOLD.sign(KEY).encode()
    for forged in (data.replace(b"critical=1", b"critical=0"), TOLD.sign(OTHER).encode()):
        with pytest.raises(InputError) as caught:
            Alive.verify(forged, KEY.verifier)
        assert caught.value.code == "unsigned"


def test_a_statement_is_no_checkpoint_and_a_checkpoint_no_statement() -> None:
    with pytest.raises(InputError):
        Checkpoint.parse(TOLD.sign(KEY).text)
    checkpoint = note.sign(Checkpoint("CPO/log", 64, b"\x05" * 32).text(), KEY)
    with pytest.raises(InputError) as caught:
        Alive.verify(checkpoint.encode(), KEY.verifier)
    assert caught.value.code == "bad_statement"


@pytest.mark.parametrize("line", [b"opened 6", b"standing critical=1", b"chain 11", b"at 1"])
def test_a_line_that_is_missing_or_spelled_otherwise_is_named(line: bytes) -> None:
    text = TOLD.sign(KEY).text
    for spoiled in (text.replace(line, b"x" + line), text.replace(line, line.split(b" ")[0] + b" -1")):
        with pytest.raises(InputError):
            Alive.verify(note.sign(spoiled, KEY).encode(), KEY.verifier)


def test_nothing_speaks_against_an_honest_sequence() -> None:
    later = told(at_ms=TOLD.at_ms + 15_000, standing=NONE, closed=5, chain=(14, "cd" * 32), size=80, root=b"\x06" * 32)
    assert troubles(TOLD, None) == ()
    assert troubles(later, TOLD) == ()
    assert troubles(TOLD, TOLD) == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"standing": NONE}, "alarms_uncounted"),
        ({"chain": (8, "ab" * 32)}, "alarm_records_missing"),
        ({"restored": 1}, "alarm_rows_removed"),
        ({"standing": NONE, "opened": 3}, "alarm_count_fell"),
        ({"chain": (10, "ef" * 32)}, "alarm_log_shrank"),
        ({"chain": (11, "ef" * 32)}, "alarm_log_differs"),
        ({"size": 63}, "log_shrank"),
        ({"root": b"\x09" * 32}, "log_differs"),
        ({"at_ms": TOLD.at_ms - 1}, "older_statement"),
        ({"origin": "CPO/other"}, "another_origin"),
    ],
)
def test_alarms_that_become_fewer_without_records_are_named(changes: dict[str, Any], code: str) -> None:
    assert code in {found.code for found in troubles(told(**changes), TOLD)}


def test_a_statement_grows_old() -> None:
    assert not is_late(TOLD, TOLD.at_ms + 120_000, 120_000)
    assert is_late(TOLD, TOLD.at_ms + 120_001, 120_000)
