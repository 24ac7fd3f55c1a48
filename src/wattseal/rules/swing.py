"""By how much a command may change the power of a station at once, at worst.

What is not known counts in full: a command that is not on the list of those that leave power alone, an EVSE whose state
nobody has told, a vendor's own message. Limits are compared as they come to apply: what results from all profiles
before and after.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from wattseal.model.certificates import CertificateDeleted, CertificateDelivered, CertificatesListed, RootInstalled
from wattseal.model.charging import Composite
from wattseal.model.charging_orders import GetComposite, GetProfiles
from wattseal.model.customer import CustomerAsked
from wattseal.model.device import VariablesGet, VariablesSet, VariableWrite
from wattseal.model.display import DisplayClear, DisplaySet
from wattseal.model.firmware import FirmwarePublication, FirmwareWithdrawal
from wattseal.model.local_list import ListSent, ListVersionRequested
from wattseal.model.logs import DiagnosticsAsked, LogAsked
from wattseal.model.message import Asked, Command
from wattseal.model.monitoring import MonitorsClear, MonitorsSet, StreamAdjusted
from wattseal.model.remote import (
    AvailabilityRequested,
    CacheClearRequested,
    ExtendedTriggerRequested,
    StartRequested,
    StopRequested,
    TransactionStatusRequested,
    TriggerRequested,
    UnlockRequested,
)
from wattseal.model.reservation import CancelRequested, ReserveRequested
from wattseal.rules.ramp import Step, Swing

NEUTRAL: frozenset[type[Command] | str] = frozenset(
    {
        CacheClearRequested,
        CancelRequested,
        CertificateDeleted,
        CertificateDelivered,
        CertificatesListed,
        CustomerAsked,
        DiagnosticsAsked,
        DisplayClear,
        DisplaySet,
        ExtendedTriggerRequested,
        FirmwarePublication,
        FirmwareWithdrawal,
        GetComposite,
        GetProfiles,
        ListSent,
        ListVersionRequested,
        LogAsked,
        MonitorsClear,
        MonitorsSet,
        ReserveRequested,
        RootInstalled,
        StreamAdjusted,
        TransactionStatusRequested,
        TriggerRequested,
        VariablesGet,
        "ChangeTransactionTariff",
        "ClearTariffs",
        "CostUpdated",
        "GetBaseReport",
        "GetDERControl",
        "GetDisplayMessages",
        "GetMonitoringReport",
        "GetPeriodicEventStream",
        "GetReport",
        "GetTariffs",
        "NotifyWebPaymentStarted",
        "SetDefaultTariff",
        "SetMonitoringBase",
        "SetMonitoringLevel",
        "SetNetworkProfile",
    }
)
"""Commands that leave power alone: they ask, install keys or texts, or concern charges to come."""
BOTH_WAYS = frozenset({"AFRRSignal", "ClearDERControl", "NotifyAllowedEnergyTransfer", "SetDERControl"})
"""Commands after which a car may go from charging to discharging, or back: twice the rating."""
_POWERFUL = re.compile(
    r"ampere|available|charg|current|enabled|inverter|limit|phase|power|ramp|setpoint|suspend|volt|watt", re.IGNORECASE
)
"""What the name of a variable has in it whose value may change power."""
_CONTROLLER = re.compile(r"smartcharging|derctrlr|v2x", re.IGNORECASE)
"""Components any variable of which may."""
_KNOWN_VENDOR = "org.openchargealliance."
"""DataTransfer of these vendor ids is that of the alliance's own papers: certificates."""


