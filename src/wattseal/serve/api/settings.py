"""The configuration in force, and the last backup."""

from typing import Any

import msgspec
from litestar import get

from wattseal.serve.api.problems import demand
from wattseal.serve.api.service import What, Who

READ = "settings:read"


@get("/settings")
async def get_settings(principal: Who, service: What) -> dict[str, Any]:
    """Show every setting in force, its secrets as stars, and when the data directory was last backed up."""
    demand(principal, READ)
    last = service.last_backup()
    return {
        "settings": dict(service.settings),
        "last_backup": None if last is None else msgspec.to_builtins(last),
    }


ROUTES = (get_settings,)
