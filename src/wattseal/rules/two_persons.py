"""Two persons for what changes many stations at once: one asks, another one lets it happen."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from wattseal.base.errors import InputError
from wattseal.model.charging import RateUnit
from wattseal.rules.rollout import Plan

WAITS_MS = 3_600_000
"""How long an order waits for the second person."""
ALONE_MS = 86_400_000
"""So long the stations count to which somebody has rolled out alone."""
MAX_STATIONS = 1000
LIMIT, TEMPLATE, FIRMWARE = "limit", "template", "firmware"
"""Kinds of orders, and of the rollouts that carry them out."""
PERSON = "person/"
"""How the names of people begin, as records have them; API tokens have other names."""


_BY_BOTH = re.compile(r", approved by person/[^, ]+\Z")
"""A person's name has no space: an API token's always ends in one and its id, whatever its maker called it."""


def in_both_names(asked_by: str, decided_by: str | None) -> str:
    """Return in whose name an approved order is carried out: both stand in each station's command."""
    return f"{asked_by}, approved by {decided_by}"


def is_agreed(asked_by: str) -> bool:
    """Return whether what was sent in a name was agreed on by two."""
    return _BY_BOTH.search(asked_by) is not None


class OrderState(StrEnum):
    """Where an order stands; only a waiting one can become anything else."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetOrder:
    """Document: a limit, a template or a firmware for several stations, asked for by one person. Times are Unix ms.

    A rollout has a `subject` (the template, the firmware's version), a `plan` and `parameters`; a limit has an amount.
    `author` is the person behind `asked_by`, who may have asked with an API token of theirs. `record` and
    `outcome_record` are payload hashes in hex, `rollout` is what carries it out.
    """

    id: str
    station_ids: tuple[str, ...]
    asked_by: str
    author: str
    asked_ms: int
    expires_ms: int
    kind: str = LIMIT
    amount: Decimal = Decimal(0)
    unit: RateUnit = RateUnit.W
    below_floor: bool = False
    until_ms: int | None = None
    text: str = ""
    subject: str = ""
    plan: Plan | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    state: OrderState = OrderState.WAITING
    decided_by: str | None = None
    decided_ms: int | None = None
    record: str | None = None
    outcome_record: str | None = None
    rollout: str | None = None

    def at(self, now_ms: int) -> OrderState:
        """Return where it stands at a time."""
        waits = self.state is OrderState.WAITING
        return OrderState.EXPIRED if waits and now_ms >= self.expires_ms else self.state


class OrderError(InputError):
    """An order that cannot be decided so; the code says why."""


def decided(order: FleetOrder, by: str, wanted: OrderState, now_ms: int) -> FleetOrder:
    """Return an order decided on.

    Codes of the `OrderError`: `order_over`; `not_a_person` and `own_order`, who approves is a person other than the
    one who asked, by whatever token; `not_own_order`, only who asked withdraws.
    """
    if order.at(now_ms) is not OrderState.WAITING:
        raise OrderError(f"this order is {order.at(now_ms)}; ask for it anew", code="order_over", subject="id")
    match wanted:
        case OrderState.APPROVED if not by.startswith(PERSON):
            text = "a person signed in to the pages approves, no token"
            raise OrderError(text, code="not_a_person", subject="by")
        case OrderState.APPROVED if by in {order.author, order.asked_by}:
            text = "somebody else must approve what you asked for"
            raise OrderError(text, code="own_order", subject="by")
        case OrderState.WITHDRAWN if by not in {order.author, order.asked_by}:
            text = "only who asked for it withdraws it; you can refuse it"
            raise OrderError(text, code="not_own_order", subject="by")
        case OrderState.APPROVED | OrderState.REFUSED | OrderState.WITHDRAWN:
            return replace(order, state=wanted, decided_by=by, decided_ms=now_ms)
        case _:
            raise OrderError("approve, refuse or withdraw it", code="bad_choice", subject="state")
