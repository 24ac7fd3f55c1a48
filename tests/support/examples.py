"""How many examples tests draw that have no end of them: all in `make agree`, a share in `make test`."""

import os

SHARE = "WATTSEAL_EXAMPLES"
"""Environment variable: per cent of the examples named in the tests."""


def examples(number: int, usual: int = 100) -> int:
    """Return how many of a number of examples to draw: the share the environment names, else the `usual` one."""
    return max(1, number * int(os.environ.get(SHARE, usual)) // 100)
