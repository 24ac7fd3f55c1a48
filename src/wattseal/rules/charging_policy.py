"""What an operator chooses about charging limits."""

from dataclasses import dataclass
from datetime import UTC, tzinfo
from decimal import Decimal

from wattseal.model.charging import Period, Profile, ProfileKind, Purpose, RateUnit, Schedule
from wattseal.rules.charging_checks import Floor, below_floor
from wattseal.rules.charging_rates import Electrics

MAX_FALLBACK_A = Decimal(10_000)
"""No fallback of an EVSE is larger."""


@dataclass(frozen=True, slots=True)
class ChargingPolicy:
    """`floor_a` is the least limit of a phase above stopping; `voltage_v` and `phases` are those of the sites.

    With `answer_needs` an EV that tells its needs (ISO 15118) gets a schedule computed for it; `zone` is the stations'
    local time; every `cost_interval_s` a station is told what a running transaction costs, never where that is 0.
    `fallback_a` is what each EVSE falls back to when a limit ends, in amperes of each phase; None: to whatever else
    applies. `fallback_hold_s` after that the fallback is taken away, never where that is 0. Limits above the fallback
    hold for `offline_hold_s` at a 2.1 station that has lost its CSMS; None: for as long as otherwise.
    With `show_price` drivers are told the price in the answer to their token (2.x); with `install_tariffs` 2.1 stations
    are given the tariff that applies to them.
    """

    floor_a: Decimal = Decimal(6)
    voltage_v: Decimal = Decimal(230)
    phases: int = 3
    answer_needs: bool = True
    zone: tzinfo = UTC
    cost_interval_s: int = 0
    show_price: bool = False
    install_tariffs: bool = False
    fallback_a: Decimal | None = None
    fallback_hold_s: int = 900
    offline_hold_s: int | None = None

    @property
    def electrics(self) -> Electrics:
        """Return how sites are connected."""
        return Electrics(self.voltage_v, self.phases)

    @property
    def floor(self) -> Floor:
        """Return the least limit above stopping."""
        return Floor(self.floor_a, self.electrics)


START_PROFILE_ID = 3_000_000
"""The profile of a remote start has this id plus the EVSE's number."""


@dataclass(frozen=True, slots=True)
class StartLimit:
    """The limit a transaction is started with: amperes of each phase, or watts."""

    amount: Decimal
    unit: RateUnit

    def profile(self, evse_id: int, floor: Floor) -> Profile:
        """Return the profile that goes with the start (K05); a limit that stops charging is an `InputError`."""
        least = floor.of(self.unit)
        if self.amount < least:
            raise below_floor(least, self.unit)
        return Profile(
            id=START_PROFILE_ID + evse_id,
            stack_level=0,
            purpose=Purpose.TX,
            kind=ProfileKind.RELATIVE,
            schedules=(Schedule(unit=self.unit, periods=(Period(start_s=0, limit=self.amount),)),),
        )


DEFAULT_CHARGING = ChargingPolicy()
