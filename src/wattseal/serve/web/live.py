"""The live feed of the pages (server-sent events): hints of what has changed, for as long as the session is good."""

import asyncio
from collections.abc import AsyncIterator

from litestar import get
from litestar.response import Stream

from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, What
from wattseal.serve.feed import Feed, Follower, Hint
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.guard import check_origin
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, languages_of, needs, secret_of

HEARTBEAT_S = 10.0
"""How often a page that has nothing to be told hears that it is still connected, and its session is looked at."""
GATHER_S = 0.25
"""How long hints gather before they are sent together."""
RETRY_MS = 5000
"""When a browser connects again after the feed ended."""
HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@get("/events", security=[{}], include_in_schema=False, guards=[needs()])
async def events(request: Req, viewer: Looks, service: What) -> Stream:
    """Tell what changes, of what the viewer may see."""
    check_origin(request)
    if service.feed is None or service.feed.full:
        raise ProblemError(503, "too_many_pages", _("too many pages are open; this one is not kept up to date"))
    told = _told(request, service, service.feed, viewer, asyncio.current_task())
    return Stream(told, media_type="text/event-stream", headers=HEADERS)


async def _told(
    request: Req, service: Service, feed: Feed, viewer: Viewer, task: asyncio.Task[object] | None
) -> AsyncIterator[str]:
    yield f"retry: {RETRY_MS}\n\n"
    follower = feed.join(viewer, task)
    if follower is None:
        return
    try:
        while await _may_go_on(request, service, follower):
            try:
                await asyncio.wait_for(follower.wake.wait(), HEARTBEAT_S)
            except TimeoutError:
                follower.look_again = True
                yield ": here\n\n"
                continue
            await asyncio.sleep(GATHER_S)
            if hints := follower.take():
                yield "".join(map(_spelt, hints))
        yield "event: over\ndata:\n\n"
    finally:
        feed.leave(follower)


async def _may_go_on(request: Req, service: Service, follower: Follower) -> bool:
    """Return whether the session is still good; whoever has other scopes now sees by those from now on."""
    if follower.gone:
        return False
    if follower.look_again:
        follower.look_again = False
        viewers = service.viewers
        found = None if viewers is None else await viewers.still(secret_of(request), languages_of(request))
        if found is None:
            return False
        follower.viewer = found
    return True


def _spelt(hint: Hint) -> str:
    about = "".join(c for c in hint.about if c.isprintable())
    return f"event: {hint.kind}\ndata: {about}\n\n"


ROUTES = (events,)
