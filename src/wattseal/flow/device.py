"""Everything about a station as a device, put together: what it tells of itself, and what answered commands change."""

from wattseal.flow import availability, device_model, firmware, logs, provisioning, security_events
from wattseal.flow.orders import Effects
from wattseal.flow.turn import Handlers

HANDLERS: Handlers = {
    **availability.HANDLERS,
    **device_model.HANDLERS,
    **firmware.HANDLERS,
    **logs.HANDLERS,
    **provisioning.HANDLERS,
    **security_events.HANDLERS,
}
EFFECTS: Effects = {
    **availability.EFFECTS,
    **device_model.EFFECTS,
    **firmware.EFFECTS,
    **logs.EFFECTS,
}
