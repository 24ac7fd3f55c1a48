"""A clock's drift is told in spite of messages that come late, and nobody is alarmed by one of them."""

from hypothesis import given
from hypothesis import strategies as st

from wattseal.rules.clock_drift import ALARMING_MS, NEEDED, SAMPLES, drift_ms, is_alarming, with_sample


@given(st.integers(-10_000_000, 10_000_000), st.lists(st.integers(0, 3_600_000), min_size=1, max_size=SAMPLES))
def test_one_message_that_came_at_once_tells_the_drift(drift: int, delays: list[int]) -> None:
    samples = [drift - delay for delay in (*delays, 0)]
    assert drift_ms(samples) == drift


def test_a_message_out_of_a_queue_alarms_nobody() -> None:
    assert not is_alarming([-86_400_000])
    assert not is_alarming([-86_400_000] * NEEDED + [-100])


def test_a_clock_that_is_off_alarms() -> None:
    assert is_alarming([ALARMING_MS + 1] * NEEDED)
    assert is_alarming([-ALARMING_MS - 1] * NEEDED)
    assert not is_alarming([ALARMING_MS] * SAMPLES)


def test_only_the_latest_messages_count() -> None:
    samples: tuple[int, ...] = ()
    for difference in [9_999_999] + [5] * SAMPLES:
        samples = with_sample(samples, difference)
    assert drift_ms(samples) == 5


def test_without_messages_nothing_is_known() -> None:
    assert drift_ms(()) is None
    assert not is_alarming(())
