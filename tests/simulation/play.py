"""Play a storm from its seed and hold it against the promises."""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from tests.conftest import MEMORY, in_memory
from tests.simulation.promises import hold
from tests.simulation.storm import Storm, storm


def play(seed: int, **more: Any) -> tuple[Storm, Counter[str]]:
    """Play a seed's storm; raises `BrokenPromiseError`. Returns it, and what its sessions came to."""
    with tempfile.TemporaryDirectory(prefix="wattseal-storm-", dir=MEMORY if in_memory() else None) as folder:
        one = storm(seed, folder=Path(folder), **more)
        one.run()
        return one, asyncio.run(hold(one))
