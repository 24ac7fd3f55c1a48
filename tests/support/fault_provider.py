"""A payment provider for tests of faults: it loses questions and answers, is late, and tells things in disorder.

It keeps the promises of a real one and no other: what has a key is done once, a payment is captured once, and what it
tells of its own accord says where the payment stood when that happened.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import msgspec

from wattseal.model.payment import (
    Answer,
    Authorised,
    BalanceChange,
    Cancelled,
    Captured,
    ChangeKind,
    Declined,
    NotKnown,
    Order,
    Pending,
    Refused,
    Standing,
    Unreachable,
    WebhookEvent,
)

NAME = "faulty"


class Fault(StrEnum):
    NONE = "none"
    LOST = "lost"
    """The question never arrives."""
    SILENT = "silent"
    """It is done, the answer is lost."""
    LATE = "late"
    """It times out, and is done some time later."""


@dataclass(frozen=True)
class Kept:
    payment: str
    reference: str
    amount: int
    state: str = "pending"
    captured: int = 0
    refunded: int = 0


@dataclass
class FaultProvider:
    faults: list[Fault] = field(default_factory=list)
    kept: dict[str, Kept] = field(default_factory=dict)
    done: dict[str, Answer] = field(default_factory=dict)
    events: list[WebhookEvent] = field(default_factory=list)
    later: list[Callable[[], object]] = field(default_factory=list)
    captures: list[tuple[str, int]] = field(default_factory=list)
    lines: list[BalanceChange] = field(default_factory=list)
    refuse_refunds: bool = False

    name = NAME
    pages = ()

    def fault(self) -> Fault:
        return self.faults.pop(0) if self.faults else Fault.NONE

    def _ask(self, do: Callable[[], Answer]) -> Answer:
        match self.fault():
            case Fault.LOST:
                return Unreachable("lost")
            case Fault.SILENT:
                do()
                return Unreachable("silent")
            case Fault.LATE:
                self.later.append(do)
                return Unreachable("late")
            case _:
                return do()

    def _once(self, key: str, do: Callable[[], Answer]) -> Answer:
        if key not in self.done:
            self.done[key] = do()
        return self.done[key]

    async def preauthorise(self, order: Order) -> Answer:
        def make() -> Answer:
            reference = f"ref-{order.id[:8]}"
            self._put(Kept(order.id, reference, order.amount))
            return Pending(reference, "https://pay.example/" + reference)

        return self._ask(lambda: self._once(order.key, make))

    async def capture(self, order: Order, amount: int) -> Answer:
        def take() -> Answer:
            found = self.kept[order.id]
            if found.state != "authorised":
                return self.standing(found)
            self.captures.append((order.id, amount))
            self._line(ChangeKind.CAPTURE, found, amount)
            return self._put(replace(found, state="captured", captured=amount))

        return self._ask(lambda: self._once(order.key, take))

    async def cancel(self, order: Order) -> Answer:
        def give_up() -> Answer:
            found = self.kept[order.id]
            if found.state in {"captured", "cancelled", "expired"}:
                return self.standing(found)
            return self._put(replace(found, state="cancelled"))

        return self._ask(give_up)

    async def refund(self, order: Order, amount: int) -> Answer:
        def give() -> Answer:
            found = self.kept[order.id]
            if self.refuse_refunds or amount > found.captured - found.refunded:
                return Declined("refund_refused", found.reference)
            self._line(ChangeKind.REFUND, found, -amount)
            return self._put(replace(found, refunded=found.refunded + amount))

        return self._ask(lambda: self._once(order.key, give))

    async def look_up(self, order: Order) -> Answer:
        found = self.kept.get(order.id)
        return self._ask(lambda: NotKnown() if found is None else self.standing(self.kept[order.id]))

    def verify_webhook(self, body: bytes, headers: Mapping[str, str], now_s: int) -> WebhookEvent | Refused:
        del now_s
        if headers.get("signed") != "yes":
            return Refused("bad_signature")
        return self.events[int(msgspec.json.decode(body))]

    async def balance(self, from_ms: int, to_ms: int) -> tuple[BalanceChange, ...] | Unreachable:
        return tuple(line for line in self.lines if from_ms <= line.at_ms < to_ms)

    def driver(self, *, approves: bool) -> None:
        """Have all drivers press a button, or walk away."""
        for found in tuple(self.kept.values()):
            if found.state == "pending":
                self._put(replace(found, state="authorised" if approves else "expired"))

    def catch_up(self) -> None:
        """Do what was late."""
        waiting, self.later = self.later, []
        for do in waiting:
            do()

    def standing(self, found: Kept) -> Standing:
        match found.state:
            case "pending":
                return Pending(found.reference, None)
            case "authorised":
                return Authorised(found.reference, found.amount)
            case "captured":
                return Captured(found.reference, found.captured, found.refunded)
            case state:
                return Cancelled(found.reference, expired=state == "expired")

    def _put(self, found: Kept) -> Standing:
        self.kept[found.payment] = found
        told = self.standing(found)
        self.events.append(WebhookEvent(f"e{len(self.events)}", found.state, found.reference, found.payment, told))
        return told

    def _line(self, kind: ChangeKind, found: Kept, amount: int) -> None:
        at_ms = 1_800_000_000_000 + len(self.lines)
        self.lines.append(BalanceChange(f"l{len(self.lines)}", kind, "EUR", amount, 0, at_ms, found.reference))
