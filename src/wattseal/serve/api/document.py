"""The OpenAPI document: what the framework makes of the handlers, made exact.

Every operation says that it may answer with a problem (RFC 9457), and request bodies are described by what validates
them.
"""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import msgspec
from litestar import Litestar
from litestar.enums import MediaType
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.plugins import OpenAPIRenderPlugin
from litestar.routes import HTTPRoute

from wattseal.serve.api.problems import MEDIA_TYPE, Req
from wattseal.serve.api.strict import body_type

PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "A problem (RFC 9457). `code` is stable; further members depend on it.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {"type": "string"},
        "field": {"type": "string"},
    },
}
_ANSWER = {
    "description": "A problem; `code` names it.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_TO_A_STATION = "/api/v1/stations/{station_id}/"
_WAITS = {
    "description": "The command waits for the fleet's ramp; `ramp/{id}` tells what becomes of it.",
    "headers": {"Location": {"schema": {"type": "string"}}},
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["action", "queued_until", "id"],
                "properties": {
                    "action": {"type": "string"},
                    "queued_until": {"type": "string", "format": "date-time"},
                    "id": {"type": "string"},
                },
            }
        }
    },
}
_REFERENCE = "#/components/schemas/"


class DocumentPlugin(OpenAPIRenderPlugin):
    """Serves the document as JSON, at the documentation's path and as its `openapi.json`."""

    def __init__(self) -> None:
        """Make nothing before it is asked for."""
        super().__init__(path=("/", "/openapi.json"), media_type=MediaType.JSON)

    def render(self, request: Req, openapi_schema: dict[str, Any]) -> bytes:
        """Return the document."""
        return msgspec.json.encode(_exact(request.app, openapi_schema))


def document(app: Litestar) -> dict[str, Any]:
    """Return the OpenAPI document of the application."""
    return _exact(app, app.openapi_schema.to_schema())


def _exact(app: Litestar, framework: dict[str, Any]) -> dict[str, Any]:
    """Return the framework's document with what it does not know: problems, and bodies as they are validated."""
    made = deepcopy(framework)
    schemas = {"Problem": PROBLEM}
    for path, method, handler in _handlers(app):
        operation = made["paths"].get(path, {}).get(method)
        if operation is None:
            continue
        responses = operation["responses"]
        for status in [status for status in responses if not status.startswith("2")]:
            del responses[status]
        if method == "post" and path.startswith(_TO_A_STATION):
            responses["202"] = _WAITS
        responses["4XX"] = responses["5XX"] = _ANSWER
        if "principal" not in handler.parsed_fn_signature.parameters:
            operation["security"] = []  # nobody is asked for
        if (kind := body_type(handler)) is not None:
            (body,), components = msgspec.json.schema_components([kind], ref_template=_REFERENCE + "{name}")
            schemas.update(components)
            operation["requestBody"]["content"] = {"application/json": {"schema": body}}
    known = made.setdefault("components", {}).get("schemas", {})
    wanted = _referred(made["paths"], {**known, **schemas})
    made["components"]["schemas"] = dict(sorted(wanted.items()))
    return made


def _handlers(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                yield route.path_format, method.lower(), handler


def _referred(part: object, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that `part` refers to, and those that these refer to."""
    found: dict[str, Any] = {}
    waiting = [part]
    while waiting:
        match waiting.pop():
            case {"$ref": str(reference)} if reference.startswith(_REFERENCE):
                name = reference.removeprefix(_REFERENCE)
                if name not in found:
                    found[name] = schemas[name]
                    waiting.append(schemas[name])
            case dict() as children:
                waiting.extend(children.values())
            case list() as children:
                waiting.extend(children)
    return found
