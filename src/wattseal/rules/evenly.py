"""Answers passed on at even steps, so that how long somebody took does not tell who it was."""


def rest_of_step(elapsed_s: float, step_s: float) -> float:
    """Return how long an answer that took `elapsed_s` is kept back, to the next whole multiple of the step."""
    return -elapsed_s % step_s
