"""Alarms: raised together with what raises them, one of a subject at a time, over when what they tell of is.

The document is written in the same step; `AlarmKeeper` puts it on record.
"""

from dataclasses import replace

from wattseal.flow.documents import ALARM, put, read
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.rules.alarms import subject_of
from wattseal.seal.alarm import AlarmEvent


def alarm(step: Step, code: str, field: str, detail: str = "") -> str:
    """Have somebody look at what a station told; `field` names it. Returns the key of the alarm."""
    key, document = raised(step.world, Alarm(code, step.station_id, step.now_ms, field, detail))
    step.puts.append(document)
    return key


def raised(world: World, new: Alarm, key: str | None = None) -> tuple[str, Put]:
    """Raise an alarm, under `key` where that is given and none of its subject stands; return its key and document."""
    world.count(f"alarm_{new.code}")
    if key is None:
        key = f"{new.at_ms:015d}-{world.random.bytes(8).hex()}"
    key, kept = world.alarms.take(new, key)
    return key, document_of(key, kept, new.at_ms)


def document_of(key: str, kept: Alarm, now_ms: int) -> Put:
    """Return an alarm's document."""
    return put(ALARM, key, kept, now_ms, station_id=kept.station_id or None, active=kept.stands)


def cleared_by(step: Step, code: str, transaction_id: str) -> None:
    """Note in a step that it ends what a standing alarm about a session tells of."""
    alarms = step.world.alarms
    key = alarms.subjects.get(subject_of(Alarm(code, step.station_id, step.now_ms, transaction=transaction_id)))
    cleared = None if key is None else alarms.step(key, AlarmEvent.CLEARED, over_ms=step.now_ms)
    if key is not None and cleared is not None:
        step.puts.append(document_of(key, cleared, step.now_ms))


async def over(world: World, key: str, now_ms: int, ended_ms: int) -> tuple[Put, ...]:
    """Return what notes that an alarm's cause ended by itself; where a person closed it, it stays closed."""
    cleared = world.alarms.step(key, AlarmEvent.CLEARED, over_ms=ended_ms)
    if cleared is None and (known := world.alarms.leaving.get(key)) is not None:
        cleared = replace(known, over_ms=ended_ms)
    elif cleared is None:
        document = await world.journal.document(world.tenant, ALARM, key)
        if document is None:
            return ()
        cleared = replace(read(document, Alarm), over_ms=ended_ms)
    return (document_of(key, cleared, now_ms),)