@dataclass(frozen=True, slots=True)
class Outlet:
    """An EVSE: what it delivers at most, whether it may be delivering now, whether it is known to be out of service."""

    rated_w: int
    charging: bool = True
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of a station: its EVSEs by number, and at which of them transactions run."""

    outlets: Mapping[int, Outlet]
    evse_of: Mapping[str, int] = field(default_factory=dict)

    def running_w(self, evse_id: int | None = None) -> int:
        """Return what is delivered at most now, at one EVSE or (0, None) at all."""
        return sum(outlet.rated_w for outlet in self._at(evse_id) if outlet.charging)

    def startable_w(self, evse_id: int | None) -> int:
        """Return what may begin at one EVSE; where none is named, at the strongest."""
        return max((outlet.rated_w for outlet in self._at(evse_id)), default=0)

    def closed_w(self, evse_id: int) -> int:
        """Return what may begin where what is out of service is put back."""
        return sum(outlet.rated_w for outlet in self._at(evse_id) if outlet.closed)

    def _at(self, evse_id: int | None) -> Sequence[Outlet]:
        if not evse_id:
            return tuple(self.outlets.values())
        one = self.outlets.get(evse_id)
        return tuple(self.outlets.values()) if one is None else (one,)


def swing_of(command: Command, outlook: Outlook) -> Swing:
    """Return what a command may change, but for those about profiles (`limits_swing`)."""
    if (command.action if isinstance(command, Asked) else type(command)) in NEUTRAL:
        return Swing()
    match command:
        case StartRequested() | StopRequested() | UnlockRequested() | AvailabilityRequested():
            return _of_a_charge(command, outlook)
        case Asked(action=action) if action in BOTH_WAYS:
            running_w = 2 * outlook.running_w()
        case VariablesSet():
            running_w = outlook.running_w() if any(map(_is_powerful, command.set_variable_data)) else 0
        case _ if getattr(command, "vendor_id", "").startswith(_KNOWN_VENDOR):
            running_w = 0
        case _:
            running_w = outlook.running_w()
    return Swing(running_w, running_w)


def may_change_power(command: Command) -> bool:
    """Return whether a command may change power wherever it is sent, whatever is known of the station."""
    if (command.action if isinstance(command, Asked) else type(command)) in NEUTRAL:
        return False
    match command:
        case VariablesSet():
            return any(map(_is_powerful, command.set_variable_data))
        case _:
            return not getattr(command, "vendor_id", "").startswith(_KNOWN_VENDOR)


def _of_a_charge(
    command: StartRequested | StopRequested | UnlockRequested | AvailabilityRequested, outlook: Outlook
) -> Swing:
    match command:
        case StartRequested():
            return Swing(up_w=outlook.startable_w(command.evse_id))
        case StopRequested():
            return Swing(down_w=outlook.running_w(outlook.evse_of.get(str(command.transaction_id))))
        case UnlockRequested():
            return Swing(down_w=outlook.running_w(command.evse_id))
        case AvailabilityRequested(operational=True):
            return Swing(up_w=outlook.closed_w(command.evse_id))
        case AvailabilityRequested():
            return Swing(down_w=outlook.running_w(command.evse_id))


def _is_powerful(write: VariableWrite) -> bool:
    return bool(_POWERFUL.search(write.variable.name) or _CONTROLLER.search(write.component.name))


@dataclass(frozen=True, slots=True)
class Limits:
    """What limits come to over a time: of the station as a whole, and of each EVSE, in watts."""

    station: Composite
    evses: Mapping[int, Composite]

    def series(self, outlets: Mapping[int, Outlet]) -> tuple[tuple[int, int], ...]:
        """Return (seconds from the start, W at most) wherever that changes, for these EVSEs."""
        parts = [self.evses[evse_id] for evse_id in outlets if evse_id in self.evses]
        moments = sorted({0, *(period.start_s for part in (self.station, *parts) for period in part.periods)})
        return tuple((moment, self._at(moment, outlets)) for moment in moments)

    def _at(self, moment: int, outlets: Mapping[int, Outlet]) -> int:
        total = 0
        for evse_id, outlet in outlets.items():
            limit = None if evse_id not in self.evses else _limit(self.evses[evse_id], moment)
            total += outlet.rated_w if limit is None else min(outlet.rated_w, limit)
        cap = _limit(self.station, moment)
        return total if cap is None else min(total, cap)


def limits_swing(before: Limits, after: Limits, outlook: Outlook) -> Swing:
    """Return what new limits change at once, where something charges."""
    charging = {evse_id: outlet for evse_id, outlet in outlook.outlets.items() if outlet.charging}
    was, becomes = before.series(charging)[0][1], after.series(charging)[0][1]
    return Swing(max(0, becomes - was), max(0, was - becomes))


def later_steps(before: Limits, after: Limits, outlook: Outlook, now_ms: int) -> tuple[Step, ...]:
    """Return the steps that new limits bring about later by themselves, and that were not to come before."""
    known = set(_steps(before.series(outlook.outlets)))
    return tuple(
        Step(now_ms + at_s * 1000, Swing(max(0, by_w), max(0, -by_w)))
        for at_s, by_w in _steps(after.series(outlook.outlets))
        if (at_s, by_w) not in known
    )


def _steps(series: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple((at_s, to_w - from_w) for (_, from_w), (at_s, to_w) in pairwise(series) if to_w != from_w)


def _limit(composite: Composite, moment: int) -> int | None:
    found = None
    for period in composite.periods:
        if period.start_s > moment:
            break
        found = period
    return None if found is None or found.limit is None else max(0, int(found.limit))
