"""A station that answers every command with the least its schema allows, statuses being the first listed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from tests.support.csms import Csms
from tests.support.stations import dialled
from tests.wire.ocpp_payloads import schemas
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from wattseal.wire.ocpp.version import Version

Schema = dict[str, Any]


def least(schema: Schema, definitions: dict[str, Schema]) -> Any:
    """Return the smallest value a schema allows."""
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/definitions/")]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", ())
            return {name: least(schema["properties"][name], definitions) for name in wanted}
        case "array":
            return [least(schema["items"], definitions)] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
        case "string":
            return "2027-01-15T08:00:00Z" if schema.get("format") == "date-time" else "x"
    return {}


def answer(version: Version, action: str) -> Any:
    """Return the least answer to an action."""
    schema = schemas()[version, action, "Response"]
    return least(schema, schema.get("definitions", {}))


@contextmanager
def obeying(csms: Csms, name: str, version: Version = Version.V201) -> Iterator[ClientConnection]:
    """Answer as the station `name` meanwhile."""
    with dialled(csms, name, version) as station:

        def serve() -> None:
            try:
                for text in station:
                    message = json.loads(text)
                    if message[0] == 2:
                        station.send(json.dumps([3, message[1], answer(version, message[2])]))
            except ConnectionClosed:
                return

        listening = Thread(target=serve)
        listening.start()
        try:
            yield station
        finally:
            station.close()
            listening.join()
