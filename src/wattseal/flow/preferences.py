"""A person's own choices: saved views of pages, which alarms are counted, and up to where they were seen."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from wattseal.base.errors import InputError
from wattseal.flow.documents import put, read
from wattseal.flow.ports import Batch
from wattseal.flow.world import World

PREFERENCES = "preferences"
"""Document kind, by the person."""
MAX_VIEWS, MAX_NAME, MAX_PATH = 20, 40, 500


@dataclass(frozen=True, slots=True)
class SavedView:
    """A page as it was filtered: its name, and its address on this system."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Preferences:
    """Document: one person's choices. `muted` are topics of alarms not counted, `seen` the key of the last one seen."""

    views: tuple[SavedView, ...] = ()
    muted: tuple[str, ...] = ()
    seen: str = ""


async def preferences_of(world: World, person: str) -> Preferences:
    """Return a person's choices; the defaults where none were made."""
    document = await world.journal.document(world.tenant, PREFERENCES, person)
    return Preferences() if document is None else read(document, Preferences)


async def save_view(world: World, person: str, name: str, path: str) -> None:
    """Keep a view under a name, in place of the one that had it; `InputError` for what is no page here, or too many."""
    if not 0 < len(name) <= MAX_NAME:
        raise InputError(f"a name has 1 to {MAX_NAME} characters", code="bad_name", subject="name")
    told = urlsplit(path)
    if not path.startswith("/") or told.netloc or told.scheme or "\\" in path or len(path) > MAX_PATH:
        raise InputError("a view is a page of this system, like /network?q=x", code="bad_view", subject="path")
    known = await preferences_of(world, person)
    views = (*(view for view in known.views if view.name != name), SavedView(name, path))
    if len(views) > MAX_VIEWS:
        raise InputError(f"{MAX_VIEWS} views are kept; remove one first", code="too_many_views", subject="name")
    await _keep(world, person, replace(known, views=views))


async def remove_view(world: World, person: str, name: str) -> None:
    """Forget a view."""
    known = await preferences_of(world, person)
    await _keep(world, person, replace(known, views=tuple(view for view in known.views if view.name != name)))


async def mute(world: World, person: str, topics: Iterable[str]) -> None:
    """Choose which topics of alarms are not counted."""
    await _keep(world, person, replace(await preferences_of(world, person), muted=tuple(sorted(set(topics)))))


async def see(world: World, person: str, key: str) -> None:
    """Note up to where a person has seen the alarms."""
    known = await preferences_of(world, person)
    await _keep(world, person, replace(known, seen=max(known.seen, key)))


async def _keep(world: World, person: str, preferences: Preferences) -> None:
    document = put(PREFERENCES, person, preferences, world.now_ms())
    await world.journal.commit(Batch(world.tenant, puts=(document,)))
