"""Alarms about a device: a document each, at most one a minute of a kind."""

from wattseal.flow.documents import ALARM, put
from wattseal.flow.step import Step
from wattseal.flow.turn import Alarm

_MINUTE_MS = 60_000


def alarm(step: Step, code: str, field: str, detail: str = "") -> str:
    """Have somebody look at what a station told; `field` names it, the same alarm within a minute is one.

    Returns the key of its document.
    """
    step.world.count(f"alarm_{code}")
    minute_ms = step.now_ms - step.now_ms % _MINUTE_MS
    key = f"{minute_ms:015d}-{step.station_id.casefold()}-{code}-{field}"
    raised = Alarm(code, step.station_id, step.now_ms, field, detail)
    step.puts.append(put(ALARM, key, raised, step.now_ms, station_id=step.station_id or None))
    return key
