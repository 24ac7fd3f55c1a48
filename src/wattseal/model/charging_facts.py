"""What stations say about charging limits (2.x chapter K); `source` is EMS, SO, CSO or Other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from wattseal.model.charging import Profile, Schedule
from wattseal.model.message import Answer, Fact


@dataclass(frozen=True, slots=True)
class ProfilesReported(Fact):
    """ReportChargingProfiles (K09): a part of what is installed; `more_follows` until the last part."""

    request_id: int
    evse_id: int
    source: str
    profiles: tuple[Profile, ...]
    more_follows: bool = False


@dataclass(frozen=True, slots=True)
class LimitReported(Fact):
    """NotifyChargingLimit (K11 to K14): a limit from outside; `local_generation` adds capacity instead (2.1)."""

    evse_id: int
    source: str
    schedules: tuple[Schedule, ...] = ()
    grid_critical: bool | None = None
    local_generation: bool = False


@dataclass(frozen=True, slots=True)
class NeedsReported(Fact):
    """NotifyEVChargingNeeds (K15 to K20): what an EV wants.

    `needs` are its parameters in the words of the version; `max_tuples` is how many periods it can take.
    """

    evse_id: int
    needs: Mapping[str, object]
    max_tuples: int | None = None


@dataclass(frozen=True, slots=True)
class EvScheduleReported(Fact):
    """NotifyEVChargingSchedule (K15, K17): what an EV will draw; period 0 begins at `time_base`."""

    evse_id: int
    time_base: datetime
    schedule: Schedule
    chosen: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateWanted(Fact):
    """PullDynamicScheduleUpdate (2.1 K28): the station asks for the present values of a dynamic profile."""

    profile_id: int


@dataclass(frozen=True, slots=True)
class UpdateAnswer(Answer):
    """`status` is Accepted or Rejected; `values` are those of ChargingScheduleUpdateType.

    `command` is this CSMS's signature on it, where an edge looks for one.
    """

    status: str
    values: Mapping[str, object] = field(default_factory=dict)
    command: bytes = b""
