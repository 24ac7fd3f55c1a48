"""What an operator has chosen about money held for charges, and about charges on which nobody could be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from wattseal.model.token import TokenRecord


class OwnRisk(StrEnum):
    """Who may charge on the CPO's own risk: nobody; tokens on the station's local list; every token in good standing.

    The latter two are bounded by a cap, which the CPO signs together with the reason.
    """

    DENY = "deny"
    LOCAL_LIST = "local_list"
    CAPPED = "capped"


class Homeless(StrEnum):
    """What becomes of tokens without account and eMSP: they charge for the house, or not at all."""

    HOUSE = "house"
    REFUSE = "refuse"


OFFLINE, UNREACHABLE, HEARSAY = "offline", "unreachable", "hearsay"
"""Reasons of decisions on the CPO's own risk, as their records state them; the last one: a card's bare number."""


@dataclass(frozen=True, slots=True)
class GroupRisk:
    """What is different for the tokens of one group; None is as for all others."""

    unreachable: OwnRisk | None = None
    offline: OwnRisk | None = None
    cap_wh: int | None = None


@dataclass(frozen=True, slots=True)
class HoldPolicy:
    """Amounts are in the units of the account's currency.

    For a charge `hold` is set aside, or what there is if that is `least_hold` at least; at the share `extend_at` of it
    as much again. `watch_s` is how often running charges are looked at, `max_session_wh` caps a decision whatever is
    held. `unreachable` says who may charge when the eMSP does not answer, up to `unreachable_cap_wh`; `offline` whose
    charges are billed that a station began by itself, up to `offline_cap_wh` and `offline_cap`; a 1.6 start that
    is told `offline_after_s` late was begun so. `groups` are by the canonical form of the group's id. What is held for
    a quarantined session is given back after `quarantine_s`, whatever is decided later.
    """

    hold: Decimal = Decimal(50)
    least_hold: Decimal = Decimal(5)
    extend_at: Decimal = Decimal("0.8")
    watch_s: float = 10.0
    max_session_wh: int = 200_000
    without_account: Homeless = Homeless.HOUSE
    unreachable: OwnRisk = OwnRisk.DENY
    unreachable_cap_wh: int = 20_000
    offline: OwnRisk = OwnRisk.CAPPED
    offline_cap_wh: int = 100_000
    offline_cap: Decimal = Decimal(100)
    offline_after_s: int = 300
    stop_after_s: float = 15.0
    quarantine_s: int = 7 * 86_400
    groups: Mapping[str, GroupRisk] = field(default_factory=dict)

    def risk(self, reason: str, token: TokenRecord | None) -> tuple[OwnRisk, int]:
        """Return who may charge for this reason, as far as this token's group goes, and the cap in Wh."""
        group = None if token is None or token.group is None else self.groups.get(token.group.key())
        own = GroupRisk() if group is None else group
        if reason == OFFLINE:
            return own.offline or self.offline, self.offline_cap_wh if own.cap_wh is None else own.cap_wh
        return own.unreachable or self.unreachable, self.unreachable_cap_wh if own.cap_wh is None else own.cap_wh


DEFAULT_HOLDS = HoldPolicy()
