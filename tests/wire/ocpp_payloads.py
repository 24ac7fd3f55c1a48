"""Payloads made from the schemas in the PyPI package `ocpp`: mostly right, sometimes wrong in one place or another."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from hypothesis import strategies as st

from wattseal.wire.ocpp.version import Version

Schema = dict[str, Any]
FOLDERS = {Version.V16: "v16", Version.V201: "v201", Version.V21: "v21"}
TIMES = [
    "2024-05-01T10:00:00Z",
    "2024-05-01T10:00:00.123Z",
    "2024-05-01t10:00:00.5z",
    "2024-05-01T12:00:00+02:00",
    "not a date",
    "2024-05-01",
    "2024-13-01T10:00:00Z",
    "2024-02-30T10:00:00Z",
    "",
]
TEXT = st.characters(exclude_characters="\0", codec="utf-8")
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.just(1.5),
    st.text(TEXT, max_size=3),
    st.just([]),
    st.just({}),
    st.just("1.5"),
)


@cache
def schemas() -> dict[tuple[Version, str, str], Schema]:
    """Return every schema by `(version, action, "Request" or "Response")`."""
    found = {}
    for version, folder in FOLDERS.items():
        for file in (files("ocpp") / folder / "schemas").iterdir():
            if file.name.endswith(".json"):
                name = file.name.removesuffix(".json")
                side = "Response" if name.endswith("Response") else "Request"
                found[version, name.removesuffix(side), side] = json.loads(file.read_text("utf-8-sig"))
    return found


@st.composite
def payloads(draw: st.DrawFn, schema: Schema) -> Any:
    """Draw a payload; about every second one breaks the schema somewhere."""
    return _value(draw, schema, schema.get("definitions", {}), draw(st.sampled_from([0, 0, 30, 8])))


def _value(draw: st.DrawFn, schema: Schema, definitions: dict[str, Schema], fault_in: int) -> Any:
    if "$ref" in schema:
        schema = definitions[schema["$ref"].removeprefix("#/definitions/")]
    if fault_in and draw(st.integers(1, fault_in)) == 1:
        return draw(WRONG)
    if "enum" in schema:
        return draw(st.sampled_from([*schema["enum"], *([] if not fault_in else ["Nonsense"])]))
    match schema.get("type"):
        case "array":
            least, most = schema.get("minItems", 0), min(schema.get("maxItems", 3), 3)
            count = draw(st.integers(max(0, least - bool(fault_in)), most))
            return [_value(draw, schema["items"], definitions, fault_in) for _ in range(count)]
        case "object":
            return _object(draw, schema, definitions, fault_in)
        case None:
            return draw(
                st.recursive(st.integers() | st.text(TEXT, max_size=3), lambda inner: st.lists(inner, max_size=2))
            )
    return draw(_scalars(schema, breaking=bool(fault_in)))


def _scalars(schema: Schema, *, breaking: bool) -> st.SearchStrategy[Any]:
    match schema["type"], schema.get("format"):
        case "string", "date-time":
            return st.sampled_from(TIMES if breaking else TIMES[:4])
        case "string", "uri":
            return st.sampled_from(["ftp://127.0.0.1/logs", *(["", "no uri", "/path", "1:2"] if breaking else [])])
        case "string", _:
            limit = schema.get("maxLength", 20)
            return st.text(TEXT, max_size=min(limit, 8)) | st.just("\u00e4" * (limit + breaking))
        case "integer", _:
            low, high = int(schema.get("minimum", -5)), int(schema.get("maximum", 50))
            return st.integers(low - breaking, high + breaking) | st.just(float(low + 1))
        case "number", _:
            return st.sampled_from([0, -1, 1, 7.5, 21.4, 99.9, 100, 101, 0.25, -0.1, -1e3, 1e5])
    return st.booleans()


def _object(draw: st.DrawFn, schema: Schema, definitions: dict[str, Schema], fault_in: int) -> Any:
    value = {}
    required = set(schema.get("required", ()))
    for name, inner in schema.get("properties", {}).items():
        wanted = draw(st.integers(0, 9))
        if (wanted or not fault_in) if name in required else wanted < 3:
            value[name] = _value(draw, inner, definitions, fault_in)
    if schema.get("additionalProperties") is not False or (fault_in and draw(st.integers(1, fault_in)) == 1):
        value["vendorKey_X1"] = draw(st.sampled_from([1.25, "x", [1], {"a": None}]))
    return value
