"""The machine's own clock, looked at every few seconds: an alarm where it was set, also while nothing ran."""

from dataclasses import dataclass

from wattseal.flow.alarms import alarm
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.rules.own_clock import set_by_ms, told

OWN_CLOCK_SET = "own_clock_set"


@dataclass(slots=True)
class OwnClock:
    """Knows when it looked last; `recorded_ms` is a time that was written down before the start, 0 without one."""

    world: World
    looked_ms: int = 0
    recorded_ms: int = 0

    async def round(self) -> None:
        """Look, and raise the alarm. Since before the start any time may have gone by, but none back."""
        now_ms = self.world.now_ms()
        by_ms = set_by_ms(self.looked_ms, now_ms)
        if self.recorded_ms:
            by_ms, self.recorded_ms = min(0, set_by_ms(self.recorded_ms, now_ms)), 0
        if by_ms:
            step = Step(self.world, "", now_ms)
            alarm(step, OWN_CLOCK_SET, "clock", told(by_ms))
            await step.commit()
        self.looked_ms = now_ms
