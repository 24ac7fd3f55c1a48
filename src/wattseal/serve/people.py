"""People as the pages see them: whoever is behind a session's secret, with what they may see and how."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from zoneinfo import ZoneInfo

from wattseal.flow.people.sessions import People
from wattseal.model.person import About, Person
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.guard import csrf_of

UTC = ZoneInfo("UTC")


@dataclass(frozen=True, slots=True)
class PersonViewers:
    """Viewers out of the register of people (`serve.viewers.Viewers`)."""

    people: People

    async def viewer(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        """Return who it is; None where the session is over or there was none."""
        return self._shown(secret, await self.people.find(secret), languages)

    async def still(self, secret: str, languages: Iterable[str]) -> Viewer | None:
        """Return the same without noting that the session was used."""
        return self._shown(secret, await self.people.still(secret), languages)

    def _shown(self, secret: str, person: Person | None, languages: Iterable[str]) -> Viewer | None:
        if person is None:
            return None
        register = self.people.register
        about = register.abouts.get(person.id, About(name=person.id[:8]))
        return Viewer(
            principal=register.principal(person),
            person=person.id,
            name=about.name,
            roles=person.roles,
            language=about.language or next(iter(languages), "en"),
            zone=zone_of(about.zone, self.people.world.settings.charging.zone),
            csrf=csrf_of(secret),
        )


def zone_of(name: str | None, local: tzinfo) -> ZoneInfo:
    """Return the zone of a name, the stations' where there is none."""
    if name is not None:
        return ZoneInfo(name)
    return local if isinstance(local, ZoneInfo) else UTC
