"""What a station can do with charging profiles, as it told (2.x SmartChargingCtrlr; 1.6 chapter 9.4)."""

from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.memory import Memory
from wattseal.flow.stations.device_model import value_of
from wattseal.flow.world import World
from wattseal.model.charging import RateUnit
from wattseal.model.device import Component, Variable

_CONTROLLER, _KEYS = Component("SmartChargingCtrlr"), Component("1.6")
_UNITS_16 = {"CURRENT": RateUnit.A, "POWER": RateUnit.W}


@dataclass(frozen=True, slots=True)
class Abilities:
    """`units` are those a schedule may have; None is not known, and taken as no bound."""

    units: frozenset[RateUnit] | None = None
    max_level: int | None = None
    max_periods: int | None = None

    def unit_for(self, wanted: RateUnit) -> RateUnit:
        """Return the unit to send a limit in."""
        return wanted if self.units is None or wanted in self.units else min(self.units)

    def check_level(self, level: int) -> int:
        """Return a stack level that the station takes; a higher one is an `InputError`."""
        if self.max_level is not None and level > self.max_level:
            text = f"the station takes stack levels up to {self.max_level}, and all are taken; clear a profile"
            raise InputError(text, code="no_stack_level_left", subject="stack_level")
        return level


async def abilities_of(world: World, memory: Memory) -> Abilities:
    """Return what is known from reports and answers about variables, or keys of a 1.6 configuration."""
    return Abilities(
        units=_units(await _either(world, memory, "RateUnit", "ChargingScheduleAllowedChargingRateUnit")),
        max_level=_number(await _either(world, memory, "ProfileStackLevel", "ChargeProfileMaxStackLevel")),
        max_periods=_number(await _either(world, memory, "PeriodsPerSchedule", "ChargingScheduleMaxPeriods")),
    )


async def _either(world: World, memory: Memory, name: str, key: str) -> str | None:
    station_id = StationId(memory.station.id)
    told = await value_of(world, station_id, _CONTROLLER, Variable(name))
    return told if told is not None else await value_of(world, station_id, _KEYS, Variable(key))


def _units(told: str | None) -> frozenset[RateUnit] | None:
    """Read a list of A and W (2.x), or of Current and Power (1.6)."""
    words = [word.strip().upper() for word in (told or "").split(",")]
    found = {_UNITS_16.get(word) or RateUnit(word) for word in words if word in {*_UNITS_16, *RateUnit}}
    return frozenset(found) or None


def _number(told: str | None) -> int | None:
    return int(told) if told is not None and told.isdecimal() and len(told) < 10 else None
