"""A station's clock against ours, from the times it puts on messages.

A message arrives after it was written, sometimes long after: its time less ours is the drift less that delay. The
greatest difference among the latest messages is therefore the best that is known of the drift.
"""

from collections.abc import Sequence

SAMPLES = 16
"""Messages that count; the oldest goes."""
NEEDED = 3
"""Messages before anybody is alarmed: one alone may have waited in a queue."""
ALARMING_MS = 60_000
"""Drift that moves a session across a tariff's boundary, which people notice on a bill."""


def with_sample(samples: Sequence[int], difference_ms: int) -> tuple[int, ...]:
    """Return the samples with one more."""
    return (*samples, difference_ms)[-SAMPLES:]


def drift_ms(samples: Sequence[int]) -> int | None:
    """Return by how much a clock is fast (or slow, negative); None before any message."""
    return max(samples) if samples else None


def is_alarming(samples: Sequence[int]) -> bool:
    """Return whether somebody should set that clock."""
    return len(samples) >= NEEDED and abs(max(samples)) > ALARMING_MS
