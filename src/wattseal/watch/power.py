"""Energy from power: what the power a station tells comes to over time, to be held against its register."""

from decimal import Decimal

from msgspec import Struct

MS_PER_HOUR = 3_600_000
LONGEST_MS = 900_000
"""Between two values further apart than this nobody knows what power flowed: what was summed up begins anew."""


class Power(Struct, gc=False):
    """A window of a session in which power and register were told together; it grows with each such message.

    `least_wms` and `most_wms` are watts times milliseconds, by the lower and the higher of every two neighbouring ones:
    what flowed lies between them. Meanwhile the register went from `first_wh` to `last_wh`.
    """

    first_wh: Decimal
    last_ms: int
    last_w: int
    last_wh: Decimal
    least_wms: int = 0
    most_wms: int = 0

    def take(self, at_ms: int, power_w: int, register_wh: Decimal) -> None:
        """Take the next values; one that is not later than the last changes nothing."""
        passed_ms = at_ms - self.last_ms
        if passed_ms <= 0:
            return
        if passed_ms > LONGEST_MS:
            self.first_wh, self.least_wms, self.most_wms = register_wh, 0, 0
        else:
            self.least_wms += min(self.last_w, power_w) * passed_ms
            self.most_wms += max(self.last_w, power_w) * passed_ms
        self.last_ms, self.last_w, self.last_wh = at_ms, power_w, register_wh

    @property
    def least_wh(self) -> int:
        """What the power came to at least."""
        return self.least_wms // MS_PER_HOUR

    @property
    def most_wh(self) -> int:
        """What the power came to at most."""
        return self.most_wms // MS_PER_HOUR

    @property
    def register_wh(self) -> Decimal:
        """What the register says of the same time."""
        return self.last_wh - self.first_wh


def taken(power: Power | None, at_ms: int, power_w: int, register_wh: Decimal) -> Power:
    """Return the window with the values in it; the first ones begin it."""
    if power is None:
        return Power(register_wh, at_ms, power_w, register_wh)
    power.take(at_ms, power_w, register_wh)
    return power
