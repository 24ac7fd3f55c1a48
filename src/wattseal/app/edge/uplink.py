"""The CSMS's side of an edge: what is stored goes up in order until it is receipted, and commands come down."""

import asyncio
from collections import Counter
from contextlib import suppress

import structlog

from wattseal.app.edge.commands import CommandGate
from wattseal.app.edge.memory import EdgeMemory, Link, LinkDownError
from wattseal.parties.edge.pace import BACKLOG, COVER, is_charging, is_hurried, next_step
from wattseal.parties.edge.permits import expire_permits
from wattseal.parties.edge.step import Step, heartbeat
from wattseal.parties.edge.upstream import Upward, items_in, object_in, spell, to_json
from wattseal.rules.edge_table import Direction, Treatment, answer_up, lets_down, row
from wattseal.seal.item import parse_item
from wattseal.wire.ocpp.blanks import fill_call
from wattseal.wire.ocpp.rpc import Call, CallResult
from wattseal.wire.ocpp.version import Fault, Refusal

MERGE_ITEMS = BACKLOG
MERGE_BYTES = 48 * 1024
"""Items that only need a carrier share one, up to so many and so large."""
RESEND_ITEMS = 16
RETRY_S = 1.0
MESSAGE_ID_LENGTH = 32
"""Of the ids that our calls have."""
MAX_FRAME_BYTES = 120 * 1024
"""Longer calls are not sent: a CSMS would hang up. Their items go alone."""
MAX_TRIES = 8
"""So often a message is sent over connections that end without an answer; its items are sent again later, alone."""
KEEP_REQUEST_MS = 24 * 3600 * 1000
"""A request nobody decided on and nobody used is forgotten after this time."""

_log = structlog.get_logger(__name__)


