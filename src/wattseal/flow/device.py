"""Everything about a station as a device, put together: what it tells of itself, and what answered commands change."""

from wattseal.flow import availability, device_model, provisioning
from wattseal.flow.orders import Effects
from wattseal.flow.turn import Handlers

HANDLERS: Handlers = {
    **availability.HANDLERS,
    **device_model.HANDLERS,
    **provisioning.HANDLERS,
}
EFFECTS: Effects = {
    **availability.EFFECTS,
    **device_model.EFFECTS,
}
