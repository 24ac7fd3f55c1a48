"""How many stations one person may command alone: many commands to single stations are one to a fleet.

Fleet-wide limits, templates and firmware wait for a second person (`rules.two_persons`); so that nobody goes round that
one station at a time, the stations count at which somebody has done what may change power.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from wattseal.model.charging import Purpose
from wattseal.model.charging_orders import SetProfile
from wattseal.model.message import Asked, Command
from wattseal.model.remote import ResetRequested, StartRequested, StopRequested, UnlockRequested
from wattseal.rules.swing import may_change_power

HOUR_MS, DAY_MS = 3_600_000, 86_400_000


class Reach(StrEnum):
    """How far a command goes: nowhere, to the charge under way, or beyond it."""

    NONE = "none"
    CHARGE = "charge"
    LASTING = "lasting"


WINDOW_MS: Mapping[Reach, int] = {Reach.CHARGE: HOUR_MS, Reach.LASTING: DAY_MS}
"""For how long a station counts: drivers are helped many times a day, stations are not set up that often."""
_ELSEWHERE = frozenset({"SetNetworkProfile"})
"""What leaves power alone and hands the station to whoever is named there."""


def reach_of(command: Command) -> Reach:
    """Return how far a command goes; what is not known goes beyond the charge.

    A start goes nowhere: somebody's token pays for it, and the ramp holds it. Drivers' apps ask for any number.
    """
    match command:
        case StartRequested():
            return Reach.NONE
        case StopRequested() | UnlockRequested() | ResetRequested():
            return Reach.CHARGE
        case SetProfile() if command.profile.purpose is Purpose.TX:
            return Reach.CHARGE
        case Asked(action=action) if action in _ELSEWHERE:
            return Reach.LASTING
        case _:
            return Reach.LASTING if may_change_power(command) else Reach.NONE


@dataclass(frozen=True, slots=True)
class Alone:
    """Which stations somebody has commanded alone lately: when last (Unix ms), by how far it went."""

    author: str
    touched: Mapping[Reach, Mapping[str, int]] = field(default_factory=dict)

    def with_station(self, reach: Reach, station_id: str, now_ms: int) -> "Alone":
        """Return it with one more, and without those whose time is over."""
        since_ms = now_ms - WINDOW_MS[reach]
        recent = {one: at_ms for one, at_ms in self.touched.get(reach, {}).items() if at_ms > since_ms}
        return replace(self, touched={**self.touched, reach: {**recent, station_id: now_ms}})

    def stations(self, reach: Reach) -> int:
        """Return how many stations count."""
        return len(self.touched.get(reach, {}))
