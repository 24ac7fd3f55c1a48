"""A register and the power told with it that differ a thousandfold: kWh told as Wh, or the other way round."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

FACTOR = 300
"""A wrong unit is a factor of 1000; power sampled sparsely is not wrong by this."""
LEAST_WH = 2000
"""What the power must have come to: registers that count whole kWh may stand still for less."""


def observe(seen: Seen) -> Finding | None:
    """Hold what the register rose by against what power told at the same times comes to."""
    power = seen.power
    if power is None or power.least_wh < LEAST_WH:
        return None
    register_wh = power.register_wh
    if power.least_wh <= FACTOR * register_wh and register_wh <= FACTOR * power.most_wh:
        return None
    by_power = f"{power.least_wh} to {power.most_wh} Wh by power"
    return Finding("energy_scale_doubtful", "register_wh", f"{register_wh} Wh by register, {by_power}")


DETECTOR = Detector(
    code="energy_scale_doubtful",
    title="register and power differ as kWh and Wh do",
    threshold=FACTOR,
    unit="times",
    why="a wrong unit is a factor of 1000, and power sampled sparsely is not wrong by 300; asked from 2 kWh on",
    then="check the units of register and power in the station's configuration",
    moments=at(Moment.END),
    observe=observe,
)
