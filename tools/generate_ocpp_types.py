"""Generate `wattseal.wire.ocpp.generated` from the JSON schemas in the PyPI package `ocpp`.

    python tools/generate_ocpp_types.py            # writes src/wattseal/wire/ocpp/generated
    python tools/generate_ocpp_types.py --check    # exit 1 when what is committed differs

One module an action, with `Request` and `Response`; the definitions that 2.x messages share go to `types.py` of
their version. Only shapes are taken over, no descriptions. What the schemas say and msgspec cannot express
(`multipleOf`, bounds on numbers, customData) is in `wattseal.wire.ocpp.values`.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import version as package_version
from importlib.resources import files
from pathlib import Path
from typing import Any

VERSIONS = {"v16": "1.6", "v201": "2.0.1", "v21": "2.1"}
TARGET = Path(__file__).parent.parent / "src/wattseal/wire/ocpp/generated"
MAX_INTEGER = 2**53 - 1
URI = 'r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]*$"'
NUMBERS = {
    (("multipleOf", 0.1),): "Tenths",
    (("maximum", 100.0), ("minimum", 0.0)): "Percent",
    (("maximum", 0.0),): "NonPositive",
    (): "Decimal",
}
Schema = dict[str, Any]


def snake(name: str) -> str:
    """Return the module name of an action: `TransactionEvent` -> `transaction_event`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def schemas(version: str) -> dict[str, dict[str, Schema]]:
    """Return `{action: {"Request": schema, "Response": schema}}`; a SEND of 2.1 has no response."""
    found: dict[str, dict[str, Schema]] = {}
    for file in sorted((files("ocpp") / version / "schemas").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".json"):
            name = file.name.removesuffix(".json")
            side = "Response" if name.endswith("Response") else "Request"
            found.setdefault(name.removesuffix(side), {})[side] = json.loads(file.read_text("utf-8-sig"))
    return found


