"""The configuration in force, how long things are kept, and the last backup."""

from typing import Any

import msgspec
from litestar import get

from wattseal.rules.retention import SCHEDULE, lasts
from wattseal.serve.api.problems import demand
from wattseal.serve.api.service import Service, What, Who

READ = "settings:read"


class KeptLine(msgspec.Struct, frozen=True):
    """For how long one kind of data is kept, by which setting where there is one, and what becomes of it then."""

    what: str
    lasts: str
    setting: str | None
    then: str


def kept_in(service: Service) -> tuple[KeptLine, ...]:
    """Return for how long everything is kept here."""
    policy = service.world.settings.retention
    return tuple(
        KeptLine(line.what, lasts(line, policy), line.setting and f"retention.{line.setting}", line.then)
        for line in SCHEDULE
    )


@get("/settings")
async def get_settings(principal: Who, service: What) -> dict[str, Any]:
    """Show every setting in force, its secrets as stars, how long everything is kept, and the last backup made."""
    demand(principal, READ)
    last = service.last_backup()
    return {
        "settings": dict(service.settings),
        "last_backup": None if last is None else msgspec.to_builtins(last),
        "retention": [msgspec.to_builtins(line) for line in kept_in(service)],
    }


ROUTES = (get_settings,)
