"""What a simulated station does when its CSMS commands it: starts, stops, restarts, tells, keeps limits."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from wattseal.base.ids import EvseId
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.charging import Composite, Profile, RateUnit
from wattseal.model.charging_orders import (
    ChargingReply,
    ClearProfiles,
    CompositeReply,
    GetComposite,
    SetProfile,
)
from wattseal.model.facts import DataTransferred
from wattseal.model.message import Answer, Asked, Command, Replied
from wattseal.model.remote import (
    AvailabilityRequested,
    CacheClearRequested,
    ExtendedTriggerRequested,
    ResetRequested,
    Responded,
    StartRequested,
    StartResponded,
    StopRequested,
    TransactionStatusRequested,
    TransactionStatusResponded,
    TriggerRequested,
    UnlockRequested,
)
from wattseal.rules.charging import NO_ELECTRICS, Charging, Circumstances, Installed, composite, window_of
from wattseal.rules.charging_rates import convert
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Sender
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.version import Fault, Refusal, Version

MAX_CALLED = 4
"""Remote starts that may wait for their turn."""
MAX_PROFILES = 32
MOST_A = Decimal(32)
"""What it says it can do, in amperes of each phase, where nothing limits it."""
MAX_WANTED = 16
"""Messages asked for that may wait to be sent; a further one is refused."""
_PLAIN_ANSWERS: dict[str, dict[str, Any]] = {
    "ChangeConfiguration": {"status": "Accepted"},
    "GetConfiguration": {"configurationKey": [], "unknownKey": []},
    "SendLocalList": {"status": "Accepted"},
}
"""Answers to what a simulated station takes without anything coming of it."""


@dataclass(slots=True)
class Orders:
    """What the CSMS wants of the station: drivers it calls, a stop, a restart, limits it has set."""

    called: deque[StartRequested] = field(default_factory=deque)
    stop: bool = False
    restart: bool = False
    operational: bool = True
    profiles: dict[int, Installed] = field(default_factory=dict)
    wanted: asyncio.Queue[TriggerRequested] = field(default_factory=lambda: asyncio.Queue(MAX_WANTED))

    def want(self, message: TriggerRequested) -> bool:
        """Have a message sent soon; return False where too many wait."""
        if self.wanted.full():
            return False
        self.wanted.put_nowait(message)
        return True


@dataclass(frozen=True, slots=True)
class Running:
    """The session in progress as the CSMS knows it; `transaction_id` None before it is named."""

    transaction_id: str | None
    begun_at: datetime


class Commands:
    """Answers the CSMS's calls and keeps what it wants in `orders`; `poke` wakes the station up."""

    def __init__(
        self, version: Version, evse_id: EvseId, running: Callable[[], Running | None], poke: Callable[[], None]
    ) -> None:
        """Look at the session in progress through `running`."""
        self.orders = Orders()
        self._version = version
        self._evse_id = evse_id
        self._running = running
        self._poke = poke

    async def handle(self, call: Call, now: datetime, waiting: Callable[[], bool]) -> bytes | Refusal:
        """Answer one call; `waiting` says whether messages about transactions wait to be answered."""
        lifted = catalog.lift(self._version, call, Sender.CSMS)
        if isinstance(lifted, Refusal):
            return lifted
        answer = self._decide(lifted.fact, now, waiting)
        self._poke()
        if answer is None:
            return Refusal(Fault.UNSUPPORTED_ACTION, "the simulator has no such command")
        return catalog.lower(self._version, call.action, answer)

    def _decide(self, command: Command | DataTransferred, now: datetime, waiting: Callable[[], bool]) -> Answer | None:
        match command:
            case StartRequested():
                return self._start(command)
            case StopRequested():
                return self._stop(command)
            case SetProfile() | ClearProfiles() | GetComposite():
                return self._limit(command, now)
            case TransactionStatusRequested():
                running = self._running()
                named = command.transaction_id
                ongoing = None if named is None else running is not None and running.transaction_id == named
                return TransactionStatusResponded(waiting(), ongoing)
            case DataTransferred():
                return DataTransferAnswer("UnknownVendorId")
            case Asked():
                answer = _PLAIN_ANSWERS.get(command.action)
                return None if answer is None else Replied(answer)
            case _:
                return self._everyday(command)

    def _start(self, command: StartRequested) -> StartResponded:
        free = self._running() is None and len(self.orders.called) < MAX_CALLED and self.orders.operational
        if not free or command.evse_id not in {None, self._evse_id}:
            return StartResponded("Rejected")
        self.orders.called.append(command)
        return StartResponded("Accepted")

    def _stop(self, command: StopRequested) -> Responded:
        running = self._running()
        if running is None or running.transaction_id != command.transaction_id:
            return Responded("Rejected")
        self.orders.stop = True
        return Responded("Accepted")

    def _everyday(self, command: Command) -> Responded | None:
        match command:
            case ResetRequested():
                self.orders.restart = True
                return Responded("Accepted")
            case UnlockRequested():
                return Responded("Unlocked" if self._running() is None else "OngoingAuthorizedTransaction")
            case AvailabilityRequested():
                self.orders.operational = command.operational
                return Responded("Accepted" if self._running() is None else "Scheduled")
            case CacheClearRequested():
                return Responded("Accepted")
            case TriggerRequested() if command.message in TRIGGERED:
                return Responded("Accepted" if self.orders.want(command) else "Rejected")
            case TriggerRequested() | ExtendedTriggerRequested():
                return Responded("NotImplemented")
            case _:
                return None

    def _limit(self, command: SetProfile | ClearProfiles | GetComposite, now: datetime) -> Answer:
        kept = self.orders.profiles
        match command:
            case SetProfile():
                if len(kept) >= MAX_PROFILES and command.profile.id not in kept:
                    return ChargingReply("Rejected")
                kept[command.profile.id] = Installed(command.evse_id, command.profile, now)
                return ChargingReply("Accepted")
            case ClearProfiles():
                gone = [number for number, installed in kept.items() if _matches(command, installed)]
                for number in gone:
                    del kept[number]
                return ChargingReply("Accepted" if gone else "Unknown")
            case GetComposite():
                return CompositeReply("Accepted", self._composite(command, now))

    def _composite(self, command: GetComposite, now: datetime) -> Composite:
        running = self._running()
        charging = (
            {} if running is None else {int(self._evse_id): Charging(running.transaction_id or "", running.begun_at)}
        )
        unit = command.unit or RateUnit.A
        found = composite(
            self.orders.profiles.values(),
            command.evse_id,
            window_of(now, command.duration_s),
            unit,
            Circumstances(charging, (int(self._evse_id),)),
        )
        most = convert(MOST_A, RateUnit.A, unit, NO_ELECTRICS, None)
        return replace(
            found, periods=tuple(replace(p, limit=most if p.limit is None else p.limit) for p in found.periods)
        )


TRIGGERED = frozenset({"BootNotification", "Heartbeat", "StatusNotification", "MeterValues"})
"""Messages that a simulated station sends when it is asked to."""


def _matches(command: ClearProfiles, installed: Installed) -> bool:
    profile: Profile = installed.profile
    if command.profile_id is not None:
        return profile.id == command.profile_id
    return (
        command.evse_id in {None, installed.evse_id}
        and command.purpose in {None, profile.purpose}
        and command.stack_level in {None, profile.stack_level}
    )
