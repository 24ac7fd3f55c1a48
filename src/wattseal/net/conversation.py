"""One OCPP conversation over a WebSocket, from either side: what the other asks is handled in order, what we ask waits.

Bounded: beyond `MAX_WAITING` unanswered calls the socket is not read, and while the send queue is full nothing more is
handled.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from wattseal.base.errors import LimitError, StoreError
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


class Disconnected:
    """Why a call of ours has no answer: the connection is gone."""


class TimedOut:
    """Why a call of ours has no answer: the other side did not answer in time."""


Outcome = CallResult | CallError | TimedOut | Disconnected


class Conversation:
    """A connection's two directions; a subclass says how calls are handled and who is told what.

    `handle` returns the payload of the response or why the call is refused; on `StoreError` nothing is answered and the
    socket closes with 1013, so that the other side keeps what it said and says it again. `worker` runs while calls
    wait.
    """

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
        self.worker: asyncio.Task[None] | None = None
        self._clock = clock
        self._new_message_id = new_message_id
        self._socket: Socket | None = None
        self._waiting: deque[Call | Violation] = deque()
        self._room: asyncio.Event | None = None
        self._paused = False
        self._answer: asyncio.Future[Outcome] | None = None
        self._turn = asyncio.Lock()

    async def handle(self, call: Call) -> bytes | Refusal:
        """Answer a call; what is returned for a SEND is dropped."""
        raise NotImplementedError

    def notice(self, event: Event) -> None:
        """Learn of what is no call: violations, ignored frames, result errors."""

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._socket is not None

    async def call(self, action: str, payload: bytes, timeout_s: float = CALL_TIMEOUT_S) -> Outcome:
        """Ask the other side, after earlier calls of ours have been answered."""
        async with self._turn:
            if self._socket is None:
                return Disconnected()
            self._answer = asyncio.get_running_loop().create_future()
            self._socket.send(self.rpc.call(self._new_message_id(), action, payload))
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
        if self._socket is not None:
            self._socket.close(code, reason)

    def opened(self, socket: Socket) -> None:
        """Take the socket."""
        self._socket = socket

    def received(self, data: bytes) -> None:
        """Take one message."""
        try:
            event = self.rpc.receive(data, self._clock.now())
        except LimitError:
            self.close(1009, "message too big")
            return
        match event:
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
        if self._room is not None:
            self._room.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Disconnected())

    def _enqueue(self, event: Call | Violation) -> None:
        self._waiting.append(event)
        if self.worker is None:
            self.worker = asyncio.get_running_loop().create_task(self._work())
        elif len(self._waiting) >= MAX_WAITING and not self._paused and self._socket is not None:
            self._paused = True
            self._socket.pause_reading()

    async def _work(self) -> None:
        try:
            while self._waiting:
                reply = await self._reply_to(self._waiting.popleft())
                if self._room is not None:
                    await self._room.wait()
                if self._socket is not None and reply is not None:
                    self._socket.send(reply)
                if self._paused and len(self._waiting) <= MAX_WAITING // 2 and self._socket is not None:
                    self._paused = False
                    self._socket.resume_reading()
        finally:
            self.worker = None

    async def _reply_to(self, event: Call | Violation) -> bytes | None:
        if isinstance(event, Violation):
            self.notice(event)
            return event.reply
        try:
            answer = await self.handle(event)
        except StoreError:
            self.close(1013, "try again later")
            return None
        except Exception:
            _LOGGER.exception("handling a call failed")
            answer = Refusal(Fault.INTERNAL, "this call could not be processed")
        if isinstance(event, Send):
            return None
        if isinstance(answer, Refusal):
            return self.rpc.refuse(event.message_id, answer)
        return self.rpc.reply(event.message_id, answer)
