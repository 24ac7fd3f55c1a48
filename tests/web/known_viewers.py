"""`wattseal serve` whose pages know one viewer a role by a fixed secret: `python -m tests.web.known_viewers serve ...`.

Everything else is the real program.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

from wattseal.app import cpo
from wattseal.cli.main import main
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.rules.roles import ROLES
from wattseal.serve.api.service import Service
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.guard import csrf_of

SECRET = "secret-of-{}"
SEEN: dict[str, frozenset[str]] = {**ROLES, "stranger": frozenset({"transactions:read"})}
"""What each role may do, and somebody who may do next to nothing."""


class Known:
    """Knows one person a role; the languages of the browser decide on the language."""

    def __init__(self, world: World) -> None:
        self.tenant = world.tenant

    async def viewer(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        role = secret.removeprefix(SECRET.format(""))
        if role not in SEEN or secret == role:
            return None
        principal = Principal(self.tenant, f"person {role}", frozenset({role}), SEEN[role])
        language = next(iter(languages), "en")
        return Viewer(principal, role, f"Kim {role}", (role,), language, ZoneInfo("Europe/Berlin"), csrf_of(secret))

    async def still(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        return await self.viewer(secret, languages)


def _service(made: Any, **parts: Any) -> Any:
    return made(**{**parts, "viewers": Known(parts["world"])})


if __name__ == "__main__":
    with patch.object(cpo, "Service", partial(_service, Service)):
        main()
