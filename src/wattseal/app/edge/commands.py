"""The gate for commands at an edge: what the CSMS signed for this station passes once, the rest is refused and told."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import structlog

from wattseal.app.edge.memory import EdgeMemory
from wattseal.parties.edge.commands import NOT_ASKED_BEFORE, UNSIGNED, Refused, checked, opened, reported, requiring
from wattseal.parties.edge.state import EdgeState
from wattseal.parties.edge.step import Step
from wattseal.seal.command import SignedCommand
from wattseal.wire.ocpp.signed_commands import announced, command_beside

MAX_ANNOUNCED = 16
"""Signed commands of 1.6 kept until their calls come; of more the oldest go."""
MAX_REPORTS, REPORT_SPAN_MS = 20, 600_000
"""Records about refused commands in a span of time; what is refused beyond that is only counted."""
_log = structlog.get_logger(__name__)
Called = tuple[str, Mapping[str, Any]]


class CommandGate:
    """Lets commands to the station pass that its CSMS has signed."""

    def __init__(self, memory: EdgeMemory) -> None:
        """Remember in `memory` which ones passed."""
        self._memory = memory
        self._announced: OrderedDict[bytes, SignedCommand] = OrderedDict()
        self._reported_ms: list[int] = []
        self.refused = 0

    async def announce(self, payload: Mapping[str, Any]) -> bool | None:
        """Take a signed command that goes ahead of its call (1.6); None where a DataTransfer is no such thing."""
        data = announced(payload)
        if data is None:
            return None
        said = opened(self._memory.site, data)
        if isinstance(said, Refused):
            await self._report(said, ("DataTransfer", {}))
            return False
        self._announced[said.record] = said
        while len(self._announced) > MAX_ANNOUNCED:
            self._announced.popitem(last=False)
        return True

    async def passes(self, action: str, payload: Mapping[str, Any]) -> bool:
        """Return whether a call goes on to the station, which is durable then; `StoreError` when it cannot be."""
        return await self._passes(self._said((action, payload)), (action, payload))

    async def answers(self, named: str, answer: Mapping[str, Any]) -> bool:
        """Return whether an answer that switches power goes on to the station; `named` says what it answers."""
        data = command_beside(answer)
        said = UNSIGNED if data is None else opened(self._memory.site, data)
        return await self._passes(said, (named, answer))

    async def _passes(self, said: SignedCommand | Refused, call: Called) -> bool:
        memory = self._memory
        async with memory.turn():
            state = memory.state
            if isinstance(said, Refused):
                if said in NOT_ASKED_BEFORE and not state.commands.required:
                    return True
                outcome: EdgeState | Refused = said
            else:
                outcome = checked(state, memory.site, said, call, memory.now_ms())
            if isinstance(outcome, EdgeState):
                await memory.commit(Step(outcome))
                memory.commanded.note(memory.site.digest, call, memory.now_ms())
                return True
        await self._report(outcome, call)
        return False

    async def require(self) -> None:
        """Let no unsigned command pass from now on."""
        memory = self._memory
        async with memory.turn():
            state = requiring(memory.state)
            if state is not memory.state:
                await memory.commit(Step(state))

    def _said(self, call: Called) -> SignedCommand | Refused:
        """Return the signed command that comes with a call: beside it, or announced for its action."""
        action, payload = call
        memory = self._memory
        if memory.site.version != "1.6":
            data = command_beside(payload)
            return UNSIGNED if data is None else opened(memory.site, data)
        fitting = [said for said in self._announced.values() if said.action == action]
        for said in fitting:
            outcome = checked(memory.state, memory.site, said, call, memory.now_ms())
            if isinstance(outcome, EdgeState):
                return self._announced.pop(said.record)
        return self._announced.pop(fitting[-1].record) if fitting else UNSIGNED

    async def _report(self, refused: Refused, call: Called) -> None:
        self.refused += 1
        memory = self._memory
        now_ms = memory.now_ms()
        self._reported_ms = [ms for ms in self._reported_ms if 0 <= now_ms - ms < REPORT_SPAN_MS]
        if len(self._reported_ms) >= MAX_REPORTS:
            return
        self._reported_ms.append(now_ms)
        _log.warning("command_refused", action=call[0], why=refused.why, refused=self.refused)
        async with memory.turn():
            await memory.commit(reported(memory.state, memory.site, refused, call, now_ms))
