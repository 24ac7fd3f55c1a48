"""Energy from power: what the power a station tells comes to over time, to be held against its register."""

from decimal import Decimal

from msgspec import Struct

MS_PER_HOUR = 3_600_000
LONGEST_MS = 900_000
"""Between two values further apart than this nobody knows what power flowed: what was summed up begins anew."""


class Power(Struct, gc=False):
    """A window of a session in which power and register were told together; it grows with each such message.

    `power_wms` is watts times milliseconds (trapezoids between values), over which the register went from `first_wh` to
    `last_wh`.
    """

    first_ms: int
    first_wh: Decimal
    last_ms: int
    last_w: int
    last_wh: Decimal
    power_wms: int = 0

    def take(self, at_ms: int, power_w: int, register_wh: Decimal) -> None:
        """Take the next values; one that is not later than the last changes nothing."""
        passed_ms = at_ms - self.last_ms
        if passed_ms <= 0:
            return
        if passed_ms > LONGEST_MS:
            self.first_ms, self.first_wh, self.power_wms = at_ms, register_wh, 0
        else:
            self.power_wms += (self.last_w + power_w) * passed_ms // 2
        self.last_ms, self.last_w, self.last_wh = at_ms, power_w, register_wh

    @property
    def energy_wh(self) -> int:
        """What the power came to."""
        return self.power_wms // MS_PER_HOUR

    @property
    def register_wh(self) -> Decimal:
        """What the register says of the same time."""
        return self.last_wh - self.first_wh


def taken(power: Power | None, at_ms: int, power_w: int, register_wh: Decimal) -> Power:
    """Return the window with the values in it; the first ones begin it."""
    if power is None:
        return Power(at_ms, register_wh, at_ms, power_w, register_wh)
    power.take(at_ms, power_w, register_wh)
    return power
