"""Messages on stations' displays: what was set, what the station tells of, what was cleared (2.x block O)."""

from wattseal.flow.orders import Answered, Effects
from wattseal.flow.stations import assemblies
from wattseal.flow.stations.shelf import numbered, shelve, unshelve
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.display import DisplayClear, DisplaySet, DisplaysReported, KeptDisplay
from wattseal.model.message import Asked, Replied

DISPLAY = "display_message"
"""Document kind: a message, by `station/id`."""
MAX_MESSAGES = 200
"""Messages kept per station; further ones are left out and counted."""


async def report(turn: Turn, fact: DisplaysReported) -> Replied:
    """Keep messages a station tells of."""
    step = turn.step()
    await assemblies.part(step, turn.memory, "NotifyDisplayMessages", fact.request_id, None, more=fact.tbc)
    for message in fact.message_info:
        kept = KeptDisplay(turn.station.id, turn.now_ms, message)
        await shelve(step, turn.memory, DISPLAY, numbered(message.id), kept, limit=MAX_MESSAGES)
    await step.commit()
    return Replied()


async def _set(answered: Answered, command: DisplaySet, answer: Replied) -> None:
    if answer.status == "Accepted":
        message = command.message
        kept = KeptDisplay(answered.station_id, answered.step.now_ms, message, answered.asked_by)
        await shelve(answered.step, answered.memory, DISPLAY, numbered(message.id), kept, limit=MAX_MESSAGES)


async def _clear(answered: Answered, command: DisplayClear, answer: Replied) -> None:
    if answer.status in {"Accepted", "Unknown"}:
        await unshelve(answered.step, answered.memory, DISPLAY, numbered(command.id))


async def _asked(answered: Answered, command: Asked, answer: Replied) -> None:
    request_id = command.content["requestId"]
    if isinstance(request_id, int):
        await assemblies.asked(answered, "NotifyDisplayMessages", request_id, "messages", answer.status)


HANDLERS: Handlers = {DisplaysReported: report}
EFFECTS: Effects = {DisplaySet: _set, DisplayClear: _clear, "GetDisplayMessages": _asked}
