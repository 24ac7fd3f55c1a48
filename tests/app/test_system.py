from datetime import UTC

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.flow.ports import Clock, Random


def test_the_clock_is_aware_and_in_utc_and_randomness_has_the_length_asked_for() -> None:
    clock: Clock = SystemClock()
    random: Random = SystemRandom()
    assert clock.now().tzinfo is UTC
    assert len(random.bytes(32)) == 32
    assert random.bytes(32) != random.bytes(32)
