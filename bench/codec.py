"""Decode and validate a request: wattseal against the `ocpp` package, which takes the same frame to the same verdict.

    python -m bench --only codec

wattseal: `Connection.receive` and the generated type's decoder behind the guard, as for every frame that arrives.
`ocpp`: `unpack` and `_validate_payload`, synchronously, which is its faster way.
"""

import re
import statistics
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from bench.measure import Row, at_least, seconds_each
from bench.messages import frame, request_schemas, requests_of_a_charge, sample
from ocpp import messages as peer  # type: ignore[import-untyped] # the package has no types

from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.values import decoder
from wattseal.wire.ocpp.version import Refusal, Version

GROUP = "Decode and validate"
MESSAGE_ID = "0b8e8d0a-7a44-4c5c-9c7b-8f0f5f3f2d11"
METER_VALUES = "MeterValues (1.6)"
FOREMOST = ("MeterValues", "TransactionEvent")


def _ours(version: str, action: str, data: bytes) -> Callable[[], object]:
    v = Version(version)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", action).lower()
    found = decoder(import_module(f"wattseal.wire.ocpp.generated.{v.name.lower()}.{name}").Request)
    connection, now = Connection(v), datetime.now(UTC)

    def run() -> object:
        call = connection.receive(data, now)
        assert isinstance(call, Call)
        return guard.decode(found, call.payload, call.raw, 2)

    return run


def _theirs(version: str, data: bytes) -> Callable[[], object]:
    text = data.decode()

    def run() -> object:
        call = peer.unpack(text)
        peer._validate_payload(call, version)  # noqa: SLF001 - what its public coroutine runs
        return call

    return run


def _ratio(version: str, action: str, payload: Any, rounds: int) -> tuple[float, float] | None:
    """Return our seconds and the ratio; None where one side refuses the sample."""
    data = frame(MESSAGE_ID, action, payload)
    ours, theirs = _ours(version, action, data), _theirs(version, data)
    try:
        if isinstance(ours(), Refusal):
            return None
        theirs()
    except Exception:  # noqa: BLE001 - the package raises many kinds; a sample it refuses is not compared
        return None
    each = seconds_each({"ours": ours, "theirs": theirs}, rounds=rounds, batch_s=0.01)
    return each["ours"], each["theirs"] / each["ours"]


def measure(*, quick: bool = False) -> list[Row]:
    """Return the messages of a charge one by one, then the least and the median ratio over all schemas."""
    rounds = 3 if quick else 9
    rows = []
    for version in ("1.6", "2.0.1", "2.1"):
        for action, payload in requests_of_a_charge(version):
            found = _ratio(version, action, payload, rounds)
            assert found is not None, action
            target, met = at_least(found[1], 100 if action in FOREMOST else 40)
            name = f"{action} ({version})"
            rows.append(Row(GROUP, name, found[0] * 1e6, "us", found[1], "the `ocpp` package", target, met))
    for version in ("1.6",) if quick else ("1.6", "2.0.1", "2.1"):
        ratios = {}
        schemas = request_schemas(version)
        for action, schema in schemas.items():
            found = _ratio(version, action, sample(schema), 3)
            if found is not None:
                ratios[action] = found[1]
        least = min(ratios, key=lambda a: ratios[a])
        target, met = at_least(ratios[least], 40)
        below = sum(r < 40 for r in ratios.values())
        note = f"{least}; {below} below 40x, median {statistics.median(ratios.values()):.0f}x"
        name = f"worst of {len(ratios)} of {len(schemas)} requests, every field filled ({version})"
        rows.append(Row(GROUP, name, len(ratios), "messages", ratios[least], "the `ocpp` package", target, met, note))
    return rows
