"""Charges on which nobody was asked: whether the operator lets them through at the CPO's own risk, and how far."""

from decimal import Decimal

from wattseal.flow.drivers.known_tokens import find_list
from wattseal.flow.world import World
from wattseal.model.identity_level import BARE
from wattseal.model.tariff import Tariff
from wattseal.model.token import Authorization, TokenRecord, TokenStatus
from wattseal.model.verdict import Finding
from wattseal.rules.affordable import affordable_wh
from wattseal.rules.hold_policy import HEARSAY, OFFLINE, UNREACHABLE, OwnRisk

EXCEEDED = {OFFLINE: "offline_cap_exceeded", UNREACHABLE: "unreachable_cap_exceeded", HEARSAY: "hearsay_cap_exceeded"}
"""Notes of a session that went beyond what was let through, by the decision's reason."""


async def cap_of(world: World, station_id: str, token: TokenRecord, reason: str, tariff: Tariff | None) -> int | None:
    """Return up to how many Wh this token is let through for this reason; None where it is not."""
    policy = world.settings.billing.holds
    risk, cap_wh = policy.risk(reason, token)
    match risk:
        case OwnRisk.DENY:
            return None
        case OwnRisk.LOCAL_LIST if token.id_token.key() not in (await find_list(world, station_id)).held:
            return None
        case OwnRisk.LOCAL_LIST | OwnRisk.CAPPED:
            if reason == UNREACHABLE:
                return cap_wh
            return affordable_wh(tariff, policy.offline_cap, cap_wh, world.now_ms())


def by_hearsay(world: World, token: TokenRecord, cap_wh: int | None, *, vouched: bool) -> tuple[int | None, str | None]:
    """Return up to how many Wh a token is let through, and why no further: a number that a card tells is hearsay.

    What the operator starts itself is not bounded by it.
    """
    most_wh = world.settings.hearsay_cap_wh
    if most_wh is None or vouched or token.id_token.type not in BARE or (cap_wh is not None and cap_wh <= most_wh):
        return cap_wh, None
    return most_wh, HEARSAY


def beyond_cap(authorization: Authorization | None, energy_wh: Decimal | None) -> tuple[Finding, ...]:
    """Say so where a session has drawn more than the CPO lets through at its own risk."""
    if authorization is None or authorization.status is not TokenStatus.ACCEPTED or energy_wh is None:
        return ()
    code, cap_wh = EXCEEDED.get(authorization.reason or ""), authorization.cap_wh
    if code is None or cap_wh is None or energy_wh <= cap_wh:
        return ()
    return (Finding(code, "register_wh", f"{energy_wh:f} Wh of {cap_wh}"),)
