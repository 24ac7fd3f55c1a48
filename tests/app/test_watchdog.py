"""The watchdog on real sockets: it ends when statements stop, are forged, or alarms become fewer, and calls help."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.support.alive import KEY, OTHER, told

from wattseal.app.listening import listening
from wattseal.app.system import SystemClock
from wattseal.app.watchdog import Watching, watch
from wattseal.base.errors import InputError
from wattseal.log.alive import PATH, Alive
from wattseal.log.keys import SigningKey
from wattseal.model.alarm import Severity

GENEROUS_S = 600.0


@dataclass
class Shown:
    """A CPO that shows what it is told to, and a listener for calls of help."""

    port: int = 0
    data: bytes | None = None
    called: list[Any] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def show(self, key: SigningKey = KEY, *, ago_s: float = 0, **changes: Any) -> None:
        now_ms = int(SystemClock().now().timestamp() * 1000)
        self.data = told(at_ms=now_ms - int(ago_s * 1000), **changes).sign(key).encode()

    async def statement(self, _: web.Request) -> web.Response:
        return web.Response(status=503) if self.data is None else web.Response(body=self.data)

    async def help(self, request: web.Request) -> web.Response:
        self.called.append(await request.json())
        return web.Response()

    def watching(self, late_s: float = GENEROUS_S, state: Path | None = None) -> Watching:
        return Watching(self.url, KEY.verifier, late_s, 0.05, state, f"{self.url}/help")


@pytest.fixture
async def shown() -> AsyncIterator[Shown]:
    made = Shown()
    application = web.Application()
    application.add_routes([web.get(PATH, made.statement), web.post("/help", made.help)])
    async with listening(application, "127.0.0.1", 0) as made.port:
        yield made


async def test_it_watches_on_while_all_is_well_and_ends_when_alarms_become_fewer_without_records(shown: Shown) -> None:
    seen: asyncio.Queue[Alive] = asyncio.Queue()
    shown.show()
    dog = asyncio.create_task(watch(shown.watching(), seen.put_nowait))
    for _ in range(3):
        await seen.get()
    shown.show(standing=dict.fromkeys(Severity, 0))
    found = await dog
    assert [each.code for each in found] == ["alarms_uncounted"]
    (called,) = shown.called
    assert called["troubles"][0]["code"] == "alarms_uncounted"


async def test_a_statement_that_is_old_forged_or_missing_is_told(shown: Shown) -> None:
    shown.show(ago_s=GENEROUS_S * 2)
    assert [each.code for each in await watch(shown.watching(), print, once=True)] == ["late"]
    shown.show(OTHER)
    assert [each.code for each in await watch(shown.watching(), print, once=True)] == ["unsigned"]
    shown.data = b"all is well\n"
    assert [each.code for each in await watch(shown.watching(), print, once=True)] == ["bad_statement"]
    shown.data = None
    assert await watch(shown.watching(), print, once=True) == ()
    (found,) = await watch(shown.watching(late_s=0.2), print)
    assert (found.code, found.field) == ("late", "statement")


async def test_what_was_seen_last_is_kept_between_single_looks(shown: Shown, tmp_path: Path) -> None:
    state = tmp_path / "seen"
    shown.show()
    assert await watch(shown.watching(state=state), print, once=True) == ()
    shown.show(opened=5, standing={Severity.CRITICAL: 1, Severity.WARNING: 1, Severity.NOTICE: 0}, chain=(9, "ef" * 32))
    codes = {each.code for each in await watch(shown.watching(state=state), print, once=True)}
    assert codes == {"alarm_count_fell", "alarm_log_shrank"}
    assert await watch(shown.watching(), print, once=True) == ()
    state.write_bytes(b"forged")
    with pytest.raises(InputError):
        await watch(shown.watching(state=state), print, once=True)
