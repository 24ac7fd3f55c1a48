"""Everything about a station as a device, put together: what it tells of itself, and what answered commands change."""

from wattseal.flow.drivers import customers
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Effects
from wattseal.flow.stations import (
    availability,
    device_model,
    display,
    event_streams,
    firmware,
    logs,
    monitoring,
    network_profiles,
    provisioning,
    security_events,
)
from wattseal.flow.tables import united
from wattseal.flow.turn import Handlers
from wattseal.model.message import Command

HANDLERS: Handlers = united(
    availability.HANDLERS,
    customers.HANDLERS,
    device_model.HANDLERS,
    display.HANDLERS,
    event_streams.HANDLERS,
    firmware.HANDLERS,
    logs.HANDLERS,
    monitoring.HANDLERS,
    provisioning.HANDLERS,
    security_events.HANDLERS,
)
EFFECTS: Effects = united(
    availability.EFFECTS,
    customers.EFFECTS,
    device_model.EFFECTS,
    display.EFFECTS,
    event_streams.EFFECTS,
    firmware.EFFECTS,
    logs.EFFECTS,
    monitoring.EFFECTS,
    network_profiles.EFFECTS,
)


def expect(memory: Memory, command: Command, now_ms: int) -> None:
    """Note before a command is sent what the station may say because of it (`InputError`: it may not be sent)."""
    provisioning.expect(memory, command)
    customers.expect(memory, command, now_ms)
