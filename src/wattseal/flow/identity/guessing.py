"""That somebody tries out credentials: an alarm with its figures, once a wave, also over a restart."""

from dataclasses import dataclass

from wattseal.flow.alarms import alarm
from wattseal.flow.documents import put, read
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.rules.guessing import Guessing

GUESSED = "guessed"
"""Document kind: when it was last told that credentials were tried out, by station or address."""
AGAIN_MS = 3_600_000
CODE = "password_guessing"


@dataclass(frozen=True, slots=True)
class Guessed:
    """Document: an alarm was raised at `at_ms`."""

    at_ms: int


async def note_guessing(world: World, told: Guessing) -> bool:
    """Raise the alarm, unless it was raised within the last hour; return whether it was."""
    now_ms = world.now_ms()
    key = told.station_id.casefold() or f"@{told.remote}"
    document = await world.journal.document(world.tenant, GUESSED, key)
    if document is not None and now_ms - read(document, Guessed).at_ms < AGAIN_MS:
        return False
    step = Step(world, told.station_id, now_ms)
    whom = "" if told.station_id else " for several stations"
    alarm(step, CODE, told.remote, f"{told.tries} credentials refused{whom} within {told.seconds} s")
    step.puts.append(put(GUESSED, key, Guessed(now_ms), now_ms))
    await step.commit()
    return True
