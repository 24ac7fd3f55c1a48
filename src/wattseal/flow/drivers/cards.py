"""Cards that prove themselves at a direct station: its reader asks this CSMS for a challenge (docs/spec/card.md).

The CPO's own tokens are checked here with the key that is enrolled for them; an eMSP's proof goes to the eMSP in the
request, which it was made for.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from wattseal.base.errors import InputError
from wattseal.crypto.keys import PublicKey, with_low_s
from wattseal.flow.charges.disorder import take_decision
from wattseal.flow.drivers.authorise import Asked, Refused, authorise, keep_grant
from wattseal.flow.drivers.known_tokens import find_token
from wattseal.flow.drivers.shown import OutdatedError, Shown
from wattseal.flow.memory import AskedCard, Memory
from wattseal.flow.turn import Turn
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.facts import DataTransferred
from wattseal.model.identity_level import SECURE
from wattseal.model.token import Authorization, TokenRecord
from wattseal.rules.authorize import own_card_key
from wattseal.rules.transactions import is_accepted
from wattseal.seal import dcbor
from wattseal.seal.card import NONCE_BYTES, OF_ANOTHER, STALE, CardProof, Challenge
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.item import Kind
from wattseal.seal.plain import PlainDraft
from wattseal.wire.ocpp.blocks.data_transfer import card as wire
from wattseal.wire.ocpp.message import VENDOR

CHALLENGE_MS = 30_000
"""So long a card may take to answer."""
MAX_ASKED = 16
"""Challenges per station that wait for their cards; of more the oldest is forgotten."""
UNREADABLE = "unreadable"


async def challenge(turn: Turn, fact: DataTransferred) -> DataTransferAnswer:
    """Make a challenge for a card, for the next record of the station's chain and the transaction to come."""
    shown = wire.read_shown(fact.data)
    if shown is None:
        return _refusal(turn, UNREADABLE)
    try:
        PublicKey.from_spki(shown.spki)
    except InputError as error:
        return _refusal(turn, error.code)
    world = turn.world
    waiting = _waiting(turn.memory, shown.evse_id)
    made = Challenge(
        log_origin=world.log_origin,
        origin=turn.origin,
        stream=0,
        head=await _head(turn),
        subject=world.new_subject() if waiting is None else waiting,
        evse_id=shown.evse_id,
        nonce=world.random.bytes(NONCE_BYTES),
        made_ms=turn.now_ms,
        token=shown.token,
    )
    message, asked = made.message(shown.spki), turn.memory.asked_cards
    asked[message] = AskedCard(made, shown.spki, drawn=waiting is None)
    if len(asked) > MAX_ASKED:
        asked.popitem(last=False)
    return _told(turn, wire.challenge_data(message, CHALLENGE_MS // 1000))


async def _head(turn: Turn) -> bytes:
    """Return the hash of the last record on the station's own chain; one that has not begun begins now."""
    world, place = turn.world, (turn.origin, 0)
    await world.chains.ready(*place)
    if world.chains.head(place) in {None, NO_HEAD}:
        step = turn.step()
        draft = PlainDraft(Kind.HEARTBEAT, turn.now_ms, public=dcbor.encode({1: 0}))
        step.write(place, world.csms_key, draft, None)
        await step.commit()
    head = world.chains.head(place)
    return b"" if head is None else head.prev


def _waiting(memory: Memory, evse_id: int) -> bytes | None:
    """Return the pseudonym of the one open transaction there that waits for a driver, if there is exactly one."""
    waiting = [
        live.subject
        for live in memory.live.values()
        if not live.fresh
        and live.token is None
        and not is_accepted(live.transaction)
        and evse_id in {0, live.transaction.place}
    ]
    return waiting[0] if len(waiting) == 1 else None


async def prove(turn: Turn, fact: DataTransferred) -> DataTransferAnswer:
    """Have a card decided on that has answered; what it is told counts for the start that follows."""
    answered = wire.read_answered(fact.data)
    if answered is None:
        return _refusal(turn, UNREADABLE)
    asked = turn.memory.asked_cards.pop(answered.challenge, None)
    if asked is None or not 0 <= turn.now_ms - asked.challenge.made_ms <= CHALLENGE_MS:
        return _refusal(turn, STALE)
    signature = with_low_s(PublicKey.from_spki(asked.spki).algorithm, answered.signature)
    token = await find_token(turn.world, asked.challenge.token)
    for spki in (asked.spki, own_card_key(token)):
        if spki is not None and not asked.challenge.is_answered(spki, signature):
            turn.world.count("cards_not_proved")
            return _refusal(turn, OF_ANOTHER)
    try:
        told = await _decided(turn, asked, _shown(token, asked.challenge, asked.challenge.proof(signature)))
    except OutdatedError as error:
        return _refusal(turn, error.code)
    return _told(turn, wire.status_data(told.status))


def _shown(token: TokenRecord | None, asked: Challenge, proof: CardProof) -> Shown | None:
    """Return what goes into the request: nothing of a token that nobody knows, or whose card has no key enrolled."""
    if token is None or (token.party is None and own_card_key(token) is None):
        return None
    kind, data = proof.shown()
    level = None if token.party is not None else SECURE
    return Shown(token, kind, data, level, proof.reference, lambda _: (), asked.head)


async def _decided(turn: Turn, asked: AskedCard, shown: Shown | None) -> Authorization:
    """Have it decided on; where a transaction waits for its driver, that is who it is."""
    made, step, memory = asked.challenge, turn.step(), turn.memory
    waits = next((live for live in memory.live.values() if live.subject == made.subject), None)
    decided = await authorise(
        Asked(
            memory,
            step,
            made.token,
            made.evse_id,
            made.subject,
            only_starts=turn.ocpp16,
            drawn=asked.drawn and waits is None,
            shown=shown,
            awaited=waits is not None,
        )
    )
    if waits is not None and take_decision(turn, step, waits, decided) and not isinstance(decided, Refused):
        waits.authorization, waits.token = decided.authorization, made.token.key()
    if step.items or step.puts:
        await step.commit()
    if not isinstance(decided, Refused) and (waits is None or waits.transaction.active):
        decided.evse_id = 0 if shown is None else made.evse_id
        keep_grant(memory, made.token, decided)
    return decided.authorization


def _told(turn: Turn, data: dict[str, Any]) -> DataTransferAnswer:
    return DataTransferAnswer("Accepted", wire.spelled(data, ocpp16=turn.ocpp16))


def _refusal(turn: Turn, code: str) -> DataTransferAnswer:
    return DataTransferAnswer("Rejected", wire.spelled(wire.refusal_data(code), ocpp16=turn.ocpp16))


Handler = Callable[[Turn, DataTransferred], Awaitable[DataTransferAnswer]]
VENDORS: Mapping[tuple[str, str | None], Handler] = {(VENDOR, wire.CHALLENGE): challenge, (VENDOR, wire.PROOF): prove}
"""The reader's messages."""
