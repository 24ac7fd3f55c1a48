"""One OCPP conversation over a WebSocket, from either side: what the other asks is handled in order, what we ask waits.

Bounded: beyond `MAX_WAITING` unanswered calls the socket is not read, and while the send queue is full nothing more is
handled.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Generator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Protocol

from wattseal.base.errors import LimitError, StoreError
from wattseal.flow.ports import Flush, Unflushed
from wattseal.net.buckets import Allowance
from wattseal.net.websocket import Socket
from wattseal.wire.ocpp.guard import MAX_FRAME_BYTES
from wattseal.wire.ocpp.rpc import (
    Call,
    CallError,
    CallResult,
    Connection,
    Event,
    Ignored,
    ResultError,
    Send,
    Violation,
)
from wattseal.wire.ocpp.version import Fault, Refusal, Version

MAX_WAITING = 64
"""Calls that wait to be handled; with more the socket is not read until half of them are answered."""
CALL_TIMEOUT_S = 30.0

_LOGGER = logging.getLogger("wattseal.ocpp")


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """Return the present, aware, in UTC."""


REFUSED_AT_ONCE, REFUSED_DELAY_S = 100, 0.1
"""Of what is said beyond the allowance so many calls are refused in a row, then reading waits: 1000 a second."""
HANDLED_AT_ONCE = 16
"""After so many calls of one connection others have their turn."""
MAX_DELAY_S = 10.0
"""However far an allowance is overdrawn, something is read again after so long."""


class Excess(Violation, frozen=True, gc=False):
    """A call beyond what the other side may say. Write `reply` back."""


class Disconnected:
    """Why a call of ours has no answer: the connection is gone."""


class TimedOut:
    """Why a call of ours has no answer: the other side did not answer in time."""


Outcome = CallResult | CallError | TimedOut | Disconnected
Tap = Callable[[bytes, Event | None], None]
"""Sees every frame: with what was made of it where it came in, with None where it went out. It must not wait."""


class Conversation:
    """A connection's two directions; a subclass says how calls are handled and who is told what.

    `handle` returns the payload of the response, at once or to be sent when it is durable, or why the call is refused;
    on `StoreError` nothing is answered and the socket closes with 1013, so that the other side keeps what it said and
    says it again. A call of a `prompt` action is handled right where it is received, as far as that goes without
    waiting: until it waits for the first time it must not ask which task it is in. All others, and calls that wait for
    others, are handled by a task.
    """

    prompt: frozenset[str] = frozenset()
    tap: Tap | None = None
    allowance: Allowance | None = None

    def __init__(
        self,
        version: Version,
        clock: Clock,
        new_message_id: Callable[[], str],
        max_message_bytes: int = MAX_FRAME_BYTES,
    ) -> None:
        """Wait for `opened`; ids for calls of ours come from `new_message_id`."""
        self.version = version
        self.rpc = Connection(version, max_frame_bytes=max_message_bytes)
        self._clock = clock
        self._new_message_id = new_message_id
        self._socket: Socket | None = None
        self._worker: asyncio.Task[None] | None = None
        self._flush: Flush | None = None
        self._waiting: list[Call | Violation] = []  # a deque holds room for 64 from the start
        self._held: list[bytes] = []
        self._room: asyncio.Event | None = None
        self._paused = self._delayed = False
        self._refused = 0
        self._answer: asyncio.Future[Outcome] | None = None
        self._turn = asyncio.Lock()

    async def handle(self, call: Call) -> bytes | Refusal | Unflushed:
        """Answer a call; what is returned for a SEND is dropped."""
        raise NotImplementedError

    def notice(self, event: Event) -> None:
        """Learn of what is no call: violations, ignored frames, result errors."""

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._socket is not None

    @property
    def is_busy(self) -> bool:
        """Whether a call of the other side has no answer yet."""
        return self._worker is not None or self._flush is not None

    async def settled(self) -> None:
        """Wait until every call of the other side has its answer, or can have none."""
        while (flush := self._flush) is not None or self._worker is not None:
            if self._worker is not None:
                await asyncio.wait([self._worker])
            elif flush is not None:
                with suppress(StoreError):
                    await flush
                await asyncio.sleep(0)

    async def call(self, action: str, payload: bytes, timeout_s: float = CALL_TIMEOUT_S) -> Outcome:
        """Ask the other side, after earlier calls of ours have been answered."""
        async with self._turn:
            if self._socket is None:
                return Disconnected()
            self._answer = asyncio.get_running_loop().create_future()
            frame = self.rpc.call(self._new_message_id(), action, payload)
            self._socket.send(frame)
            if self.tap is not None:
                self.tap(frame, None)
            try:
                async with asyncio.timeout(timeout_s):  # wait_for may swallow a cancellation
                    return await self._answer
            except TimeoutError:
                return TimedOut()
            finally:
                self._answer = None
                self.rpc.give_up()

    def close(self, code: int, reason: str = "") -> None:
        """Close; calls that wait are dropped unanswered, so that the other side repeats them."""
        self._waiting.clear()
        self._held.clear()
        if self._socket is not None:
            self._socket.close(code, reason)

    def opened(self, socket: Socket) -> None:
        """Take the socket."""
        self._socket = socket

    def received(self, data: bytes) -> None:
        """Take one message; what had been read already when reading was paused waits, as it came."""
        if self._delayed or self._paused:
            self._held.append(data)
            return
        try:
            event = self.rpc.receive(data, self._clock.now())
        except LimitError:
            self.close(1009, "message too big")
            return
        allowance = self.allowance
        if allowance is not None and not allowance.covers(event, len(data)):
            event = self._settle(allowance, event)
        if self.tap is not None:
            self.tap(data, event)
        match event:
            case Call() if event.action in self.prompt and self._is_free(event):
                self._begin(event)
            case Call() | Violation():
                self._enqueue(event)
            case CallResult() | CallError():
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(event)
            case ResultError() | Ignored():
                self.notice(event)

    def writable(self, *, yes: bool) -> None:
        """Pause or go on answering."""
        if yes and self._room is not None:
            self._room.set()
            self._room = None
        elif not yes and self._room is None:
            self._room = asyncio.Event()

    def closed(self) -> None:
        """Forget the socket."""
        self._socket = None
        self._waiting.clear()
        self._held.clear()
        if self._room is not None:
            self._room.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Disconnected())

    def _settle(self, allowance: Allowance, event: Event) -> Event:
        """Return the event, or what refuses it where the other side says too much; delay reading more of the kind."""
        passes, wait_s = allowance.settle(event)
        if isinstance(event, Call) and not passes:
            self._refused += 1
            if self._refused % REFUSED_AT_ONCE == 0:
                wait_s = max(wait_s, REFUSED_DELAY_S)
            refusal = Refusal(Fault.GENERIC, "too many messages: say less, or later")
            event = Excess(refusal, self.rpc.refuse(event.message_id, refusal), event.raw)
        if wait_s > 0 and not self._delayed and self._socket is not None:
            self._delayed = True
            self._socket.pause_reading()
            asyncio.get_running_loop().call_later(min(wait_s, MAX_DELAY_S), self._read_on)
        return event

    def _read_on(self) -> None:
        self._delayed = False
        self._go_on()

    def _go_on(self) -> None:
        """Take what was held, as far as that goes, and then read again."""
        while self._held and not self._delayed and not self._paused:
            self.received(self._held.pop(0))
        if not self._delayed and not self._paused and self._socket is not None:
            self._socket.resume_reading()

    def _is_free(self, call: Call) -> bool:
        return type(call) is Call and self._worker is None and self._flush is None and self._room is None

    def _begin(self, call: Call) -> None:
        """Handle a call without a task, as far as that goes."""
        handling = self.handle(call)
        try:
            awaited = handling.send(None)
        except StopIteration as end:
            self._answer_when_durable(call.message_id, end.value)
        except Exception as error:  # noqa: BLE001 - whatever it is, the call must be answered or the socket closed
            self._send(self._reply_to_failed(call, error))
        else:
            self._worker = asyncio.get_running_loop().create_task(self._work((call, _Resumed(handling, awaited))))

    def _answer_when_durable(self, message_id: str, answer: bytes | Refusal | Unflushed) -> None:
        if isinstance(answer, Unflushed):
            self._flush = answer.flush
            answer.flush.add_done_callback(partial(self._flushed, message_id, answer.payload))
        else:
            self._send(self._reply(message_id, answer))

    def _flushed(self, message_id: str, payload: bytes, flush: Flush) -> None:
        self._flush = None
        if flush.cancelled() or flush.exception() is not None:
            self.close(1013, "try again later")
            return
        self._send(self.rpc.reply(message_id, payload))
        if self._waiting:
            self._start_worker()

    def _send(self, reply: bytes | None) -> None:
        if self._socket is not None and reply is not None:
            self._socket.send(reply)
            if self.tap is not None:
                self.tap(reply, None)

    def _enqueue(self, event: Call | Violation) -> None:
        self._waiting.append(event)
        if not self.is_busy:
            self._start_worker()
        elif len(self._waiting) >= MAX_WAITING and not self._paused and self._socket is not None:
            self._paused = True
            self._socket.pause_reading()

    def _start_worker(self) -> None:
        self._worker = asyncio.get_running_loop().create_task(self._work(None))

    async def _work(self, begun: "tuple[Call, _Resumed] | None") -> None:
        try:
            if begun is not None:
                await self._finish(begun[0], begun[1])
            handled = 0
            while self._waiting:
                event = self._waiting.pop(0)
                if isinstance(event, Violation):
                    self.notice(event)
                    await self._send_when_there_is_room(event.reply)
                else:
                    await self._finish(event, self.handle(event))
                if self._paused and len(self._waiting) <= MAX_WAITING // 2 and self._socket is not None:
                    self._paused = False
                    self._go_on()
                handled += 1
                if handled % HANDLED_AT_ONCE == 0:
                    await asyncio.sleep(0)
        finally:
            self._worker = None

    async def _finish(self, call: Call, handling: Awaitable[bytes | Refusal | Unflushed]) -> None:
        try:
            answer = await handling
            if isinstance(answer, Unflushed):
                await answer.flush
                answer = answer.payload
            reply: bytes | None = self._reply(call.message_id, answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, the call must be answered or the socket closed
            reply = self._reply_to_failed(call, error)
        await self._send_when_there_is_room(None if isinstance(call, Send) else reply)

    async def _send_when_there_is_room(self, reply: bytes | None) -> None:
        if self._room is not None:
            await self._room.wait()
        self._send(reply)

    def _reply(self, message_id: str, answer: bytes | Refusal) -> bytes:
        if isinstance(answer, Refusal):
            return self.rpc.refuse(message_id, answer)
        return self.rpc.reply(message_id, answer)

    def _reply_to_failed(self, call: Call, error: Exception) -> bytes | None:
        """Return what a call that could not be handled is told; nothing where the other side is to say it again."""
        if isinstance(error, StoreError):
            self.close(1013, "try again later")
            return None
        _LOGGER.error("handling a call failed", exc_info=error)
        return self.rpc.refuse(call.message_id, Refusal(Fault.INTERNAL, "this call could not be processed"))


class _Resumed:
    """A coroutine that was begun without a task and waits for `awaited`: a task may await this to go on with it."""

    __slots__ = ("_awaited", "_handling")

    def __init__(self, handling: Coroutine[Any, Any, bytes | Refusal | Unflushed], awaited: object) -> None:
        self._handling = handling
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, bytes | Refusal | Unflushed]:
        awaited = self._awaited
        while True:
            try:
                result = yield awaited
            except BaseException as error:  # noqa: BLE001 - the coroutine decides, cancellation included
                step = partial(self._handling.throw, error)
            else:
                step = partial(self._handling.send, result)
            try:
                awaited = step()
            except StopIteration as end:
                answer: bytes | Refusal | Unflushed = end.value
                return answer
