"""The dead man's switch: asks a CPO for its statement again and again, from elsewhere, and ends when it is not right.

It needs nothing of the CPO but an address and the key of its log. What it saw last is kept in a file, so that it can
also be run by a timer, one look at a time.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from wattseal.app.system import SystemClock
from wattseal.base.errors import InputError
from wattseal.log.alive import MAX_STATEMENT, PATH, Alive, is_late, troubles
from wattseal.log.keys import VerifierKey
from wattseal.model.verdict import Finding
from wattseal.stores.files import write_durably

TIMEOUT_S = 10.0
_OK = 200


@dataclass(frozen=True, slots=True)
class Watching:
    """Whom to watch, by which key, how old a statement may be, how often to look, where to keep what was seen last."""

    url: str
    key: VerifierKey
    late_s: float
    every_s: float
    state: Path | None = None
    webhook: str | None = None


@dataclass(slots=True)
class Watchdog:
    """One that watches. `begun_ms` is when it began: nobody is late before."""

    watching: Watching
    session: aiohttp.ClientSession
    begun_ms: int
    before: Alive | None = None

    async def look(self) -> tuple[Finding, ...]:
        """Look once; return what is wrong, nothing where all is well or it is too early to say."""
        now_ms = _now_ms()
        try:
            data = await self._fetched()
            told = Alive.verify(data, self.watching.key)
        except InputError as error:
            code = error.code if error.code == "unsigned" else "bad_statement"
            return (Finding(code, "statement", str(error)),)
        except (aiohttp.ClientError, TimeoutError) as error:
            return self._no_answer(now_ms, str(error) or "none in time")
        late = is_late(told, now_ms, self._late_ms)
        found = troubles(told, self.before)
        if late:
            found = (Finding("late", "at", f"the statement is {_seconds(now_ms - told.at_ms)} old"), *found)
        if not found:
            self.before = told
            if self.watching.state is not None:
                await asyncio.to_thread(write_durably, self.watching.state, data)
        return found

    def _no_answer(self, now_ms: int, why: str) -> tuple[Finding, ...]:
        since_ms = self.begun_ms if self.before is None else self.before.at_ms
        if now_ms - since_ms <= self._late_ms:
            return ()
        return (Finding("late", "statement", f"no answer for {_seconds(now_ms - since_ms)}: {why}"),)

    @property
    def _late_ms(self) -> int:
        return int(self.watching.late_s * 1000)

    async def _fetched(self) -> bytes:
        address = self.watching.url.rstrip("/").removesuffix(PATH) + PATH
        async with self.session.get(address, allow_redirects=False) as answer:
            if answer.status != _OK:
                raise aiohttp.ClientError(f"answered {answer.status}")
            return await answer.content.read(MAX_STATEMENT)

    async def tell(self, found: tuple[Finding, ...]) -> None:
        """Call the webhook, if there is one; one that does not answer changes nothing."""
        if self.watching.webhook is None:
            return
        body = {
            "url": self.watching.url,
            "at_ms": _now_ms(),
            "troubles": [{"code": each.code, "field": each.field, "detail": each.detail} for each in found],
        }
        async with self.session.post(self.watching.webhook, json=body, allow_redirects=False) as answer:
            await answer.read()


async def watch(watching: Watching, seen: Callable[[Alive], None], *, once: bool = False) -> tuple[Finding, ...]:
    """Look until something is wrong, and return that; with `once` look once. `seen` is told of each that is right."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        dog = Watchdog(watching, session, _now_ms(), _seen_last(watching))
        while True:
            found = await dog.look()
            if found:
                await _told(dog, found)
                return found
            if dog.before is not None:
                seen(dog.before)
            if once:
                return ()
            await asyncio.sleep(watching.every_s)


async def _told(dog: Watchdog, found: tuple[Finding, ...]) -> None:
    with suppress(aiohttp.ClientError, TimeoutError):
        await dog.tell(found)


def _seen_last(watching: Watching) -> Alive | None:
    """Return the statement kept from the last run; `InputError` where the file is not one of this log."""
    if watching.state is None or not watching.state.exists():
        return None
    return Alive.verify(watching.state.read_bytes(), watching.key)


def _now_ms() -> int:
    return int(SystemClock().now().timestamp() * 1000)


def _seconds(ms: int) -> str:
    return f"{ms // 1000} s"
