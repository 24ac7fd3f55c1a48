"""Starts `wattseal serve` processes fast: everything is imported once, each start is a fork of that.

Reads lines of JSON from standard input, {"data", "ocpp", "http", "settings", "kill_after", "without_api"}, and answers
each with the line of the process that is ready: {"pid", "ocpp", "http"}. With `kill_after` N the process kills itself
just after its N-th commit is durable and before anything is answered.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from tests.support.forking import prepare, put_in_place

from wattseal.app.cpo import listening
from wattseal.app.cpo.cpo import run_cpo
from wattseal.app.cpo.parts import Options, Running
from wattseal.app.settings import Settings
from wattseal.flow.ports import Batch, Committed
from wattseal.stores.journal import BaseJournal


def main() -> None:
    prepare()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        told = json.loads(line)
        if os.fork() == 0:
            _child(told)


def _child(told: dict[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if told.get("without_api"):
        put_in_place(listening, "serve_http", _no_api)  # starts sooner, where nobody asks
    if told.get("kill_after"):
        _die_after(told["kill_after"])
    settings = msgspec.convert(told["settings"], Settings)
    serve = msgspec.structs.replace(settings.serve, ocpp_port=told["ocpp"], http_port=told["http"])
    options = Options(Path(told["data"]), msgspec.structs.replace(settings, serve=serve))

    def ready(running: Running) -> None:
        said = {"pid": os.getpid(), "ocpp": running.stations.ws, "http": running.http_port}
        os.write(1, json.dumps(said).encode() + b"\n")

    code = 1
    try:
        asyncio.run(run_cpo(options, ready))
        code = 0
    finally:
        os._exit(code)


@asynccontextmanager
async def _no_api(application: object, host: str, port: int) -> AsyncIterator[int]:
    del application, host
    yield port


def _die_after(commits: int) -> None:
    commit, submit = BaseJournal.commit, BaseJournal.submit
    left = commits

    def durable(*_: object) -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def commit_and_die(self: BaseJournal, batch: Batch) -> Committed:
        committed = await commit(self, batch)
        durable()
        return committed

    def submit_and_die(self: BaseJournal, batch: Batch) -> asyncio.Future[Committed] | None:
        flush = submit(self, batch)
        if flush is not None:
            flush.add_done_callback(durable)  # before those of whoever answers
        return flush

    BaseJournal.commit = commit_and_die  # type: ignore[method-assign] # the adversary of this test
    BaseJournal.submit = submit_and_die  # type: ignore[method-assign] # as above


if __name__ == "__main__":
    main()
