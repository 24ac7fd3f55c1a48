"""Backups: when the last one was made, what is in it, and how to make and use one."""

from litestar import Response, get

from wattseal.serve.api.service import What
from wattseal.serve.api.settings import READ
from wattseal.serve.web.render import render
from wattseal.serve.web.viewer import Looks, Req, needs

OLD_MS = 7 * 86_400_000
"""A backup older than this is too old."""


@get("/backups", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def backups(request: Req, viewer: Looks, service: What) -> Response[bytes]:
    """Show it."""
    last = service.last_backup()
    return render(
        request,
        viewer,
        "backups.html",
        last=last,
        old=last is not None and last.at_ms < service.world.now_ms() - OLD_MS,
        healthy=service.ready(),
        entries=await service.world.journal.log_size(service.world.tenant),
    )


ROUTES = (backups,)
