"""What an operator chooses about charging limits."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal

from wattseal.rules.charging_checks import Floor
from wattseal.rules.charging_rates import Electrics


@dataclass(frozen=True, slots=True)
class ChargingPolicy:
    """`floor_a` is the least limit of a phase above stopping; `voltage_v` and `phases` are those of the sites.

    With `answer_needs` an EV that tells its needs (ISO 15118) gets a schedule computed for it; `zone` is the stations'
    local time; every `cost_interval_s` a station is told what a running transaction costs, never where that is 0.
    """

    floor_a: Decimal = Decimal(6)
    voltage_v: Decimal = Decimal(230)
    phases: int = 3
    answer_needs: bool = True
    zone: tzinfo = UTC
    cost_interval_s: int = 0

    @property
    def electrics(self) -> Electrics:
        """Return how sites are connected."""
        return Electrics(self.voltage_v, self.phases)

    @property
    def floor(self) -> Floor:
        """Return the least limit above stopping."""
        return Floor(self.floor_a, self.electrics)


DEFAULT_CHARGING = ChargingPolicy()
