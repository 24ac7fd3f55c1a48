"""Who looks at the pages, and who knows that."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

from wattseal.model.principal import Principal


@dataclass(frozen=True, slots=True)
class Viewer:
    """A signed-in person: `csrf` is what forms of this session bear, `zone` the time zone that times are shown in."""

    principal: Principal
    person: str
    name: str
    roles: tuple[str, ...]
    language: str
    zone: ZoneInfo
    csrf: str

    def may(self, *scopes: str) -> bool:
        """Return whether all scopes are held."""
        return all(self.principal.may(scope) for scope in scopes)


class Viewers(Protocol):
    """Who is behind a session's secret."""

    async def viewer(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        """Return who it is; None where the session is over or there was none. `languages` are those of the browser."""

    async def still(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        """Return the same for a page that is merely open: that is no use of the session, and does not prolong it."""
