"""Witnesses for tests: on the test's own event loop or as processes, always over real sockets."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from tests.log.log_world import Forest, signed_checkpoint

from wattseal.app.witness import run_witness
from wattseal.dial.witness import Asked, WitnessClient, WitnessPeer
from wattseal.log import merkle
from wattseal.log.keys import VerifierKey


class Running:
    """A witness that listens and how to talk to it."""

    def __init__(self, key: VerifierKey, url: str, http: aiohttp.ClientSession) -> None:
        self.peer = WitnessPeer(url, key)
        self.http = http

    async def post(self, body: bytes) -> tuple[int, str, bytes]:
        async with self.http.post(f"{self.peer.url}/add-checkpoint", data=body) as response:
            return response.status, response.headers["Content-Type"], await response.read()

    async def get(self, path: str) -> tuple[int, bytes]:
        async with self.http.get(f"{self.peer.url}{path}") as response:
            return response.status, await response.read()

    async def ask(self, forest: Forest, size: int) -> Asked:
        client = WitnessClient(self.http, [self.peer])
        (asked,) = await client.collect(
            signed_checkpoint(forest, size), lambda old, new: merkle.consistency_proof(old, new, forest)
        )
        return asked


@asynccontextmanager
async def running(data: Path, *logs: str) -> AsyncIterator[Running]:
    """Run a witness on this event loop, over a real socket."""
    started: asyncio.Queue[tuple[VerifierKey, int]] = asyncio.Queue()
    keys = [VerifierKey.parse(log) for log in logs]
    task = asyncio.create_task(run_witness(data, 0, logs=keys, ready=lambda key, port: started.put_nowait((key, port))))
    key, port = await asyncio.wait_for(started.get(), 30)
    try:
        async with aiohttp.ClientSession() as http:
            yield Running(key, f"http://127.0.0.1:{port}", http)
    finally:
        task.cancel()
        await asyncio.wait([task])


@asynccontextmanager
async def process(data: Path, *logs: str) -> AsyncIterator[tuple[Running, asyncio.subprocess.Process]]:
    """Run `wattseal witness` as a process of its own."""
    options = [option for log in logs for option in ("--log", log)]
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from wattseal.cli.witness import app; app()",
        *("--data", str(data), "--port", "0", *options),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert child.stdout is not None
    try:
        key = (await child.stdout.readline()).decode().split()[1]
        url = (await child.stdout.readline()).decode().split()[2]
        async with aiohttp.ClientSession() as http:
            yield Running(VerifierKey.parse(key), url, http), child
    finally:
        if child.returncode is None:
            child.terminate()
        await child.wait()
