"""How much one station may say: token buckets that never refuse a transaction's message.

Two lanes. What transactions are made of has its own: it is read later when there is too much of it, by its bytes, and
never refused. Every other call is also counted; beyond that count it is answered with an error at once, so that a flood
of it holds up nothing. What is no call at all counts by its size, and is read later too.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wattseal.wire.ocpp.rpc import Call, Event, Violation

STOP_LANE = frozenset(
    action + ending
    for action in ("StartTransaction", "StopTransaction", "TransactionEvent", "MeterValues", "DataTransfer")
    for ending in ("", "-Signed")
)
"""Actions that carry transactions; DataTransfer carries the records of sealed ones in 1.6."""
VIOLATION_BYTES = 1024
"""So many bytes of a violation count as a message: to say what is wrong with it took as long."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What a station may say: so much at once, and so much a second in the long run. A long pause doubles the first."""

    messages: int = 1000
    messages_per_s: float = 100.0
    bytes: int = 8 * 1024 * 1024
    bytes_per_s: float = 1024.0 * 1024.0


class Allowance:
    """What one station may still say. It outlives the station's connections: dialling again gives nothing back.

    Tokens come back with time, but that is only reckoned when there seem to be none left. Bytes may be overdrawn.
    """

    __slots__ = ("_bytes", "_messages", "_now", "_rates", "_since")

    def __init__(self, rates: Rates, now: Callable[[], float]) -> None:
        self._rates = rates
        self._now = now
        self._since = now()
        self._bytes: float = rates.bytes
        self._messages: float = rates.messages

    def covers(self, event: Event, size: int) -> bool:
        """Take in a message of `size` bytes; where it returns False, `settle` says what to do about it."""
        self._bytes -= size
        if event.__class__ is Call and event.action in STOP_LANE:
            return self._bytes >= 0
        if event.__class__ is Call:
            self._messages -= 1
        elif isinstance(event, Violation):
            self._messages -= 1 + size // VIOLATION_BYTES
        return self._bytes >= 0 and self._messages >= 0

    def settle(self, event: Event) -> tuple[bool, float]:
        """Return whether a message that was not covered may pass, and for how long nothing more should be read.

        A call that may not pass costs nothing but its bytes.
        """
        now, rates = self._now(), self._rates
        elapsed_s, self._since = now - self._since, now
        self._bytes = min(rates.bytes, self._bytes + elapsed_s * rates.bytes_per_s)
        self._messages = min(rates.messages, self._messages + elapsed_s * rates.messages_per_s)
        wait_s = max(0.0, -self._bytes / rates.bytes_per_s)
        if event.__class__ is Call and self._messages < 0 and event.action not in STOP_LANE:
            self._messages += 1
            return False, wait_s
        if isinstance(event, Violation):
            wait_s = max(wait_s, -self._messages / rates.messages_per_s)
        return True, wait_s
