"""The benchmarks run and say what they measured; no figure is judged."""

import json

import pytest
from bench.load import prepare
from bench.measure import Row, at_least, seconds_each, table
from bench.messages import MESSAGES_EACH

from bench import __main__ as program
from bench import seal, verifier, wire_bytes


def test_a_missed_target_is_printed_as_missed() -> None:
    target, met = at_least(9.9, 10)
    text = table([Row("speed", "ours", 1234.5, "msg/s", 9.9, "theirs", target, met, "the disk")])
    assert "| ours | 1,234 msg/s | 9.9x theirs | >= 10x | **missed**; the disk |" in text


def test_competitors_take_turns() -> None:
    order: list[str] = []
    each = seconds_each({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3, batch_s=0.0001)
    assert set(each) == {"a", "b"}
    assert order.index("b") < len(order) - order[::-1].index("a") - 1


@pytest.mark.parametrize("module", [seal, verifier, wire_bytes])
def test_a_quick_run_measures_something(module: object) -> None:
    rows = module.measure(quick=True)  # type: ignore[attr-defined] # every module of the benchmark has it
    assert all(row.value > 0 for row in rows)


@pytest.mark.parametrize("signed", [False, True])
def test_the_load_is_the_transaction_the_targets_speak_of(*, signed: bool) -> None:
    frames = [json.loads(frame) for frame in prepare(7, 3, signed=signed)]
    assert len(frames) == MESSAGES_EACH
    assert [frame[2] for frame in frames].count("MeterValues") == 10
    assert len({frame[1] for frame in frames}) == MESSAGES_EACH
    sizes = {len(frame) for frame in prepare(7, 3, signed=signed) if b"MeterValues" in frame}
    assert all(490 <= size <= 510 for size in sizes)
    assert ("transactionData" in frames[-1][3]) is signed


def test_the_table_names_commit_and_machine() -> None:
    assert program.commit()
    assert {"cpu", "python", "cryptography"} <= program.machine().keys()


def test_what_stands_for_itself_is_kept_alone() -> None:
    assert program.kept_as(program.MODULES) == ""
    assert program.kept_as(["month"]) == "-month"
    assert program.kept_as(["dashboard", "pages"]) == "-dashboard-pages"
    assert program.kept_as(["codec"]) is None
    assert program.kept_as(["dashboard", "codec"]) is None
