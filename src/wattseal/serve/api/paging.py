"""Lists by pages: `Link` with rel="next" leads on (RFC 8288), with every filter of the request kept."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from wattseal.base.errors import InputError
from wattseal.serve.api.problems import Req

Instant = Annotated[str | None, QueryParameter(max_length=64, schema_extra={"format": "date-time"})]
"""A time in a query, as it was written: the framework would take a number for one."""
Zoned = Annotated[datetime, msgspec.Meta(tz=True)]


def paged(request: Req, views: list[dict[str, Any]], next_key: str | None) -> Response[list[dict[str, Any]]]:
    """Return one page; `next_key` is the cursor of the following one, None where there is none."""
    if next_key is None:
        return Response(views)
    query = {**{name: request.query_params[name] for name in request.query_params}, "after": next_key}
    return Response(views, headers={"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'})


def milliseconds(told: str | None, field: str) -> int | None:
    """Return a time of a query as Unix milliseconds; what is none, or has no zone, is an `InputError`."""
    return None if told is None else int(instant(told, field).timestamp() * 1000)


def instant(told: str, field: str) -> datetime:
    """Return a time of a query (RFC 3339)."""
    try:
        return msgspec.convert(told, Zoned)
    except msgspec.ValidationError as error:
        text = "a time is written with its zone, like 2026-01-31T12:00:00Z"
        raise InputError(text, code="bad_time", subject=field) from error
