"""Payments at the station (2.1 C20 to C25, I12): what a terminal settled, web payments begun, VAT numbers asked about.

Kept beside the transaction: billing follows the records, and a terminal's word is compared with it by people.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wattseal.flow.documents import put
from wattseal.flow.limits.store import raise_alarm
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.message import Asked, Replied, Told
from wattseal.rules.vat import canonical_vat

PAYMENT, WEB_PAYMENT = "payment", "web_payment"


@dataclass(frozen=True, slots=True)
class Payment:
    """Document: a settlement of a payment terminal, by the provider's reference; `content` as told."""

    station_id: str
    reference: str
    status: str
    transaction_id: str | None
    at_ms: int
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class WebPayment:
    """Document: that a driver pays on the web for an EVSE, which is kept free for him until then."""

    station_id: str
    evse_id: int
    until_ms: int


async def _settled(turn: Turn, fact: Told) -> Replied:
    """Keep a settlement; the same reference again replaces it. One that failed is an alarm."""
    step, told = turn.step(), fact.content
    reference, status = str(told["pspRef"]), str(told["status"])
    transaction: Any = told.get("transactionId")
    kept = Payment(turn.station.id, reference, status, transaction, turn.now_ms, dict(told))
    key = f"{turn.station.id.casefold()}/{reference}"
    step.puts.append(put(PAYMENT, key, kept, turn.now_ms, station_id=turn.station.id, active=status == "Settled"))
    if status in {"Failed", "Rejected"}:
        raise_alarm(step, "payment_failed", field="status", detail=status)
    await step.commit()
    return Replied({})


async def _vat(turn: Turn, fact: Told) -> Replied:
    """Answer whether a VAT number has its country's form; nothing is kept of it."""
    del turn
    number = str(fact.content["vatNumber"])
    known = canonical_vat(number)
    answer: dict[str, object] = {"vatNumber": number, "status": "Rejected" if known is None else "Accepted"}
    if "evseId" in fact.content:
        answer["evseId"] = fact.content["evseId"]
    return Replied(answer)


async def _web(answered: Answered, command: Asked, answer: Replied) -> None:
    """Keep that a driver is paying."""
    del answer
    evse_id: Any = command.content["evseId"]
    timeout_s: Any = command.content["timeout"]
    step = answered.step
    kept = WebPayment(answered.station_id, int(evse_id), step.now_ms + 1000 * int(timeout_s))
    key = f"{answered.station_id.casefold()}/{int(evse_id):04d}"
    step.puts.append(put(WEB_PAYMENT, key, kept, step.now_ms, station_id=answered.station_id))


HANDLERS: Handlers = {"NotifySettlement": _settled, "VatNumberValidation": _vat}
EFFECTS: Effects = {"NotifyWebPaymentStarted": _web}