class CsmsSide:
    """Keeps the CSMS informed, and lets of its commands pass what the table lets pass."""

    def __init__(self, memory: EdgeMemory, csms: Link, station: Link, pace_s: float | None = None) -> None:
        """Send what `memory` holds over `csms`; commands go to `station`. `pace_s`: see `parties.edge_pace`."""
        self._pace_s = pace_s
        self._memory = memory
        self._csms = csms
        self._station = station
        self._resent_ms: dict[int, int] = {}
        self._caught_up: set[int] = set()
        self._tries: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.gate = CommandGate(memory)
        self.retry_s = RETRY_S

    def came(self) -> None:
        """Learn of a new connection: whoever answered over the one before may have been somebody else."""
        self._caught_up.clear()
        self._memory.work.set()

    async def handle(self, call: Call) -> bytes | Refusal:
        """Answer a call of the CSMS: its own items are for the edge, the rest is for the station or for nobody."""
        version = self._memory.site.version
        payload = object_in(bytes(call.payload))
        if payload is None:
            return Refusal(Fault.MALFORMED, "the payload is a JSON object")
        if call.action == "DataTransfer" and payload.get("vendorId") == "wattseal":
            taken = await self.gate.announce(payload)
            if taken is None:
                await self._take(items_in(version, payload))
            return to_json({"status": "Rejected" if taken is False else "Accepted"})
        line = row(version, Direction.DOWN, call.action)
        if line.treatment is not Treatment.PASS or not lets_down(line.guard, payload):
            if line.answer is not None:
                return to_json(line.answer)
            return Refusal(Fault.UNSUPPORTED_ACTION, "this action does not pass the edge")
        if not await self.gate.passes(call.action, payload):
            return Refusal(Fault.SECURITY, "the edge takes commands that the CSMS signed for this station, once")
        down = {key: value for key, value in payload.items() if key != "customData"}
        try:
            result = await self._station.call(call.action, to_json(down))
        except LinkDownError:
            return Refusal(Fault.GENERIC, "the station cannot be reached")
        answer = object_in(bytes(result.payload)) if isinstance(result, CallResult) else None
        if answer is not None:
            return to_json(answer_up(line.guard, answer))
        return Refusal(Fault.GENERIC, "the station refused")

    async def deliver(self) -> None:
        """Send what waits, oldest first, for ever. What is not answered is sent again."""
        while True:
            self._memory.work.clear()
            if self._pace_s is not None and await self._step(self._pace_s):
                continue
            if not await self._deliver_next():
                await self._memory.work.wait()

    async def _step(self, pace_s: float) -> bool:
        """Let one message go at the next step, a cover where none waits; False where pace is none of its business."""
        memory = self._memory
        waiting = [Upward.decode(message.body) for message in await memory.waiting(MERGE_ITEMS)]
        charging = is_charging(memory.state) and self._csms.connected
        if is_hurried(waiting) or not (waiting or charging):
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout_at(next_step(asyncio.get_running_loop().time(), pace_s)):
                await memory.work.wait()
                return True
        if not await self._deliver_next(merge=False) and charging:
            await self._send(COVER, [], first_time=False)
        return True

    async def _deliver_next(self, *, merge: bool = True) -> bool:
        waiting = await self._memory.waiting(MERGE_ITEMS if merge else 1)
        if not waiting:
            return False
        first = Upward.decode(waiting[0].body)
        ids = [waiting[0].id]
        if first.action is None:
            for other in waiting[1:]:
                message = Upward.decode(other.body)
                size = sum(map(len, (*first.items, *message.items)))
                if message.action is not None or size > MERGE_BYTES:
                    break
                first = Upward(first.items + message.items)
                ids.append(other.id)
        if not await self._send(first, ids):
            self._memory.work.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.retry_s):
                    await self._memory.work.wait()
        return True

    async def _send(self, message: Upward, ids: list[str], *, first_time: bool = True) -> bool:
        """Send a message and take the answer; what was answered without a receipt is sent once more at once.

        False where there was no answer.
        """
        if not await self._catch_up(message.items):
            return False
        version = self._memory.site.version
        action, payload = spell(version, message)
        body = to_json(payload)
        if len(body) > MAX_FRAME_BYTES and message.action is not None:
            _log.warning("upstream_message_too_long", action=action)
            return await self._send(Upward(message.items), ids, first_time=first_time)
        if self._pace_s is not None:
            body = fill_call(body, action, MESSAGE_ID_LENGTH)
        connected = self._csms.connected
        try:
            result = await self._csms.call(action, body)
        except LinkDownError:
            return connected and await self._given_up(action, ids)
        self._tries.clear()
        if not isinstance(result, CallResult):
            _log.warning("upstream_refused", action=action, code=result.code)
            await self._take((), ids)
            return True
        answer = object_in(bytes(result.payload))
        await self._take(() if answer is None else items_in(version, answer), ids)
        if first_time and any(map(self._is_pending, message.items)):
            _log.warning("upstream_not_receipted", action=action)
            await self._send(Upward(message.items), [], first_time=False)
        return True

    async def _catch_up(self, items: tuple[bytes, ...]) -> bool:
        """Send what came before on the chains of these items and no receipt covers, once a connection.

        It may have been answered and never have arrived: an unsigned link has no receipt of its own, and somebody in
        the CSMS's place thanks for everything. False where there was no answer.
        """
        for payload in (parse_item(data).payload for data in items):
            number = payload.stream
            if number in self._caught_up:
                continue
            self._caught_up.add(number)
            for missed in await self._memory.uncovered(number, (payload.epoch, payload.seq)):
                if not await self._send(Upward(tuple(item.encode() for item in missed)), [], first_time=False):
                    self._caught_up.discard(number)
                    return False
        return True

    def _is_pending(self, data: bytes) -> bool:
        payload = parse_item(data).payload
        return (payload.epoch, payload.seq) in self._memory.state.stream(payload.stream).pending

    async def _given_up(self, action: str, ids: list[str]) -> bool:
        """Count a message whose connection ended without an answer; after too many it must not block the others."""
        for message_id in ids[:1]:
            self._tries[message_id] += 1
            if self._tries[message_id] >= MAX_TRIES:
                _log.warning("upstream_message_given_up", action=action)
                await self._take((), ids)
                return True
        return False

    async def _take(self, items: tuple[bytes, ...], delivered: list[str] | None = None) -> None:
        if not (items or delivered):
            return
        taken = await self._memory.take(items, delivered or ())
        for code in taken.refused:
            self.refused[code] += 1
            _log.warning("upstream_item_refused", code=code)

    async def tick(self) -> None:
        """Sign what is due, forget old permits, and send again what has gone without a receipt for an interval."""
        memory = self._memory
        now_ms = memory.now_ms()
        if self._csms.connected and not await memory.waiting(1):
            await self._send_again(now_ms)
        async with memory.turn():
            step = heartbeat(memory.state, memory.site, now_ms, online=self._csms.connected)
            tidied = expire_permits(step.state, now_ms, KEEP_REQUEST_MS)
            if tidied is not memory.state:
                await memory.commit(Step(tidied, step.items, step.upward))

    async def _send_again(self, now_ms: int) -> None:
        memory = self._memory
        for number, stream in memory.state.streams.items():
            if not stream.pending or now_ms - self._resent_ms.get(number, 0) < memory.site.heartbeat_ms:
                continue
            items = await memory.items_from(number, stream.pending[0], RESEND_ITEMS)
            if now_ms - items[0].payload.ms >= memory.site.heartbeat_ms:
                self._resent_ms[number] = now_ms
                await self._send(Upward(tuple(item.encode() for item in items)), [], first_time=False)
