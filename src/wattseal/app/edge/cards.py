"""The edge's side of a card reader: challenges it has handed out, each for one answer within half a minute."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from wattseal.app.edge.memory import EdgeMemory
from wattseal.model.token import TokenStatus
from wattseal.parties.edge.cards import CHALLENGE_MS, Asked, ask
from wattseal.parties.edge.upstream import object_in, to_json
from wattseal.seal.card import STALE
from wattseal.seal.registry import Refusal
from wattseal.wire.ocpp.blocks.data_transfer.card import (
    challenge_data,
    read_answered,
    read_shown,
    refusal_data,
    status_data,
)
from wattseal.wire.ocpp.message import VENDOR
from wattseal.wire.ocpp.rpc import Call

MAX_ASKED = 16
"""Challenges that wait for their cards; of more the oldest is forgotten."""
Prove = Callable[[Asked, bytes], Awaitable[TokenStatus | Refusal]]
UNREADABLE = "unreadable"


class EdgeCards:
    """Answers a reader's messages. Challenges are kept in memory alone: a restart moves the chain on anyway."""

    def __init__(self, memory: EdgeMemory, prove: Prove) -> None:
        """Make challenges from `memory`; `prove` has a card decided on that has answered."""
        self._memory = memory
        self._prove = prove
        self._asked: OrderedDict[bytes, Asked] = OrderedDict()

    async def handle(self, call: Call) -> bytes | None:
        """Return the answer to a reader's DataTransfer; None where it is none of these messages."""
        payload = object_in(bytes(call.payload)) or {}
        if payload.get("vendorId") != VENDOR:
            return None
        match payload.get("messageId"):
            case "card_challenge":
                told = await self._challenge(payload.get("data"))
            case "card_proof":
                told = await self._answered(payload.get("data"))
            case _:
                return None
        status = "Rejected" if "code" in told else "Accepted"
        data = msgspec.json.encode(told).decode() if self._memory.site.version == "1.6" else told
        return to_json({"status": status, "data": data})

    async def _challenge(self, data: object) -> dict[str, Any]:
        shown = read_shown(data)
        if shown is None:
            return refusal_data(UNREADABLE)
        memory = self._memory
        async with memory.turn():
            asked = ask(memory.state, memory.site, shown, memory.now_ms())
        if isinstance(asked, Refusal):
            return refusal_data(asked.code)
        self._asked[asked.message] = asked
        if len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)
        return challenge_data(asked.message, CHALLENGE_MS // 1000)

    async def _answered(self, data: object) -> dict[str, Any]:
        answered = read_answered(data)
        if answered is None:
            return refusal_data(UNREADABLE)
        asked = self._asked.pop(answered.challenge, None)
        if asked is None:
            return refusal_data(STALE)
        told = await self._prove(asked, answered.signature)
        return refusal_data(told.code) if isinstance(told, Refusal) else status_data(told)
