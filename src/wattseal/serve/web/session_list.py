"""Lists of sessions by their address: the filters that stand in it, and what its viewer may see."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from wattseal.flow.charges.session_rows import STATES, Include, SessionsWanted, is_cursor
from wattseal.flow.listing import spelled
from wattseal.flow.world import World
from wattseal.model.verdict import Grade
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.range import midnight_ms

PAGE = 40
GRADES = tuple(grade.name for grade in Grade)
_MOST = 64
_YEARS = range(1971, 2100)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; "" is all. `since` and `until` are days in the viewer's zone, both included."""

    station: str = ""
    site: str = ""
    state: str = ""
    grade: str = ""
    since: str = ""
    until: str = ""
    token: str = ""
    before: str = ""

    @staticmethod
    def of(query: Mapping[str, str], viewer: Viewer) -> "Filters":
        """Read an address; what makes no sense in it is left out, and so is a token from who may not see tokens."""
        told = {name: query.get(name, "").strip()[:_MOST] for name in Filters.__dataclass_fields__}
        if told["state"] not in STATES:
            told["state"] = ""
        if told["grade"] not in GRADES:
            told["grade"] = ""
        if not is_cursor(told["before"]):
            told["before"] = ""
        for name in ("since", "until"):
            told[name] = told[name] if _day(told[name]) else ""
        if not viewer.may("tokens:read"):
            told["token"] = ""
        return Filters(**told)

    @property
    def any(self) -> bool:
        """Whether anything is filtered."""
        return any((self.station, self.site, self.state, self.grade, self.since, self.until, self.token))

    def address(self, path: str, **changed: str) -> str:
        """Return an address with these filters, some of them changed."""
        values = {name: getattr(self, name) for name in Filters.__dataclass_fields__} | changed
        query = urlencode({name: value for name, value in values.items() if value})
        return f"{path}?{query}" if query else path

    async def wanted(self, world: World, zone: ZoneInfo) -> SessionsWanted:
        """Return the sessions that the address asks for."""
        since, until = _day(self.since), _day(self.until)
        return SessionsWanted(
            before=self.before,
            since_ms=None if since is None else midnight_ms(since, zone),
            until_ms=None if until is None else midnight_ms(until + timedelta(days=1), zone),
            stations=(await spelled(world, self.station),) if self.station else (),
            site=self.site or None,
            state=self.state or None,
            grade=Grade[self.grade] if self.grade else None,
            token=self.token or None,
        )


def seen_by(viewer: Viewer) -> Include:
    """Return what of a session a viewer may see beside where it stands."""
    may = viewer.may
    return Include(energy=may("energy:read"), bill=may("bills:read"), token=may("tokens:read"))


def _day(told: str) -> date | None:
    try:
        found = date.fromisoformat(told) if told else None
    except ValueError:
        return None
    return found if found is not None and found.year in _YEARS else None
