"""What of every page is a person's own: saved views, and how many alarms came since the last look."""

from dataclasses import dataclass

from wattseal.flow.documents import ALARM, read
from wattseal.flow.preferences import Preferences, SavedView, preferences_of
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.alarm_words import topic_of

MOST = 99
"""So many alarms are counted; of more the navigation says "99+"."""


@dataclass(frozen=True, slots=True)
class Own:
    """Views, and the alarms that were not seen, as the navigation shows them ("" for none)."""

    views: tuple[SavedView, ...] = ()
    alarms: str = ""


async def own_of(world: World, viewer: Viewer) -> Own:
    """Return them."""
    chosen = await preferences_of(world, viewer.person)
    number = await _unseen(world, chosen) if viewer.may("alarms:read") else 0
    return Own(chosen.views, "" if number == 0 else f"{MOST}+" if number > MOST else str(number))


async def _unseen(world: World, chosen: Preferences) -> int:
    page = await world.journal.documents(world.tenant, ALARM, after=chosen.seen, limit=MOST + 1)
    found = (read(document, Alarm) for document in page)
    return sum(topic_of(one.code, transaction=one.transaction is not None) not in chosen.muted for one in found)
