"""How many examples tests draw that have no end of them, and how they are drawn.

`make test` draws the same examples in every run: what failed fails again, alone and among all tests, and what passed
was not luck. `make explore` draws others each time, and many more; `make agree` plays
all that browser and server share.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from hypothesis.internal.constants_ast import Constants

SHARE = "WATTSEAL_EXAMPLES"
"""Environment variable: per cent of the examples named in the tests."""
EXPLORE = "explore"
"""Hypothesis's profile of `make explore` (`--hypothesis-profile`)."""
SLOW = [HealthCheck.too_slow]
"""How long a draw takes says more about the machine than about the test."""


def examples(number: int, usual: int = 100) -> int:
    """Return how many of a number of examples to draw: the share the environment names, else the `usual` one."""
    return max(1, number * int(os.environ.get(SHARE, usual)) // 100)


def draw_alike() -> None:
    """Have each test draw what it drew last time; for the options of the profile see `register_profiles`.

    Hypothesis also draws numbers and words that stand in the source of what is imported by then: a test would draw
    others alone than among all, and others again after a change anywhere. Those are left to `make explore`.
    """
    setattr(providers, "_get_local_constants", Constants)  # noqa: B010 - private, and there is no setting for it


def register_profiles() -> None:
    """Register both profiles, and load the one that draws alike; pytest's option loads the other after it."""
    many = examples(100)
    settings.register_profile(
        "alike", derandomize=True, database=None, deadline=None, max_examples=many, suppress_health_check=SLOW
    )
    settings.register_profile(
        EXPLORE,
        derandomize=False,  # also where the variable CI is set: Hypothesis would draw alike there
        deadline=None,
        max_examples=many,
        suppress_health_check=SLOW,
        print_blob=True,
    )
    settings.load_profile("alike")
