"""The simulated reader: it passes a challenge on to the driver's card, and the card's answer back."""

from collections.abc import Awaitable, Callable
from typing import Any

from wattseal.crypto.keys import SigningKey
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.facts import DataTransferred
from wattseal.model.message import Fact
from wattseal.model.token import IdToken, TokenStatus
from wattseal.wire.ocpp.blocks.data_transfer import card as wire
from wattseal.wire.ocpp.message import VENDOR

Ask = Callable[[Fact], Awaitable[object]]


async def proves_itself(ask: Ask, token: IdToken, key: SigningKey, evse_id: int, *, ocpp16: bool) -> bool:
    """Return whether a card with this key, held to the reader of an EVSE, is let in."""

    async def transfer(message: str, data: dict[str, Any]) -> object:
        answer = await ask(DataTransferred(VENDOR, message, wire.spelled(data, ocpp16=ocpp16)))
        return answer.data if isinstance(answer, DataTransferAnswer) else None

    challenge = wire.read_challenge(await transfer(wire.CHALLENGE, wire.shown_data(token, evse_id, key.public.spki)))
    if challenge is None:
        return False
    told = await transfer(wire.PROOF, wire.answered_data(challenge, key.sign(challenge)))
    return wire.read_status(told) == TokenStatus.ACCEPTED.value
