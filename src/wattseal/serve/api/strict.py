"""Request bodies as they are documented: a text is no number, and a number no time."""

import contextlib
from typing import Any

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import ClientException, ValidationException
from litestar.handlers import HTTPRouteHandler

from wattseal.serve.api.hints import hint

_PLACE = " - at `$"


def body_type(handler: object) -> Any:
    """Return the type of a handler's JSON body, None where it takes none or reads bytes."""
    if not isinstance(handler, HTTPRouteHandler):
        return None
    parameter = handler.parsed_fn_signature.parameters.get("data")
    return None if parameter is None else parameter.annotation


class StrictRequest(Request[Any, Any, State]):
    """Decodes JSON straight into the handler's body type, where the framework would convert what only looks alike."""

    async def json(self) -> Any:
        """Return the body; 400 for what is no JSON, 422 naming the place of what does not fit."""
        kind, body = body_type(self.route_handler), await self.body()
        try:
            return msgspec.json.decode(body, type=Any if kind is None else kind)
        except msgspec.ValidationError as error:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                return msgspec.convert(_whole(msgspec.json.decode(body)), kind)
            text, _, place = str(error).partition(_PLACE)
            place = place.strip("`.")
            extra = [{"message": hint(kind, text, place), "key": place}]
            raise ValidationException(extra=extra) from error
        except msgspec.DecodeError as error:
            raise ClientException(str(error)) from error


def _whole(value: object) -> object:
    """Return `value` with every number that is whole, such as 16.0, as an int: JSON Schema calls it an integer."""
    match value:
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {key: _whole(child) for key, child in value.items()}
        case list():
            return [_whole(child) for child in value]
        case _:
            return value
