"""What a query may ask for: a filter that is misspelt would be no filter, and the answer everything."""

from collections.abc import Mapping
from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.routes import HTTPRoute

PARAMETERS = "parameters"
"""Where the application's state keeps them."""


def parameters_of(app: Litestar) -> Mapping[tuple[str, str], frozenset[str]]:
    """Return the names that every operation takes in a query, by its path and method."""
    return {
        (route.path_format, method): frozenset(one.field_alias for one in taken.expected_query_params)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (_, taken) in route.route_handler_map.items()
    }


async def refuse_unknown(connection: ASGIConnection[Any, Any, Any, State], _handler: BaseRouteHandler) -> None:
    """Guard: refuse a query that names what the operation does not take (422), with what it takes."""
    asked = (connection.scope.get("path_template", ""), str(connection.scope.get("method", "")))
    known = connection.app.state[PARAMETERS].get(asked)
    strange = [] if known is None else [name for name in connection.query_params if name not in known]
    if strange:
        told = f"known here: {', '.join(sorted(known))}" if known else "none is known here"
        extra = [{"message": f"unknown query parameter; {told}", "key": name[:255]} for name in strange[:8]]
        raise ValidationException(extra=extra)