class Module:
    """One generated file: classes in dependency order, and the imports they turn out to need."""

    def __init__(self, title: str, shared: str | None = None) -> None:
        self.title = title
        self.shared = shared
        self.body: list[str] = []
        self.done: dict[str, Schema] = {}
        self.imports: dict[str, set[str]] = {}

    def need(self, module: str, name: str) -> str:
        """Import `name` from `module`; returns the name."""
        self.imports.setdefault(module, set()).add(name)
        return name

    def annotated(self, base: str, **bounds: object) -> str:
        """Return `base` with the msgspec bounds that are not None."""
        given = ", ".join(f"{k}={v}" for k, v in bounds.items() if v is not None)
        if not given:
            return base
        self.need("typing", "Annotated")
        return f"Annotated[{base}, {self.need('msgspec', 'Meta')}({given})]"

    def annotation(self, schema: Schema, name: str, definitions: dict[str, Schema]) -> str:
        """Return the Python type of `schema`; objects become classes called `name` unless they are definitions."""
        if "$ref" in schema:
            return self.reference(schema["$ref"].removeprefix("#/definitions/"), definitions)
        if "enum" in schema:
            self.need("typing", "Literal")
            literal = f"Literal[{', '.join(json.dumps(value) for value in schema['enum'])}]"
            return self.alias(name, literal, schema) if name.endswith("EnumType") else literal
        match schema.get("type"):
            case "array":
                item = self.annotation(schema["items"], name, definitions)
                bounds = {"min_length": schema.get("minItems"), "max_length": schema.get("maxItems")}
                return self.annotated(f"tuple[{item}, ...]", **bounds)
            case "object":
                return self.struct(schema, name, definitions)
            case None:
                return self.need("wattseal.wire.ocpp.values", "Open")
        return self.scalar(schema)

    def reference(self, target: str, definitions: dict[str, Schema]) -> str:
        """Return the name of a definition, imported or written here."""
        if target == "CustomDataType":
            return self.need("wattseal.wire.ocpp.values", "CustomData")
        if self.shared is not None:
            return self.need(self.shared, target)
        return self.annotation(definitions[target], target, definitions)

    def scalar(self, schema: Schema) -> str:
        """Return the type of a string, number, integer or boolean."""
        low, high = schema.get("minimum"), schema.get("maximum")
        match schema["type"]:
            case "string" if schema.get("format") == "date-time":
                return self.need("datetime", "datetime")
            case "string" if schema.get("format") == "uri":
                return self.annotated("str", pattern=URI)
            case "string":
                return self.annotated("str", max_length=schema.get("maxLength"))
            case "integer" if low is None and high is None:
                return self.need("wattseal.wire.ocpp.values", "Integer")
            case "integer":
                least = -MAX_INTEGER if low is None else int(low)
                return self.annotated("int", ge=least, le=MAX_INTEGER if high is None else int(high))
            case "number":
                bounds = tuple(sorted((k, v) for k, v in schema.items() if k in {"multipleOf", "minimum", "maximum"}))
                kind = NUMBERS[bounds]
                return self.need("decimal" if kind == "Decimal" else "wattseal.wire.ocpp.values", kind)
        return {"boolean": "bool"}[schema["type"]]

    def alias(self, name: str, literal: str, schema: Schema) -> str:
        """Name an enumeration once."""
        if name not in self.done:
            self.done[name] = schema
            self.body.append(f"{name} = {literal}\n")
        return name

    def struct(self, schema: Schema, name: str, definitions: dict[str, Schema]) -> str:
        """Write the class of an object schema once; returns its name."""
        if name in self.done:
            if self.done[name] != schema:
                sys.exit(f"{self.title}: two shapes are called {name}")
            return name
        if schema.get("additionalProperties") is not False:
            sys.exit(f"{self.title}: {name} is an open object")
        self.done[name] = schema
        required = set(schema.get("required", ()))
        lines = []
        for field, inner in schema.get("properties", {}).items():
            kind = self.annotation(inner, field[0].upper() + field[1:], definitions)
            if field in required:
                lines.append(f"    {field}: {kind}")
            else:
                unset, unset_type = self.need("msgspec", "UNSET"), self.need("msgspec", "UnsetType")
                lines.append(f"    {field}: {kind} | {unset_type} = {unset}")
        base = self.need("wattseal.wire.ocpp.values", "Wire")
        self.body.append(
            "\n".join([f"class {name}({base}, frozen=True, kw_only=True):", *(lines or ["    pass"])]) + "\n"
        )
        return name

    def text(self) -> str:
        """Return the file."""
        order = sorted(self.imports, key=lambda m: (m.startswith("wattseal"), m == "msgspec", m))
        imports = [f"from {module} import {', '.join(sorted(self.imports[module]))}" for module in order]
        head = f'"""{self.title}\n\nGenerated by tools/generate_ocpp_types.py; run it again rather than edit.\n"""'
        return "\n".join([head, "", *imports, "", "", "\n\n".join(self.body)])


def generate() -> Iterator[tuple[str, str]]:
    """Yield `(path below TARGET, text)` of every generated file."""
    source = f"the schemas in the PyPI package ocpp {package_version('ocpp')}"
    yield "__init__.py", f'"""OCPP message types, from {source}; see tools/generate_ocpp_types.py."""\n'
    for version, number in VERSIONS.items():
        actions = schemas(version)
        package = f"wattseal.wire.ocpp.generated.{version}"
        yield f"{version}/__init__.py", f'"""OCPP {number}: one module an action, with `Request` and `Response`."""\n'
        shared = None if version == "v16" else f"{package}.types"
        if shared:
            types = Module(f"Types that OCPP {number} messages share.")
            definitions: dict[str, Schema] = {}
            for sides in actions.values():
                for schema in sides.values():
                    definitions |= schema["definitions"]
            for name in sorted(definitions):
                if name != "CustomDataType":
                    types.annotation({"$ref": f"#/definitions/{name}"}, name, definitions)
            yield f"{version}/types.py", types.text()
        for action, sides in sorted(actions.items()):
            module = Module(f"{action}, OCPP {number}.", shared)
            for side, schema in sides.items():
                module.struct(schema, side, schema.get("definitions", {}))
            yield f"{version}/{snake(action)}.py", module.text()


def main() -> int:
    """Write the files, or compare them with `--check`."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    arguments.add_argument("--check", action="store_true", help="exit 1 when the committed files differ")
    check = arguments.parse_args().check
    wanted = {TARGET / path: text for path, text in generate()}
    present = set(TARGET.rglob("*.py"))
    if check:
        wrong = sorted(p for p in wanted.keys() | present if p not in present or p.read_text() != wanted.get(p))
        for path in wrong:
            print(f"differs: {path}")
        return 1 if wrong else 0
    for path in present - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"{len(wanted)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
