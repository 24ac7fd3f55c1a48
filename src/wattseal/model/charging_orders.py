"""What stations are asked about charging limits (1.6 chapters 5.5, 5.7, 5.16; 2.x chapter K)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattseal.model.charging import Composite, Profile, Purpose, RateUnit
from wattseal.model.message import Answer, Command


@dataclass(frozen=True, slots=True)
class SetProfile(Command):
    """SetChargingProfile: install a profile at an EVSE, 0 for the station; one of the same id is replaced."""

    evse_id: int
    profile: Profile


@dataclass(frozen=True, slots=True)
class ClearProfiles(Command):
    """ClearChargingProfile: remove the profile `profile_id`, or all that match what else is given."""

    profile_id: int | None = None
    evse_id: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None


@dataclass(frozen=True, slots=True)
class GetProfiles(Command):
    """GetChargingProfiles (2.x): report what is installed and matches; `evse_id` None asks for all."""

    request_id: int
    evse_id: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None
    profile_ids: tuple[int, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GetComposite(Command):
    """GetCompositeSchedule: report the limits that result from now on for `duration_s`."""

    evse_id: int
    duration_s: int
    unit: RateUnit | None = None


@dataclass(frozen=True, slots=True)
class UpdateDynamic(Command):
    """UpdateDynamicSchedule (2.1 K28): `values` are those of ChargingScheduleUpdateType."""

    profile_id: int
    values: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChargingReply(Answer):
    """A status word, and where the station gives one its reason code."""

    status: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class CompositeReply(Answer):
    """The composite schedule where `status` is Accepted."""

    status: str
    composite: Composite | None = None
    reason: str | None = None
