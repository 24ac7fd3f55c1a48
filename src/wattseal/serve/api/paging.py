"""Lists by pages: `Link` with rel="next" leads on (RFC 8288), with every filter of the request kept."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Response

from wattseal.base.errors import InputError
from wattseal.serve.api.problems import Req


def paged(request: Req, views: list[dict[str, Any]], next_key: str | None) -> Response[list[dict[str, Any]]]:
    """Return one page; `next_key` is the cursor of the following one, None where there is none."""
    if next_key is None:
        return Response(views)
    query = {**{name: request.query_params[name] for name in request.query_params}, "after": next_key}
    return Response(views, headers={"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'})


def milliseconds(at: datetime | None, field: str) -> int | None:
    """Return a time of a query as Unix milliseconds; one without a zone is an `InputError`."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise InputError("a time has a zone: 2026-01-31T12:00:00Z", subject=field)
    return int(at.timestamp() * 1000)
