"""Real processes for a lab world: started on loopback, watched, ended by pid."""

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from wattseal.base.errors import WattsealError

PROGRAM = (sys.executable, "-m", "wattseal")
STOP_WITHIN_S = 10
"""What a process gets to end by itself before it is killed."""


class LabError(WattsealError):
    """A lab process did not do its part; the text says where its log is."""

    code = "lab_failed"


@dataclass(frozen=True, slots=True)
class Member:
    """A running process; everything it prints goes to `log`."""

    name: str
    process: asyncio.subprocess.Process
    log: Path


class Crew:
    """The processes of one world; leaving the context ends them all."""

    def __init__(self, logs: Path, program: Sequence[str] = PROGRAM) -> None:
        """Keep logs under `logs`; `program` are the words that run `wattseal`."""
        self._logs = logs
        self._program = program
        self._members: dict[str, Member] = {}

    async def __aenter__(self) -> Self:
        """Make the folder of logs."""
        self._logs.mkdir(parents=True, exist_ok=True)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End every process, the last started first."""
        for name in reversed(list(self._members)):
            await self.stop(name)

    async def start(
        self, name: str, *arguments: str | Path, undefend: str | None = None, trusts: Path | None = None
    ) -> Member:
        """Start `wattseal ARGUMENTS...` in the background, without the defence that `undefend` names if it is given.

        `trusts` is a file of certificates that it believes in the place of the machine's.
        """
        around = None if trusts is None else {**os.environ, "SSL_CERT_FILE": str(trusts)}
        log = self._logs / f"{name}.log"
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *(self._program if undefend is None else (sys.executable, "-m", "wattseal.lab.undefended", undefend)),
                *map(str, arguments),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env=around,
            )
        member = Member(name, process, log)
        self._members[name] = member
        return member

    async def stop(self, name: str) -> None:
        """Ask a process to end, kill it if it does not, and wait until it is gone."""
        member = self._members.pop(name, None)
        if member is None or member.process.returncode is not None:
            return
        member.process.terminate()
        try:
            await asyncio.wait_for(member.process.wait(), STOP_WITHIN_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                member.process.kill()
            await member.process.wait()

    def pid(self, name: str) -> int:
        """Return the id of a running process."""
        return self._members[name].process.pid

    async def kill(self, name: str) -> None:
        """End a process as a crash would."""
        member = self._members.pop(name)
        member.process.kill()
        await member.process.wait()

    async def until(self, name: str, ready: Callable[[], Awaitable[bool]], timeout_s: float = 30) -> None:
        """Wait until `ready` says so; `LabError` when the process ends before or time runs out."""
        member = self._members[name]
        async with asyncio.timeout(timeout_s):
            while not await ready():
                if member.process.returncode is not None:
                    raise LabError(f"{name} ended early: {last_words(member.log)}", subject=str(member.log))
                await asyncio.sleep(0.05)

    async def run(self, name: str, *arguments: str | Path, timeout_s: float = 90) -> int:
        """Run `wattseal ARGUMENTS...` to its end and return the exit code."""
        member = await self.start(name, *arguments)
        try:
            return await asyncio.wait_for(member.process.wait(), timeout_s)
        except TimeoutError:
            raise LabError(f"{name} did not end in {timeout_s} s", subject=str(member.log)) from None
        finally:
            await self.stop(name)


async def output(arguments: Sequence[str | Path], timeout_s: float = 60) -> tuple[int, str]:
    """Run `wattseal ARGUMENTS...` and return its exit code and what it printed on standard output."""
    process = await asyncio.create_subprocess_exec(
        *PROGRAM,
        *map(str, arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), timeout_s)
    return process.returncode or 0, printed.decode(errors="replace")


def last_words(log: Path, lines: int = 5) -> str:
    """Return the end of a log in one line."""
    text = log.read_text(errors="replace") if log.exists() else ""
    return " | ".join(text.strip().splitlines()[-lines:]) or "no output"


def free_port() -> int:
    """Return a loopback port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
