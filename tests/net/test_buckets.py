"""What one station may say: counted, never at the cost of a transaction."""

from dataclasses import replace
from datetime import UTC, datetime

import msgspec
import pytest

from wattseal.net.buckets import STOP_LANE, Allowance, Rates
from wattseal.wire.ocpp.rpc import Call, Event, Send, Violation
from wattseal.wire.ocpp.version import Fault, Refusal

RATES = Rates(messages=10, messages_per_s=2.0, bytes=1000, bytes_per_s=100.0)
AT = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    at_s = 0.0

    def now(self) -> float:
        return self.at_s


def call(action: str, kind: type[Call] = Call) -> Call:
    return kind("1", action, msgspec.Raw(b"{}"), b"", AT)


def said(allowance: Allowance, event: Event, size: int = 0) -> tuple[bool, float]:
    return (True, 0.0) if allowance.covers(event, size) else allowance.settle(event)


def test_calls_beyond_the_count_are_refused_and_come_back_with_time() -> None:
    clock = Clock()
    allowance = Allowance(RATES, clock.now)
    assert [said(allowance, call("Heartbeat"))[0] for _ in range(12)] == [True] * 10 + [False] * 2
    clock.at_s += 1
    assert [said(allowance, call("StatusNotification"))[0] for _ in range(4)] == [True, True, False, False]
    clock.at_s += 3600
    assert sum(said(allowance, call("Heartbeat"))[0] for _ in range(100)) <= 2 * RATES.messages


@pytest.mark.parametrize("action", sorted(STOP_LANE))
def test_what_carries_a_transaction_is_never_refused(action: str) -> None:
    allowance = Allowance(RATES, Clock().now)
    for _ in range(100):
        said(allowance, call("Heartbeat"))
    assert [said(allowance, call(action)) for _ in range(1000)] == [(True, 0.0)] * 1000


def test_too_many_bytes_are_read_later_whatever_they_say() -> None:
    clock = Clock()
    allowance = Allowance(RATES, clock.now)
    assert said(allowance, call("StopTransaction"), 1000) == (True, 0.0)
    assert said(allowance, call("StopTransaction"), 500) == (True, 5.0)
    clock.at_s += 5
    assert said(allowance, call("NotifyPeriodicEventStream", Send), 100) == (True, 1.0), "nobody answers a SEND"


def test_what_is_no_call_counts_by_its_size() -> None:
    allowance = Allowance(replace(RATES, bytes=1_000_000), Clock().now)
    violation = Violation(Refusal(Fault.UNREADABLE, "x"), b"", b"")
    assert said(allowance, violation, 9 * 1024) == (True, 0.0)
    assert said(allowance, violation, 5 * 1024) == (True, 3.0)
