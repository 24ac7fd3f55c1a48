"""Reports that are kept as told: the latest of each action per station, to be looked at."""

from collections.abc import Mapping
from dataclasses import dataclass

from wattseal.flow.documents import put
from wattseal.flow.turn import Turn
from wattseal.model.message import Replied, Told

REPORT = "report"
"""Document kind: the latest message of an action, by `station/action`."""


@dataclass(frozen=True, slots=True)
class Report:
    """Document: what a station told, when it arrived."""

    station_id: str
    action: str
    at_ms: int
    content: Mapping[str, object]


async def keep(turn: Turn, fact: Told) -> Replied:
    """Keep a report in place of the one before, and answer that it was taken."""
    report = Report(turn.station.id, fact.action, turn.now_ms, fact.content)
    step = turn.step()
    key = f"{turn.station.id.casefold()}/{fact.action}"
    step.puts.append(put(REPORT, key, report, turn.now_ms, station_id=turn.station.id))
    await step.commit()
    return Replied(ANSWERS.get(fact.action, {}))


ANSWERS: Mapping[str, Mapping[str, object]] = {}
"""What is answered where an empty object is not enough."""
