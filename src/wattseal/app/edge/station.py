"""The station's side of an edge: it answers as a CSMS would, and only with what is durable."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hmac import digest
from typing import Any

from msgspec import structs

from wattseal.app.edge.cards import EdgeCards
from wattseal.app.edge.commands import CommandGate
from wattseal.app.edge.memory import CsmsWay, EdgeMemory, LinkDownError
from wattseal.base.ids import TransactionId
from wattseal.flow.ports import Dedup
from wattseal.model.answers import Acknowledged, AuthorizationAnswer, TransactionAnswer
from wattseal.model.facts import (
    AuthorizationRequested,
    MeterReported,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from wattseal.model.message import Fact
from wattseal.model.token import Authorization, IdToken, TokenStatus
from wattseal.parties.edge.cards import Asked, ProvedCard, answer
from wattseal.parties.edge.commands import right_time
from wattseal.parties.edge.edge import Heard, ended, metered, new_transaction_id, started, updated
from wattseal.parties.edge.permits import (
    answer_locally,
    local_status,
    refused_at_once,
    request,
    standing_permit,
)
from wattseal.parties.edge.state import Permit
from wattseal.parties.edge.step import Step
from wattseal.parties.edge.upstream import Upward, items_in, object_in, to_json
from wattseal.rules.edge_table import Direction, Row, Treatment, lift_up, row
from wattseal.seal.directory import Directory
from wattseal.seal.registry import Refusal as NoProof
from wattseal.seal.writer import SubjectKeys
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import Call, CallResult
from wattseal.wire.ocpp.signed import SignedCall, unwrap
from wattseal.wire.ocpp.signed_commands import answer_to
from wattseal.wire.ocpp.version import Fault, Refusal, Version

BUDGET_S = 8.0
"""So long the billing party may take before local policy answers."""
DEFAULT_INTERVAL_S = 300
_LIVE = frozenset({"BootNotification", "Heartbeat", "PullDynamicScheduleUpdate"})
"""Passing messages whose answer only the CSMS knows; all others are answered once they are durable."""


class StationSide:
    """Answers the calls of one station. Calls of one station come one after the other."""

    def __init__(
        self,
        memory: EdgeMemory,
        csms: CsmsWay,
        *,
        directory: Callable[[], Directory | None] = lambda: None,
        budget_s: float = BUDGET_S,
        booted: Callable[[], None] = lambda: None,
    ) -> None:
        """Answer from `memory`, and ask the CSMS over `csms` where only it can answer.

        `directory` gives the eMSP's current directory, if there is one; `booted` is told when the station has heard
        that its boot is accepted.
        """
        self._memory = memory
        self._csms = csms
        self._directory = directory
        self._budget_s = budget_s
        self._booted = booted
        self._gate = CommandGate(memory)
        self._cards = EdgeCards(memory, self._prove)

    @property
    def version(self) -> Version:
        """The station's OCPP version."""
        return Version(self._memory.site.version)

    async def handle(self, call: Call) -> bytes | Refusal:
        """Return the payload of the answer, or why there is none. `StoreError` when nothing can be made durable.

        A signed message (part 4, chapter 7) is taken for what is inside, kept whole in its record, and answered
        unsigned: the edge has no certificate that a station would know.
        """
        unwrapped = unwrap(self.version, call)
        if isinstance(unwrapped, Refusal):
            return unwrapped
        return await self._treat(call if unwrapped is None else unwrapped.call)

    async def _treat(self, call: Call) -> bytes | Refusal:
        line = row(self.version.value, Direction.UP, call.action)
        match line.treatment:
            case Treatment.BLOCK:
                if call.action == "DataTransfer" and (told := await self._cards.handle(call)) is not None:
                    return told
                if line.answer is not None:
                    return to_json(line.answer)
                return Refusal(Fault.UNSUPPORTED_ACTION, "this action is not supported here")
            case Treatment.PASS:
                return await self._pass(call, line)
            case Treatment.SEAL:
                lifted = catalog.lift(self.version, call)
                return lifted if isinstance(lifted, Refusal) else await self._seal(call, lifted.fact)

    async def _pass(self, call: Call, line: Row) -> bytes | Refusal:
        payload = object_in(bytes(call.payload))
        if payload is None:
            return Refusal(Fault.MALFORMED, "the payload is a JSON object")
        shown = lift_up(line, payload)
        if call.action in _LIVE:
            answer = await self._ask_csms(call.action, shown)
            if answer is not None:
                answer = await self._vetted(call.action, shown, answer)
            if answer is None:
                answer = await self._answer_for_csms(call.action, shown)
            if answer is None:
                return Refusal(Fault.INTERNAL, "the CSMS cannot be reached")
            if answer.get("status") == "Accepted" and call.action == "BootNotification":
                self._booted()
            return to_json(answer)
        await self._send_later(call.action, shown)
        return b"{}"

    async def _ask_csms(self, action: str, shown: Mapping[str, Any]) -> dict[str, Any] | None:
        try:
            result = await self._csms.call(action, to_json(shown))
        except LinkDownError:
            return None
        answer = object_in(bytes(result.payload)) if isinstance(result, CallResult) else None
        if answer is None:
            return None
        items = items_in(self.version.value, answer)
        if items:
            await self._memory.take(items)
        return answer

    async def _vetted(self, action: str, shown: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
        """Return the CSMS's answer as the station may have it: what it charges by is as the CSMS signed it."""
        if action == "PullDynamicScheduleUpdate" and answer.get("status") == "Accepted":
            named = answer_to(action, shown.get("chargingProfileId"))
            if not await self._gate.answers(named, answer):
                return {"status": "Rejected"}
        told = {key: value for key, value in answer.items() if key != "customData"}
        return right_time(self._memory.state, told, self._memory.now_ms())

    async def _answer_for_csms(self, action: str, shown: Mapping[str, Any]) -> dict[str, Any] | None:
        now = datetime.fromtimestamp(self._memory.now_ms() / 1000, UTC)
        match action:
            case "BootNotification":
                await self._send_later(action, shown)
                return {"status": "Accepted", "currentTime": now, "interval": DEFAULT_INTERVAL_S}
            case "Heartbeat":
                return {"currentTime": now}
            case _:
                return None

    async def _send_later(self, action: str, shown: Mapping[str, Any]) -> None:
        memory = self._memory
        async with memory.turn():
            await memory.commit(Step(memory.state, upward=(Upward(action=action, payload=shown),)))

    async def _seal(self, call: Call, fact: Fact) -> bytes | Refusal:
        if isinstance(fact, AuthorizationRequested):
            answer = AuthorizationAnswer(await self._authorise(fact.id_token))
            return catalog.lower(self.version, call.action, answer)
        key = self._key(call, fact)
        told = await self._memory.answered(key)
        if told is not None:
            return told
        match fact:
            case TransactionStarted():
                return await self._start(call, fact, key)
            case TransactionUpdated():
                return await self._update(call, fact, key)
            case TransactionEnded():
                return await self._end(call, fact, key)
            case MeterReported():
                return await self._meter(call, fact, key)
            case _:
                return Refusal(Fault.UNSUPPORTED_ACTION, "this action is not supported here")

    def _key(self, call: Call, fact: Fact) -> str:
        """Name a message so that its retry has the same name: by event number in 2.x, by content in 1.6."""
        if isinstance(fact, TransactionStarted | TransactionUpdated | TransactionEnded) and fact.seq_no is not None:
            named = f"{type(fact).__name__} {fact.seq_no} {fact.transaction_id}".encode()
        else:
            named = call.action.encode() + b" " + bytes(call.payload)
        return digest(self._memory.site.token_key, named, "sha256").hex()

    async def _authorise(
        self, token: IdToken, *, evse_id: int | None = None, keys: SubjectKeys | None = None
    ) -> Authorization:
        memory = self._memory
        now_ms = memory.now_ms()
        async with memory.turn():
            permit = standing_permit(memory.state, memory.site, token, now_ms)
            if permit is not None and permit.is_for_elsewhere(evse_id, keys):
                return Authorization(TokenStatus.INVALID)
            known = memory.commanded.has(memory.site.digest(token), now_ms)
            known = known or (permit is not None and permit.proved_evse is not None)
            if not known and refused_at_once(self._directory(), token, now_ms):
                return Authorization(TokenStatus.INVALID)
            if permit is None or (keys is not None and permit.keys != keys):
                step, permit = request(memory.state, memory.site, token, now_ms, evse_id=evse_id, keys=keys)
                await memory.commit(step)
        if permit.status is None:
            permit = await self._decided(permit, token)
        return Authorization(permit.status or TokenStatus.INVALID)

    async def _prove(self, asked: Asked, signature: bytes) -> TokenStatus | NoProof:
        """Have a card decided on that has answered its challenge, or say why that is no proof."""
        memory, token = self._memory, asked.challenge.token
        now_ms = memory.now_ms()
        async with memory.turn():
            card = answer(memory.state, asked, signature, now_ms)
            if isinstance(card, NoProof):
                return card
            if refused_at_once(self._directory(), token, now_ms, card):
                return TokenStatus.INVALID
            before = standing_permit(memory.state, memory.site, token, now_ms)
            step, permit = request(memory.state, memory.site, token, now_ms, card=card)
            await memory.commit(step)
        permit = await self._decided(permit, token, card)
        if permit.status is not TokenStatus.ACCEPTED and before is not None:
            async with memory.turn():
                await memory.commit(Step(memory.state.with_permit(before)))
        return permit.status or TokenStatus.INVALID

    async def _decided(self, permit: Permit, token: IdToken, card: ProvedCard | None = None) -> Permit:
        """Wait for the billing party within the budget; then local policy answers, and that is remembered."""
        memory = self._memory
        if not self._csms.offline:
            permit = await memory.granted(permit, self._budget_s)
        if permit.granted is not None:
            return permit
        status = local_status(self._directory(), token, memory.now_ms(), card)
        async with memory.turn():
            await memory.commit(Step(answer_locally(memory.state, permit, status)))
        return replace(permit, local=status)

    async def _start(self, call: Call, fact: TransactionStarted, key: str) -> bytes:
        memory = self._memory
        authorization = None
        if fact.id_token is not None:
            authorization = await self._authorise(fact.id_token, evse_id=fact.evse_id)
        elif self.version is Version.V16:
            authorization = Authorization(TokenStatus.INVALID)
        async with memory.turn():
            if fact.transaction_id is None:
                drawn = TransactionId(new_transaction_id(memory.state, memory.site))
                fact = structs.replace(fact, transaction_id=drawn)
            step = started(memory.state, memory.site, self._heard(call), fact)
            return await self._answer(call, step, TransactionAnswer(fact.transaction_id, authorization), key)

    async def _update(self, call: Call, fact: TransactionUpdated, key: str) -> bytes:
        memory = self._memory
        authorization = None
        if fact.id_token is not None:
            charge = memory.state.charges.get(str(fact.transaction_id))
            authorization = self._charging_with(fact.id_token, str(fact.transaction_id))
            if authorization is None:
                keys = charge.keys if charge is not None else None
                authorization = await self._authorise(fact.id_token, evse_id=fact.evse_id, keys=keys)
        async with memory.turn():
            step = updated(memory.state, memory.site, self._heard(call), fact)
            return await self._answer(call, step, TransactionAnswer(None, authorization), key)

    async def _end(self, call: Call, fact: TransactionEnded, key: str) -> bytes:
        memory = self._memory
        authorization = None
        if fact.id_token is not None:
            authorization = self._charging_with(fact.id_token, str(fact.transaction_id))
            if authorization is None:
                standing = standing_permit(memory.state, memory.site, fact.id_token, memory.now_ms())
                authorization = Authorization(TokenStatus.ACCEPTED if standing is not None else TokenStatus.INVALID)
        async with memory.turn():
            step = ended(memory.state, memory.site, self._heard(call), fact)
            return await self._answer(call, step, TransactionAnswer(None, authorization), key)

    async def _meter(self, call: Call, fact: MeterReported, key: str) -> bytes:
        memory = self._memory
        async with memory.turn():
            step = metered(memory.state, memory.site, self._heard(call), fact)
            return await self._answer(call, step, Acknowledged(), key)

    def _charging_with(self, token: IdToken, transaction_id: str) -> Authorization | None:
        """Return what the token was told when it began this very transaction."""
        charge = self._memory.state.charges.get(transaction_id)
        permit = charge.permit if charge is not None else None
        if permit is None or permit.token != self._memory.site.digest(token):
            return None
        return Authorization(permit.status or TokenStatus.INVALID)

    async def _answer(self, call: Call, step: Step, answer: TransactionAnswer | Acknowledged, key: str) -> bytes:
        """Make a step durable together with its answer, and give the answer; the caller holds the lock."""
        payload = catalog.lower(self.version, call.action, answer)
        await self._memory.commit(step, dedup=Dedup(self._memory.site.station_id, key, payload))
        return payload

    def _heard(self, call: Call) -> Heard:
        event = object_in(bytes(call.payload)) if call.action == "TransactionEvent" else None
        frame = call.frame if isinstance(call, SignedCall) else call.raw
        return Heard(frame, self._memory.now_ms(), event)
