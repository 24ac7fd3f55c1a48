"""A station that is nothing but its WebSocket: it speaks JSON text to a CSMS, and every frame is recorded.

What the CSMS sends is held against the schemas of its OCPP version, whoever looks at it.
"""

import asyncio
import contextlib
import itertools
import json
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Self

import httpx
import jsonschema_rs
from tests.support.csms import PASSWORD, Csms
from tests.support.stations import basic
from tests.wire.ocpp_payloads import schemas
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from wattseal.wire.ocpp.version import Version

WITHIN_S = 15
ANY: Any = object()
"""Stands for any value in what is expected of a frame."""
BOOT16 = {"chargePointVendor": "Vendor", "chargePointModel": "Model"}
BOOT2X = {"reason": "PowerUp", "chargingStation": {"model": "Model", "vendorName": "Vendor"}}
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it was on the wire; `by` is "station" or "csms"; an upgrade's answer is its HTTP status."""

    station: str
    by: str
    message: Any


@dataclass(frozen=True, slots=True)
class CallError:
    """A CALLERROR."""

    code: str
    description: str = ""
    details: Any = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A call of the CSMS, to be answered by the test."""

    station: "Station"
    id: str
    action: str
    payload: Any

    async def answer(self, payload: dict[str, Any]) -> None:
        """Answer with a result."""
        await self.station.send([3, self.id, payload])

    async def refuse(self, code: str, description: str = "") -> None:
        """Answer with a CALLERROR."""
        await self.station.send([4, self.id, code, description, {}])


def matches(found: Any, wanted: Any) -> bool:
    """Whether `found` has all that `wanted` names; dicts may hold more, lists may not."""
    if wanted is ANY:
        return True
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(k in found and matches(found[k], v) for k, v in wanted.items())
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(matches, found, wanted))
    return bool(found == wanted)


@cache
def _validator(version: str, action: str, side: str) -> jsonschema_rs.Validator | None:
    schema = schemas().get((Version(version), action, side))
    return None if schema is None else jsonschema_rs.validator_for(schema)


class Wire:
    """What a conformance test speaks through; `frames` has all that was said, in order."""

    def __init__(self, csms: Csms) -> None:
        self.csms = csms
        self.frames: list[Frame] = []
        self.asserted = 0
        self.violations: list[str] = []
        self._stations: list[Station] = []

    @staticmethod
    def name() -> str:
        """Return an identity nobody has used."""
        return f"CF{next(_numbers):05}"

    def enrol(self, name: str, *, evses: int = 2, password: str = PASSWORD, **more: Any) -> str:
        """Enrol a station over the API."""
        body = {"id": name, "password": password, "evses": [{"id": n + 1} for n in range(evses)], **more}
        told = self.csms.http.post("/api/v1/stations", json=body)
        assert told.status_code == 201, told.text
        return name

    async def station(self, version: str = "2.0.1", *, boot: bool = True, **enrolment: Any) -> "Station":
        """Enrol a new station and connect as it; with `boot` it has been accepted when this returns."""
        name = await asyncio.to_thread(self.enrol, enrolment.pop("name", None) or self.name(), **enrolment)
        station = await self.dial(name, version, password=enrolment.get("password", PASSWORD))
        if boot:
            told = await station.call("BootNotification", BOOT16 if version == "1.6" else BOOT2X)
            assert told["status"] == "Accepted", told
        return station

    async def dial(
        self,
        name: str,
        version: str = "2.0.1",
        *,
        password: str | bytes | None = PASSWORD,
        user: str | None = None,
        tls: ssl.SSLContext | None = None,
        url: str | None = None,
        path: str | None = None,
        offering: tuple[str, ...] = (),
    ) -> "Station":
        """Connect as the station `name`, `offering` further versions; `InvalidStatus` where the upgrade is refused."""
        socket = await connect(
            (url or self.csms.ocpp) + (path or name),
            subprotocols=[Subprotocol(f"ocpp{one}") for one in (*offering, version)],
            additional_headers={} if password is None else basic(user or name, password),
            proxy=None,
            compression=None,
            max_size=None,
            close_timeout=1,
            ssl=tls,
        )
        self.frames.append(Frame(name, "csms", 101))
        station = Station(self, name, version, socket)
        self._stations.append(station)
        return station

    async def refused(self, name: str, status: int, **dialling: Any) -> None:
        """Assert that the upgrade of a connection is answered with an HTTP status."""
        try:
            await self.dial(name, **dialling)
        except InvalidStatus as refusal:
            self.frames.append(Frame(name, "csms", refusal.response.status_code))
        found = self.frames[-1].message
        assert found == status, f"the upgrade was answered with {found}"
        self.asserted += 1

    async def api(self, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """Ask the HTTP API, as an administrator, while stations go on."""
        options |= {} if body is None else {"json": body}
        return await asyncio.to_thread(self.csms.http.request, method, f"/api/v1{path}", **options)

    async def close(self) -> None:
        """Hang up every station."""
        await asyncio.gather(*(station.close() for station in self._stations))


@dataclass(eq=False)
class Station:
    """One connected station. A call of the CSMS nobody waits for is answered out of `replies`, else NotImplemented."""

    wire: Wire
    name: str
    version: str
    socket: ClientConnection
    replies: dict[str, dict[str, Any] | Callable[[Any], dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ids = itertools.count(1)
        self._open: dict[str, tuple[str, asyncio.Future[Any]]] = {}
        self._theirs: dict[str, str] = {}
        self._calls: deque[Asked] = deque()
        self._more = asyncio.Condition()
        self._reader = asyncio.create_task(self._read())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Hang up."""
        await self.socket.close()
        await self._reader

    async def send(self, message: Any) -> None:
        """Send a message, whatever it is; text is sent as it stands."""
        self.wire.frames.append(Frame(self.name, "station", message))
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def start(self, action: str, payload: Any, message_id: str | None = None) -> "asyncio.Future[Any]":
        """Send a call and return what its answer will come in."""
        key = message_id or f"s{next(self._ids)}"
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[key] = action, answer
        await self.send([2, key, action, payload])
        return answer

    async def call(self, action: str, payload: Any, message_id: str | None = None) -> Any:
        """Call and return the payload of the result, or a `CallError`."""
        return await asyncio.wait_for(await self.start(action, payload, message_id), WITHIN_S)

    async def next_call(self, action: str, within_s: float = WITHIN_S) -> Asked:
        """Return the next call of the CSMS for `action`; others meanwhile are answered by `replies`."""
        try:
            async with asyncio.timeout(within_s), self._more:
                while True:
                    while self._calls:
                        asked = self._calls.popleft()
                        if asked.action == action:
                            return asked
                        await self._reply(asked)
                    assert not self._reader.done(), f"the connection ended before {action} was asked"
                    await self._more.wait()
        except TimeoutError:
            said = [f.message for f in self.wire.frames if f.station == self.name]
            raise AssertionError(f"{action} was not asked within {within_s} s; frames: {said}") from None

    async def serve(self) -> None:
        """Answer every call of the CSMS out of `replies` until the connection ends; run it as a task."""
        while not self._reader.done():
            async with self._more:
                while self._calls:
                    await self._reply(self._calls.popleft())
                if not self._reader.done():
                    await self._more.wait()

    def command(self, action: str, payload: Any, **query: Any) -> "asyncio.Task[httpx.Response]":
        """Have the CSMS asked, over its API, to send `action`; the test then waits with `next_call`."""
        path = f"/stations/{self.name}/commands/{action}"
        return asyncio.create_task(self.wire.api("POST", path, payload, params=query))

    async def commanded(self, action: str, payload: Any, answer: dict[str, Any] | CallError, **query: Any) -> Any:
        """Command, see the call on the wire with that very payload, answer it, and see the API hand the answer on."""
        told = self.command(action, payload, **query)
        asking = asyncio.create_task(self.next_call(action))
        await asyncio.wait({told, asking}, return_when=asyncio.FIRST_COMPLETED)
        if not asking.done():
            asking.cancel()
            raise AssertionError(f"{action} was not sent: {told.result().status_code} {told.result().text}")
        asked = await asking
        assert asked.payload == payload, f"{action} was sent with {asked.payload}"
        self.wire.asserted += 1
        if isinstance(answer, CallError):
            await asked.refuse(answer.code, answer.description)
        else:
            await asked.answer(answer)
        response = await asyncio.wait_for(told, WITHIN_S)
        body = response.json()
        if isinstance(answer, CallError):
            assert (response.status_code, body["code"], body["ocpp_code"]) == (502, "call_error", answer.code), body
        else:
            assert (response.status_code, body) == (200, answer), body
        return body

    async def shown(self, what: str, **query: Any) -> Any:
        """Return what the API shows of the station under `what`."""
        told = await self.wire.api("GET", f"/stations/{self.name}/{what}", params=query)
        assert told.status_code == 200, told.text
        return told.json()

    def answered(self, action: str, wanted: dict[str, Any] | None = None) -> Any:
        """Assert that the CSMS answered the station's last `action` with what is wanted; returns the payload."""
        found = self._last(3, action)
        assert matches(found[2], wanted or {}), f"{action} was answered with {found[2]}, not {wanted}"
        self.wire.asserted += 1
        return found[2]

    def refused(self, action: str, *codes: str) -> CallError:
        """Assert that the CSMS answered the station's last `action` with a CALLERROR of one of `codes`."""
        found = self._last(4, action)
        assert found[2] in codes, f"{action} was refused with {found[2:]}"
        self.wire.asserted += 1
        return CallError(*found[2:5])

    def asked(self, action: str, wanted: dict[str, Any] | None = None) -> Any:
        """Assert that the last `action` the CSMS called had what is wanted; returns its payload."""
        found = [f.message for f in self._frames("csms") if f.message[0] == 2 and f.message[2] == action]
        assert found, f"the CSMS did not call {action}"
        assert matches(found[-1][3], wanted or {}), f"{action} was called with {found[-1][3]}, not {wanted}"
        self.wire.asserted += 1
        return found[-1][3]

    def said(self, *wanted: Any) -> None:
        """Assert what the CSMS said last, raw: messages as they were on the wire, `ANY` for what does not matter."""
        last = [f.message for f in self._frames("csms")][-len(wanted) :]
        assert matches(last, list(wanted)), f"the CSMS said {last}"
        self.wire.asserted += 1

    def never_asked(self, action: str) -> None:
        """Assert that the CSMS did not call `action`; counts for a test only beside something that was said."""
        assert not [f for f in self._frames("csms") if f.message[0] == 2 and f.message[2] == action]

    async def closed(self, *codes: int) -> int:
        """Wait until the CSMS closes the connection, assert its code, and return it."""
        await asyncio.wait_for(self.socket.wait_closed(), WITHIN_S)
        code = self.socket.close_code
        assert code in codes, f"closed with {code}"
        self.wire.asserted += 1
        return int(code)

    def _last(self, kind: int, action: str) -> Any:
        sent = [f.message for f in self._frames("station") if f.message[0] == 2 and f.message[2] == action]
        assert sent, f"the station did not call {action}"
        found = [f.message for f in self._frames("csms") if f.message[1] == sent[-1][1] and f.message[0] in {3, 4}]
        assert found, f"{action} was not answered"
        assert found[-1][0] == kind, f"{action} was answered with {found[-1]}"
        return found[-1]

    def _frames(self, by: str) -> list[Frame]:
        frames = self.wire.frames
        return [f for f in frames if (f.station, f.by) == (self.name, by) and isinstance(f.message, list)]

    async def _reply(self, asked: Asked) -> None:
        reply = self.replies.get(asked.action)
        if reply is None:
            await asked.refuse("NotImplemented")
        else:
            await asked.answer(reply(asked.payload) if callable(reply) else reply)

    async def _read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for text in self.socket:
                message = json.loads(text)
                self.wire.frames.append(Frame(self.name, "csms", message))
                await self._take(message)
        for _, answer in self._open.values():
            if not answer.done():
                answer.cancel()
        async with self._more:
            self._more.notify_all()

    async def _take(self, message: Any) -> None:
        match message:
            case [2, str(key), str(action), payload]:
                self._check(action, "Request", payload)
                async with self._more:
                    self._calls.append(Asked(self, key, action, payload))
                    self._more.notify_all()
            case [3, str(key), payload] if key in self._open:
                action, answer = self._open.pop(key)
                self._check(action, "Response", payload)
                answer.set_result(payload)
            case [4, str(key), str(code), str(text), details] if key in self._open:
                _, answer = self._open.pop(key)
                answer.set_result(CallError(code, text, details))
            case [4, *_]:
                pass
            case _:
                self.wire.violations.append(f"a frame out of place: {message}")

    def _check(self, action: str, side: str, payload: Any) -> None:
        validator = _validator(self.version, action, side)
        if validator is None:
            self.wire.violations.append(f"OCPP {self.version} has no {action}")
        else:
            self.wire.violations += [f"{action} {side}: {error.message}" for error in validator.iter_errors(payload)]
