"""Every route of a running API, out of its own OpenAPI document, and requests that fit each of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from wattseal.lab.grounds.alone import Alone

_SAMPLES = (
    "1",
    "EUR",
    "DE",
    "en",
    "2026-01",
    "52.520008",
    "13.4049540",
    "a@lab.test",
    "https://lab.test/x",
    "wss://lab.test/x",
    "customer/1",
    "Target",
    "DE89370400440532013000",
    "0" * 64,
    "Lab_Value",
)
"""Texts, one of which fits any pattern of the API."""
_DEPTH = 8
_METHODS = ("get", "delete", "patch", "post", "put")


@dataclass(frozen=True, slots=True)
class Route:
    """One operation: what its path and query take, and a body that its schema lets pass, None where it takes none."""

    method: str
    path: str
    in_path: tuple[str, ...]
    in_query: tuple[tuple[str, Mapping[str, Any]], ...]
    body: Any

    def filled(self, ids: Mapping[str, str]) -> str:
        """Return the path with these ids in it, "1" where there is none of a name."""
        return re.sub(r"\{(\w+)\}", lambda found: quote(ids.get(found[1], "1"), safe=""), self.path)


async def routes_of(cpo: Alone) -> list[Route]:
    """Return the routes of a running process that need a token: those that read first, those that make last."""
    document = await cpo.api("GET", "/api/docs/openapi.json")
    found = [
        _route(document, path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation.get("security") != []
    ]
    return sorted(found, key=lambda route: (_METHODS.index(route.method.lower()), route.path))


def _route(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Route:
    parameters = operation.get("parameters", [])
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return Route(
        method=method.upper(),
        path=path,
        in_path=tuple(one["name"] for one in parameters if one["in"] == "path"),
        in_query=tuple((one["name"], one.get("schema", {})) for one in parameters if one["in"] == "query"),
        body=None if schema is None else fitting(document, schema),
    )


def fitting(document: Mapping[str, Any], schema: Mapping[str, Any], depth: int = 0) -> Any:
    """Return the least value that a schema lets pass, as far as it can be told."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return fitting(document, schema[choice][0], depth + 1)
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    match schema.get("type"):
        case "object" if depth < _DEPTH:
            return {name: fitting(document, schema["properties"][name], depth + 1) for name in _wanted(schema)}
        case "array" if depth < _DEPTH:
            return [fitting(document, schema.get("items", {}), depth + 1)] * schema.get("minItems", 1)
        case "integer" | "number":
            return max(1, schema.get("minimum", 1))
        case "boolean":
            return True
        case _:
            return _text(schema)


def _wanted(schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    return (name for name in schema.get("properties", {}) if name in required)


def _text(schema: Mapping[str, Any]) -> str:
    if schema.get("format") == "date-time":
        return "2026-11-01T00:00:00Z"
    pattern = schema.get("pattern", "").replace(r"\Z", "$")
    least = schema.get("minLength", 0)
    fits = (text for text in _SAMPLES if len(text) >= least and re.search(pattern, text))
    return next(fits, "x" * max(1, least))
