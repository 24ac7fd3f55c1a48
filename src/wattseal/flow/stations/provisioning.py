"""Boot: whether a station is accepted, and what it may say before it is (2.x B01 to B03; 1.6 section 4.2)."""

from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.flow.charges import sealed
from wattseal.flow.documents import put, put_station
from wattseal.flow.history import append
from wattseal.flow.memory import NOTHING, Memory
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.answers import BootAnswer
from wattseal.model.facts import (
    BootReported,
    DataTransferred,
    MeterReported,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from wattseal.model.message import Command, Fact
from wattseal.model.remote import ExtendedTriggerRequested, TriggerRequested
from wattseal.model.station import Station

BOOT = "boot"
"""Document kind: one BootNotification, by `station/time`."""
INVENTORY_DUE = "inventory_due"
"""Document kind: a station to be asked for its variables, by station."""
MAX_BOOTS = 100
"""BootNotifications kept per station; the oldest goes."""
MAX_EXPECTED = 32
"""Messages asked for that a station not yet accepted may send; beyond that none is added."""
ACCEPTED, REJECTED = "Accepted", "Rejected"
_ALWAYS = (BootReported, TransactionStarted, TransactionUpdated, TransactionEnded, MeterReported)
"""What is taken from any station: a transaction message that is refused is lost for ever (2.x E13)."""
_REPORTS = frozenset({"NotifyReport"})
"""Sent because of GetBaseReport or GetReport, which a pending station may be asked."""
_TRIGGERED = {
    "SignChargingStationCertificate": "SignCertificate",
    "SignV2GCertificate": "SignCertificate",
    "SignV2G20Certificate": "SignCertificate",
    "SignCombinedCertificate": "SignCertificate",
}
"""Messages to be triggered that are not named as the action is."""


@dataclass(frozen=True, slots=True)
class Boot:
    """Document: one BootNotification and how it was answered; `reason` is told by 2.x only."""

    station_id: str
    at_ms: int
    status: str
    interval_s: int
    vendor: str
    model: str
    serial: str | None
    firmware: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class InventoryDue:
    """Document: a station that booted as something else than before, and when."""

    station_id: str
    at_ms: int


def must_wait(memory: Memory, fact: Fact, action: str) -> bool:
    """Return whether a message is refused because its station is not accepted yet.

    2.x B01.FR.10, B02.FR.09, B03.FR.07; 1.6 section 4.2. Taken
    all the same: boots, transaction messages, reports, and whatever the station was asked to send.
    """
    if memory.station.boot.status == ACCEPTED and memory.boot_status in {None, ACCEPTED}:
        return False
    if isinstance(fact, _ALWAYS) or action in _REPORTS or _is_records(fact):
        return False
    if action in memory.expected:
        memory.expected -= {action}
        return False
    return True


def _is_records(fact: Fact) -> bool:
    """Return whether a message carries records of an edge, which may be about transactions."""
    return isinstance(fact, DataTransferred) and (fact.vendor_id, fact.message_id) == (sealed.VENDOR, sealed.ITEMS)


def expect(memory: Memory, command: Command) -> None:
    """Note what a command will make a station send; a rejected station is sent no other (`InputError`, B03.FR.03)."""
    if isinstance(command, TriggerRequested | ExtendedTriggerRequested):
        if len(memory.expected) < MAX_EXPECTED:
            memory.expected |= {_TRIGGERED.get(command.message, command.message)}
    elif memory.boot_status == REJECTED:
        text = "this station's boot was rejected; accept it, or trigger its BootNotification, before sending commands"
        raise InputError(text, code="station_rejected", subject=memory.station.id)


def _what(station: Station) -> tuple[str | None, ...]:
    return (station.vendor, station.model, station.firmware)


async def boot(turn: Turn, fact: BootReported) -> BootAnswer:
    """Answer as the station's policy says, keep what it told of itself, and the boot in its history."""
    items = await sealed.accept(turn, fact.items)
    policy = turn.station.boot
    interval_s = turn.world.settings.boot_interval_s if policy.interval_s is None else policy.interval_s
    told = replace(turn.station, vendor=fact.vendor, model=fact.model, serial=fact.serial, firmware=fact.firmware)
    step = turn.step()
    if told != turn.station:
        step.puts.append(put_station(told, turn.now_ms))
    kept = Boot(
        turn.station.id,
        turn.now_ms,
        policy.status,
        interval_s,
        fact.vendor,
        fact.model,
        fact.serial,
        fact.firmware,
        fact.reason,
    )
    await append(step, turn.memory, BOOT, kept, MAX_BOOTS)
    if turn.world.settings.inventory and _what(told) != _what(turn.station) and policy.status == ACCEPTED:
        wanted = InventoryDue(turn.station.id, turn.now_ms)
        key = turn.station.id.casefold()
        step.puts.append(put(INVENTORY_DUE, key, wanted, turn.now_ms, station_id=turn.station.id))
    await step.commit()
    turn.memory.station = told
    turn.memory.boot_status = policy.status
    turn.memory.booted_ms = turn.now_ms
    turn.memory.expected = NOTHING
    return BootAnswer(policy.status, turn.world.clock.now(), interval_s, items)


HANDLERS: Handlers = {BootReported: boot}
