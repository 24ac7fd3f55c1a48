"""Lines to stations that answer at once, by action, for tests of what the flow makes of their answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from tests.support.cpo_world import AT, TENANT

from wattseal.base.ids import StationId
from wattseal.flow.ports import Silence
from wattseal.model.principal import Principal
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.version import Version

OPERATOR = Principal(TENANT, "operator", frozenset({"operator"}), frozenset({"*"}))
Reply = dict[str, Any] | Silence | CallError


@dataclass
class Answering:
    """Stations of one version; `replies` say what is answered, `asked` is what they were asked, in order.

    Of a signed command to a 1.6 station what goes ahead is taken by its edge, and is not among them.
    """

    speaks: Version | None
    replies: dict[str, Reply | Callable[[dict[str, Any]], Reply]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def version(self, station_id: StationId) -> Version | None:
        del station_id
        return self.speaks

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        del station_id, timeout_s
        told = json.loads(payload)
        ahead = action == "DataTransfer" and told.get("messageId") == "command"
        if not ahead:
            self.asked.append((action, told))
        reply = {"status": "Accepted"} if ahead else self.replies[action]
        found = reply(told) if callable(reply) else reply
        if not isinstance(found, dict):
            return found
        answer = json.dumps(found).encode()
        return CallResult("1", action, msgspec.Raw(answer), b'[3,"1",' + answer + b"]", AT)


def refusal(action: str, code: str = "NotSupported") -> CallError:
    return CallError("1", action, code, "", msgspec.Raw(b"{}"), b"")
