"""Which transaction a 1.6 message is of whose station never learnt the id, and says -1 or 0.

A station that starts while offline has no id until its start is answered; some send what they had queued as it was.
StopTransaction does not even name the connector. What is left as evidence: whose transactions are open, when they
began, what their registers say, and who holds the card. Only where one alone fits is it the one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from wattseal.base.units import MAX_SESSION_WH, ROUNDING_WH

MAX_POWER_W = Decimal(1_000_000)
"""No connector delivers more: what would need more power since the start is another meter's register."""
SLACK_WH = Decimal(1000)
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Open:
    """An open transaction of the station; `highest_wh` is the highest register known of it, `token` who started it."""

    transaction_id: str
    evse_id: int
    started_ms: int | None
    start_wh: Decimal | None
    highest_wh: Decimal | None
    token: str | None


@dataclass(frozen=True, slots=True)
class Unnamed:
    """What a message without an id says; None where it does not. `begin_wh` is the register it tells of the start."""

    at_ms: int
    evse_id: int | None = None
    register_wh: Decimal | None = None
    begin_wh: Decimal | None = None
    token: str | None = None


def find_named(opened: Iterable[Open], unnamed: Unnamed) -> Open | None:
    """Return the one open transaction that the message can be of; None where there is none or more than one.

    Of several that fit, one that was started with the same token is preferred: another one may stop a charge, too.
    """
    fitting = [each for each in opened if _fits(each, unnamed)]
    if len(fitting) > 1 and unnamed.token is not None:
        fitting = [each for each in fitting if each.token == unnamed.token]
    return fitting[0] if len(fitting) == 1 else None


def _fits(each: Open, unnamed: Unnamed) -> bool:
    if unnamed.evse_id not in {None, each.evse_id}:
        return False
    if each.started_ms is None or unnamed.at_ms < each.started_ms:
        return False
    if unnamed.begin_wh is not None and each.start_wh is not None:
        return abs(unnamed.begin_wh - each.start_wh) < ROUNDING_WH
    if unnamed.register_wh is None or each.highest_wh is None:
        return False
    most_wh = min(MAX_SESSION_WH, SLACK_WH + MAX_POWER_W * (unnamed.at_ms - each.started_ms) / HOUR_MS)
    return -ROUNDING_WH < unnamed.register_wh - each.highest_wh <= most_wh
