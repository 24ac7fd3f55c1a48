"""Security events: every one is kept, critical ones that nobody expects raise an alarm (2.x A04)."""

from dataclasses import dataclass

from wattseal.flow.alarms import alarm
from wattseal.flow.history import append
from wattseal.flow.memory import Memory
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.flow.world import World
from wattseal.model.message import Replied
from wattseal.model.security import CRITICAL, ROUTINE, SecurityEventReported

SECURITY_EVENT = "security_event"
"""Document kind: one security event, by `station/time`."""
BAD_CERTIFICATE = "InvalidChargingStationCertificate"
MAX_EVENTS = 1000
"""Security events kept per station; the oldest goes."""


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """Document: a security event; `timestamp` as the station told it, `at_ms` when it came."""

    station_id: str
    at_ms: int
    type: str
    timestamp: str
    critical: bool
    tech_info: str | None = None


async def report(turn: Turn, fact: SecurityEventReported) -> Replied:
    """Keep a security event."""
    step = turn.step()
    critical = fact.type in CRITICAL
    event = SecurityEvent(turn.station.id, turn.now_ms, fact.type, fact.timestamp, critical, fact.tech_info)
    await append(step, turn.memory, SECURITY_EVENT, event, MAX_EVENTS)
    if critical and fact.type not in ROUTINE:
        alarm(step, "security_event", fact.type, fact.tech_info or "")
    await step.commit()
    return Replied()


async def certificate_refused(world: World, memory: Memory, why: str, remote: str) -> None:
    """Keep that somebody came as a station with a certificate that is not its own or no good (A00.FR.408)."""
    now = world.clock.now()
    step = Step(world, memory.station.id, int(now.timestamp() * 1000))
    told = f"refused by the CSMS: {why}, from {remote}"
    event = SecurityEvent(
        memory.station.id, step.now_ms, BAD_CERTIFICATE, now.isoformat(), critical=True, tech_info=told
    )
    await append(step, memory, SECURITY_EVENT, event, MAX_EVENTS)
    alarm(step, "security_event", BAD_CERTIFICATE, told)
    await step.commit()


HANDLERS: Handlers = {SecurityEventReported: report}
