"""A signed decision on a token in the domain's words."""

from datetime import UTC, datetime

from wattseal.model.token import Authorization
from wattseal.seal.fields import Decision
from wattseal.seal.item import Item
from wattseal.seal.plain import Written


def authorization_of(decision: Decision, item: Item | Written) -> Authorization:
    """Return what a signed decision says, in the domain's words."""
    return Authorization(
        decision.status,
        decision.auth_id,
        at(decision.expires_ms),
        decision.cap_wh,
        item.hash,
        reason=decision.reason,
    )


def at(ms: int) -> datetime:
    """Return Unix milliseconds as a time."""
    return datetime.fromtimestamp(ms / 1000, UTC)
