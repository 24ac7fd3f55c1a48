"""How much energy an EVSE can deliver in a time, generously: the bound of two detectors."""

from decimal import Decimal

from wattseal.watch.detector import MAX_POWER_W

TOLERANCE_PERCENT = 10
"""A rating is stated at nominal voltage; the grid may be a tenth above it (EN 50160)."""
GRACE_MS = 120_000
"""Clocks are set in the middle of a session, and some stations read their meter only every other minute."""
STEP_WH = Decimal(1000)
"""Registers that count whole kWh go on by this at once."""
_MS_PER_HOUR_PERCENT = 360_000_000


def most_wh(rated_w: int | None, duration_ms: int) -> Decimal:
    """Return the most energy that can have flowed in `duration_ms`."""
    power_w = rated_w or MAX_POWER_W
    flowed = power_w * (100 + TOLERANCE_PERCENT) * (max(duration_ms, 0) + GRACE_MS)
    return STEP_WH + Decimal(flowed) / _MS_PER_HOUR_PERCENT
