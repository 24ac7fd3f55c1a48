"""Somebody on the link down to an edge: he reads along, and alters, strips, repeats, keeps or invents commands."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wattseal.lab.means.plans import Sent, call_of

THIEF, RAISED_A = "THIEF-TOKEN", 63
STARTS = ("RemoteStartTransaction", "RequestStartTransaction")
HIS_ID = "his-own-"


@dataclass(slots=True)
class Commanded:
    """His plan for frames that go down; `does` is "nothing", "alter", "strip", "repeat", "invent" or "keep"."""

    does: str = "nothing"
    kept: list[list[Any]] = field(default_factory=list)
    _number: int = 0

    def plan(self, frame: str) -> Sequence[Sent]:
        """Say what is sent on in a frame's place."""
        call = call_of(frame)
        if call is None:
            return (Sent(frame),)
        match self.does:
            case "alter":
                return (Sent(json.dumps(_altered(call))),)
            case "strip":
                return (Sent(json.dumps(_stripped(call))),)
            case "repeat" if not _goes_ahead(call):
                return Sent(frame), Sent(self._named(call), 0.3)
            case "invent" if not _goes_ahead(call):
                reset = {"type": "Hard"} if "connectorId" in call[3] else {"type": "Immediate"}
                return Sent(frame), Sent(self._named([2, "", "Reset", reset]), 0.3)
            case "keep" if not _goes_ahead(call):
                self.kept.append(call)
                return ()
        return (Sent(frame),)

    def _named(self, call: list[Any]) -> str:
        self._number += 1
        return json.dumps([2, f"{HIS_ID}{self._number}", *call[2:]])


def _goes_ahead(call: list[Any]) -> bool:
    return bool(call[2] == "DataTransfer")


def _altered(call: list[Any]) -> list[Any]:
    """Raise every limit, and start with another's token."""
    if call[2] == "SetChargingProfile":
        _walk(call[3], "limit", RAISED_A)
    if call[2] in STARTS:
        _walk(call[3], "idTag" if "idTag" in call[3] else "idToken", THIEF)
    return call


def _stripped(call: list[Any]) -> list[Any]:
    """Take the signature away: from beside the call, or out of what goes ahead of it."""
    call[3].pop("customData", None)
    if _goes_ahead(call) and call[3].get("messageId") == "command":
        call[3]["data"] = "{}"
    return call


def _walk(value: Any, name: str, put: Any) -> None:
    """Put a plain value wherever the name stands."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, dict) and name in value and not isinstance(value[name], dict):
        value[name] = put
    for each in inner:
        _walk(each, name, put)
