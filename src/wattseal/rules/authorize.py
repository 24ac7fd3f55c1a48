"""Authorisation: who decides on a token, and what the CPO decides on its own."""

from dataclasses import dataclass

from wattseal.model.token import TokenRecord, TokenStatus


@dataclass(frozen=True, slots=True)
class AskParty:
    """The token belongs to an eMSP: `party` decides."""

    party: str


@dataclass(frozen=True, slots=True)
class OwnDecision:
    """The CPO decides, and signs that with its billing key."""

    status: TokenStatus


def who_decides(token: TokenRecord | None) -> AskParty | OwnDecision:
    """Return who decides: the token's party, or the CPO by the token's status; an unknown token is Invalid.

    A token the CPO has blocked stays blocked whatever its party says.
    """
    if token is None:
        return OwnDecision(TokenStatus.INVALID)
    if token.party is None or token.status is not TokenStatus.ACCEPTED:
        return OwnDecision(token.status)
    return AskParty(token.party)
