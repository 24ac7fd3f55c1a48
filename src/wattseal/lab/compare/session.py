"""The session that is protected: what a 1.6 station tells of it, message by message, and what a receiver takes."""

import json
from dataclasses import dataclass
from typing import Any

from wattseal.lab.dice import Dice

READINGS = 10
START_MS, STEP_MS = 1_800_000_000_000, 300_000


@dataclass(frozen=True, slots=True)
class Message:
    """One message as the station has it; `register_wh` is what it is about."""

    number: int
    action: str
    at_ms: int
    register_wh: int
    text: bytes

    @property
    def is_stop(self) -> bool:
        """Whether it ends the session."""
        return self.action == "StopTransaction"


@dataclass(frozen=True, slots=True)
class Received:
    """What a receiver took: the register of the stop, None without one; of how many messages; why it doubts them."""

    stop_wh: int | None
    doubt: str = ""
    messages: int = 0


def session(dice: Dice) -> list[Message]:
    """Return a session's messages: a start, ten meter values, a stop."""
    number, register_wh = dice.number(1, 2**31 - 1), dice.number(1_000_000, 9_000_000)
    card, connector = dice.word(14), 1
    step_wh = dice.number(400, 900)
    found = [_message(0, "StartTransaction", register_wh, {"connectorId": connector, "idTag": card})]
    for turn in range(1, READINGS + 1):
        register_wh += step_wh
        sample = {"value": str(register_wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        value = {"timestamp": _at(turn), "sampledValue": [sample]}
        told = {"connectorId": connector, "transactionId": number, "meterValue": [value]}
        found.append(_message(turn, "MeterValues", register_wh, told))
    last = {"transactionId": number, "idTag": card, "reason": "Local"}
    return [*found, _message(READINGS + 1, "StopTransaction", register_wh + step_wh, last)]


def stop_of(texts: list[bytes]) -> int | None:
    """Return the register of the stop among messages as plain text; None where there is none that can be read."""
    for text in texts:
        try:
            match json.loads(text):
                case [2, str(), "StopTransaction", {"meterStop": int(register_wh)}]:
                    return register_wh
        except ValueError:
            continue
    return None


def lowered(text: bytes, by_wh: int) -> bytes:
    """Return a stop with a lower register, as long as it was."""
    frame = json.loads(text)
    frame[3]["meterStop"] -= by_wh
    return _text(frame)


def _message(number: int, action: str, register_wh: int, payload: dict[str, Any]) -> Message:
    told = dict(payload)
    if action == "StartTransaction":
        told |= {"meterStart": register_wh, "timestamp": _at(number)}
    elif action == "StopTransaction":
        told |= {"meterStop": register_wh, "timestamp": _at(number)}
    return Message(number, action, START_MS + number * STEP_MS, register_wh, _text([2, f"{number:08}", action, told]))


def _at(number: int) -> str:
    minutes = number * STEP_MS // 60_000
    return f"2027-01-15T{8 + minutes // 60:02}:{minutes % 60:02}:00Z"


def _text(frame: list[Any]) -> bytes:
    return json.dumps(frame, separators=(",", ":")).encode()
