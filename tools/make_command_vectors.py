"""Write docs/spec/vectors/command/*.json: run `python -m tools.make_command_vectors` from the root.

Keys are for tests alone: their seeds are SHA-256 of names. What is expected is stated here by hand.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.edge.edge_world import LOG, NOW_MS, ORIGIN, key

from wattseal.seal import command
from wattseal.seal.command import SignedCommand
from wattseal.seal.signed import Domain, sign
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.signed_commands import payload_hash

ROOT = Path("docs/spec/vectors/command")
Json = dict[str, Any]
LIMIT = (
    '{"evseId":1,"chargingProfile":{"id":7,"chargingSchedule":[{"id":1,"chargingSchedulePeriod":[{"limit":16.0}]}]}}'
)
AGAIN = (
    '{ "chargingProfile": {"chargingSchedule": [{"chargingSchedulePeriod": [{"limit": 1.6e1}], "id": 1}], "id": 7}, '
    '"evseId": 1, "customData": {"vendorId": "any"} }'
)
RAISED = LIMIT.replace("16.0", "63")


def canonical_texts() -> Iterator[Json]:
    """Yield JSON texts and the one spelling of each."""
    pairs = {
        "names sorted by UTF-16 units": (
            '{"\\u20ac":1,"\\r":2,"\\ufb33":3,"1":4,"\\ud83d\\ude00":5,"\\u0080":6,"\\u00f6":7}',
            '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}',
        ),
        "numbers as RFC 8785 writes them": (
            "[1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0, 16.0, 100, 1e21, 1e20, 0.000001, 0.0000001]",
            "[1e+30,4.5,0.002,1e-27,0,16,100,1e+21,100000000000000000000,0.000001,1e-7]",
        ),
        "a number with more digits than a double keeps them": ("[333333333.33333329]", "[333333333.33333329]"),
        "strings escape what they must": (
            '["\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/"]',
            '["\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"]',
        ),
        "literals and nesting": (
            '{ "b" : [ null , true , false , { } ] , "a" : [ ] }',
            '{"a":[],"b":[null,true,false,{}]}',
        ),
        "a limit": (LIMIT, LIMIT_CANONICAL),
        "the same limit": (AGAIN.replace(', "customData": {"vendorId": "any"}', ""), LIMIT_CANONICAL),
    }
    for name, (text, expected) in pairs.items():
        yield {"name": name, "json": text, "expect": expected}


LIMIT_CANONICAL = (
    '{"chargingProfile":{"chargingSchedule":[{"chargingSchedulePeriod":[{"limit":16}],"id":1}],"id":7},"evseId":1}'
)


def commands() -> Iterator[Json]:
    """Yield statements with the call they come with, and whether it passes."""
    payload = cast("Json", guard.parse(LIMIT.encode()))
    record = bytes(range(32))
    good = SignedCommand(ORIGIN, "SetChargingProfile", payload_hash(payload), record, NOW_MS, NOW_MS + 30_000)

    def case(name: str, said: SignedCommand, expect: str | None, text: str = LIMIT, **more: Any) -> Json:
        statement = more.pop("statement", command.issue(said, key("csms"), LOG))
        return {
            "name": name,
            "statement": statement.encode().hex(),
            "public_key": key("csms").public.spki.hex(),
            "log_origin": LOG,
            "origin": ORIGIN,
            "action": "SetChargingProfile",
            "payload": text,
            "now_ms": NOW_MS,
            "passed_before": [],
            "expect": expect,
        } | more

    yield case("as it was sent", good, None)
    yield case("another spelling of the same payload, with customData", good, None, AGAIN)
    yield case("a limit raised", good, "payload", RAISED)
    yield case("for another station", replace(good, origin="CPO/ST2"), "station")
    yield case("for another action", replace(good, action="ClearChargingProfile"), "action")
    yield case("once more", good, "before", passed_before=[record.hex()])
    yield case("at the end of its time and the leeway", good, None, now_ms=NOW_MS + 90_000)
    yield case("after its time", good, "time", now_ms=NOW_MS + 90_001)
    yield case("a leeway before its time", good, None, now_ms=NOW_MS - 60_000)
    yield case("before its time", good, "time", now_ms=NOW_MS - 60_001)
    yield case("for ten minutes", replace(good, until_ms=NOW_MS + 600_000), None)
    yield case("for longer than ten minutes", replace(good, until_ms=NOW_MS + 600_001), "longer")
    yield case("by another key", good, "signature", statement=command.issue(good, key("stranger"), LOG))
    yield case("for another log", good, "signature", statement=command.issue(good, key("csms"), "CPO/other"))
    fields = dict(enumerate((ORIGIN, good.action, good.payload, record, NOW_MS, NOW_MS + 30_000), start=1))
    yield case("as a receipt", good, "signature", statement=sign(fields, key("csms"), Domain.RECEIPT, LOG))
    short = sign({**fields, 3: good.payload[:31]}, key("csms"), Domain.COMMAND, LOG)
    yield case("with a short hash", good, "unreadable", statement=short)


def main() -> None:
    """Write all files."""
    for name, cases in {"canonical": canonical_texts(), "commands": commands()}.items():
        path = ROOT / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"cases": list(cases)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
