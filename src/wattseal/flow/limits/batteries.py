"""Battery swaps (2.1 chapter S): what went in and out under one request, for whom, and sets nobody took."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wattseal.base.errors import InputError
from wattseal.flow.documents import put, read
from wattseal.flow.drivers.known_tokens import find_token
from wattseal.flow.limits.store import raise_alarm
from wattseal.flow.orders import Answered, Asking, Checks, Effects
from wattseal.flow.step import Step
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.message import Asked, Replied, Told
from wattseal.model.token import IdToken, TokenStatus

SWAP = "battery_swap"


@dataclass(frozen=True, slots=True)
class Swap:
    """Document: one swap by its request id. `taken` went in, `given` came out; `left` were offered and not taken.

    Batteries are BatteryDataType as told. It is active until a set has come out, or was left.
    """

    station_id: str
    request_id: int
    id_token: str
    at_ms: int
    asked_by: str = ""
    taken: tuple[Mapping[str, object], ...] = ()
    given: tuple[Mapping[str, object], ...] = ()
    left: tuple[Mapping[str, object], ...] = ()

    @property
    def open(self) -> bool:
        """Whether a set is still to come out."""
        return not self.given and not self.left


async def _swapped(turn: Turn, fact: Told) -> Replied:
    """Keep a step of a swap; a set that was not taken is an alarm (S03.FR.06)."""
    step, told = turn.step(), fact.content
    token: Any = told["idToken"]
    number: Any = told["requestId"]
    batteries: Any = told["batteryData"]
    before = await _find(step, int(number))
    swap = before or Swap(turn.station.id, int(number), str(token["idToken"]), turn.now_ms)
    match told["eventType"]:
        case "BatteryIn":
            swap = replace(swap, id_token=str(token["idToken"]), taken=tuple(batteries))
        case "BatteryOut":
            swap = replace(swap, given=tuple(batteries))
            if not swap.taken:
                raise_alarm(step, "battery_out_without_in", field="requestId", detail=str(number))
        case _:
            swap = replace(swap, left=tuple(batteries))
            raise_alarm(step, "battery_not_taken", field="requestId", detail=str(number))
    _keep(step, swap)
    await step.commit()
    return Replied({})


async def _check_request(asking: Asking, command: Asked) -> None:
    """S02.FR.03: only for a token that is good."""
    told: Any = command.content["idToken"]
    token = await find_token(asking.world, IdToken(told["idToken"], told["type"]))
    if token is None or token.status is not TokenStatus.ACCEPTED:
        raise InputError("this token may not swap batteries", code="token_refused", subject="idToken")


async def _requested(answered: Answered, command: Asked, answer: Replied) -> None:
    if answer.status == "Accepted":
        number: Any = command.content["requestId"]
        token: Any = command.content["idToken"]
        step = answered.step
        swap = Swap(answered.station_id, int(number), str(token["idToken"]), step.now_ms, answered.asked_by)
        _keep(step, swap)


def _keep(step: Step, swap: Swap) -> None:
    key = f"{swap.station_id.casefold()}/{swap.request_id:020d}"
    step.puts.append(put(SWAP, key, swap, step.now_ms, station_id=swap.station_id, active=swap.open))


async def _find(step: Step, request_id: int) -> Swap | None:
    key = f"{step.station_id.casefold()}/{request_id:020d}"
    document = await step.world.journal.document(step.world.tenant, SWAP, key)
    return None if document is None else read(document, Swap)


HANDLERS: Handlers = {"BatterySwap": _swapped}
CHECKS: Checks = {"RequestBatterySwap": _check_request}
EFFECTS: Effects = {"RequestBatterySwap": _requested}
