"""T75: somebody with a role in the CPO's database takes an alarm out of it, the records about it included."""

import asyncio
import sqlite3
import sys
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattseal.flow.alarm_keeper import STREAM
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.log.keys import SignatureType, SigningKey

STATION = "ST1"
SETTINGS = "[alerts]\nalive_s = 1.0\n"
EVERY_S, LATE_S, PATIENCE_S = 0.5, 60.0, 40.0
"""How often the watchdog looks, how old a statement may be, and how long anybody waits for what must come."""
BUSY_S = 20


async def _perform(lab: Lab) -> Found:
    return await _mute(lab, watched=True)


async def _control(lab: Lab) -> Found:
    return await _mute(lab, watched=False)


async def _mute(lab: Lab, *, watched: bool) -> Found:
    async with lab.alone(SETTINGS) as cpo:
        before = await _tampered(cpo)
        dog = await _Watchdog.begin(cpo) if watched else None
        await cpo.kill()
        rows = await asyncio.to_thread(_delete, cpo.data)
        began = time.monotonic()
        await cpo.start()
        after = await cpo.api("GET", "/api/v1/alarms")
        inside = f"{rows} rows deleted; the CPO's own list has {len(after)} alarms, had {len(before)}"
        if after:
            raise LabError(f"the alarm is still there: {after}")
        if dog is None:
            return Found(Outcome.MISSED, f"{inside}; readyz says ready, and nobody outside looks")
        code, told = await dog.ended()
        took_s = time.monotonic() - began
    if code != 1:
        return Found(Outcome.MISSED, f"{inside}; the watchdog says {code}: {told}")
    figures = (Figure("until a watchdog tells of alarms that were deleted", took_s, "s"),)
    return Found(Outcome.DETECTED, f"{inside}; the watchdog ends with 1: {told}", took_s, figures=figures)


async def _tampered(cpo: Alone) -> list[Any]:
    """Have a station tell that somebody opened it; return the alarms once they are on record."""
    await cpo.enrol(STATION)
    async with cpo.station(STATION, "2.0.1") as line:
        event = {"type": "TamperDetectionActivated", "timestamp": "2026-01-01T00:00:00Z"}
        await line.call("SecurityEventNotification", event)
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            found: list[Any] = await cpo.api("GET", "/api/v1/alarms")
            if found and all(alarm["said"] for alarm in found):
                return found
            await asyncio.sleep(0.1)
    raise LabError("no alarm came on record")


def _delete(data: Path) -> int:
    """Do what a role that may delete rows does: documents and records of alarms go, nothing else."""
    with closing(sqlite3.connect(data / "journal.sqlite3", timeout=BUSY_S)) as database:
        gone = database.execute("DELETE FROM documents WHERE kind = 'alarm'").rowcount
        gone += database.execute("DELETE FROM items WHERE stream = ? AND origin LIKE '%/billing'", (STREAM,)).rowcount
        database.commit()
        return gone


@dataclass(slots=True)
class _Watchdog:
    """`wattseal watchdog`, a process of its own that knows an address and a key."""

    process: asyncio.subprocess.Process

    @staticmethod
    async def begin(cpo: Alone) -> "_Watchdog":
        """Start it, and wait until it has seen a statement that is right."""
        pem = (cpo.data / "keys" / "log.pem").read_bytes()
        vkey = str(SigningKey.from_pem("CPO/log", SignatureType.ED25519, pem).verifier)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "wattseal", "watchdog", "--url", cpo.http, "--vkey", vkey),
            *("--late-s", str(LATE_S), "--every-s", str(EVERY_S)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        dog = _Watchdog(process)
        try:
            first = await asyncio.wait_for(dog._line(), PATIENCE_S)
            while ", 1 warning" not in first:
                first = await asyncio.wait_for(dog._line(), PATIENCE_S)
        except BaseException:
            await dog._end()
            raise
        return dog

    async def _line(self) -> str:
        line = b"" if self.process.stdout is None else await self.process.stdout.readline()
        if not line:
            raise LabError("the watchdog ended before anything happened")
        return line.decode().strip()

    async def ended(self) -> tuple[int | None, str]:
        """Wait until it ends; return its exit code and its last words."""
        try:
            out, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        except TimeoutError:
            return None, "it watches on"
        finally:
            await self._end()
        lines = [line for line in out.decode().splitlines() if ": " in line and "log entries" not in line]
        return self.process.returncode, "; ".join(lines)

    async def _end(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


ATTACK = Attack(
    line="T75",
    title="an alarm is taken out of the CPO's database, with the records about it",
    steps=(
        "a station tells that somebody opened it: an alarm stands, and its record is written",
        "with a role in the database: end the process, delete the rows of alarms and of their records, start it again",
        "the CPO's own list is empty",
    ),
    defence="the process signs a dated statement with counts of alarms, their records and the log's checkpoint; "
    "`wattseal watchdog` reads it elsewhere and remembers what it saw",
    without="nobody runs the watchdog",
    residual="what was muted before the watchdog's first look, or within the second before the alarm was on record; "
    "whoever holds the log's key signs statements of his own, but takes no record out of a log that others cosigned",
    expected=Outcome.DETECTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
