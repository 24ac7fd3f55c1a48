"""Where the shared real meter records are: only ever through the environment."""

import os
from pathlib import Path

import pytest


def vectors() -> Path:
    """Return the folder of `WATTSEAL_VECTORS`, or skip the test and say why."""
    folder = os.environ.get("WATTSEAL_VECTORS")
    if not folder:
        pytest.skip("WATTSEAL_VECTORS is not set: the shared meter records are not here")
    return Path(folder)
