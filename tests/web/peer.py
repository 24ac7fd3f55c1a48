"""A long-lived Node process that answers a line with a line: the browser's code beside Python's."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.interop.npm import NODE
from tests.web.project import built, project

HERE = Path(__file__).parent


class Peer:
    """Asks in batches, so that both sides compute at once and no pipe fills up."""

    BATCH = 64

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, questions: Iterable[Any]) -> Iterator[Any]:
        """Yield the answer to each question, in order."""
        batch: list[str] = []
        for question in questions:
            batch.append(json.dumps(question))
            if len(batch) == self.BATCH:
                yield from self._answers(batch)
                batch = []
        yield from self._answers(batch)

    def _answers(self, batch: list[str]) -> Iterator[Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        for line in batch:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
            assert answer, "the peer has ended"
            yield json.loads(answer)


def modules(config: pytest.Config) -> Path:
    """Build the rooms of `web/src` that have an index; return the folder that has each as `<room>.mjs`."""
    folder = project(config)
    built(folder, "--modules", folder / "modules")
    return folder / "modules"


@contextmanager
def peer(script: str, *words: str | Path) -> Iterator[Peer]:
    """Run `tests/web/<script>` in Node."""
    command = [NODE / "bin" / "node", HERE / script, *words]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603
    with process:  # leaving closes its input, which ends it
        yield Peer(process)
