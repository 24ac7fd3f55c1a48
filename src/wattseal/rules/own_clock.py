"""Whether this machine's own clock was set: by what goes by between two looks at it that are seconds apart."""

BACK_MS = 60_000
"""Time servers put a clock back by less; more moves what is told across a tariff's boundary."""
AHEAD_MS = 1_800_000
"""A round may take minutes; one that took so long stood still, or the clock was set ahead."""


def set_by_ms(last_ms: int, now_ms: int) -> int:
    """Return by how much the clock was set since a look at `last_ms`: negative is back, 0 is not at all."""
    went_ms = now_ms - last_ms
    return went_ms if last_ms and (went_ms < -BACK_MS or went_ms > AHEAD_MS) else 0


def told(by_ms: int) -> str:
    """Return that in words."""
    return f"{abs(by_ms) // 1000} s {'back' if by_ms < 0 else 'ahead, or the machine stood still for as long'}"
