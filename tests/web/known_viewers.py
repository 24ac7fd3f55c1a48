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
from wattseal.rules import roles as people
from wattseal.rules.scopes import SCOPES
from wattseal.serve.api.service import Service
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.guard import csrf_of

SECRET = "secret-of-{}"
READING = frozenset(scope for scope in SCOPES if scope.endswith(":read"))
OPERATOR = people.ROLES["operator"]
ROLES = {
    "owner": frozenset({"*"}),
    "finance": READING - {"frames:read"} | {"accounts:write", "disputes:decide", "invoices:write", "quarantine:decide"},
    "operator": OPERATOR,
    "support": frozenset({"stations:read", "transactions:read", "tokens:read", "tokens:write", "accounts:read"}),
    "auditor": READING,
    "partner": frozenset({"disputes:open"}),
}
"""What each role may do here."""


class Known:
    """Knows one person a role; the languages of the browser decide on the language."""

    def __init__(self, world: World) -> None:
        self.tenant = world.tenant

    async def viewer(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        role = secret.removeprefix(SECRET.format(""))
        if role not in ROLES or secret == role:
            return None
        principal = Principal(self.tenant, f"person {role}", frozenset({role}), ROLES[role])
        language = next(iter(languages), "en")
        return Viewer(principal, role, f"Kim {role}", (role,), language, ZoneInfo("Europe/Berlin"), csrf_of(secret))


def _service(made: Any, **parts: Any) -> Any:
    return made(**{**parts, "viewers": Known(parts["world"])})


if __name__ == "__main__":
    with patch.object(cpo, "Service", partial(_service, Service)):
        main()
