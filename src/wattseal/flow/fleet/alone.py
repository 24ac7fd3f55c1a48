"""Keeps one person from commanding a whole fleet station by station: beyond a few it takes a second one."""

import re

from wattseal.base.errors import InputError
from wattseal.flow.alarms import raised
from wattseal.flow.documents import put, read
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.orders import Asking
from wattseal.flow.ports import Batch
from wattseal.flow.ramp import Passing, Placed
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.message import Command
from wattseal.rules.alone import Alone, Reach, reach_of

ALONE = "alone"
"""Document kind, by person: the stations they have commanded alone lately."""
TOO_FAR = "alone_too_far"
"""The alarm, and the code of the refusal."""
_TOKEN = re.compile(r" [0-9]{15}-[0-9a-f]{16}\Z")
_PERSON = re.compile(r"person/[^ ,]+\Z")
_TEXTS = {
    Reach.LASTING: "{count} stations a day (people.alone_power_stations) are as far as one person goes alone: ask for "
    "a limit at several stations, a template or a rollout, which somebody else approves, or have another send this",
    Reach.CHARGE: "{count} stations an hour (people.alone_charge_stations) are as far as one person goes alone with "
    "what ends charges: have somebody else send this, or wait",
}
_PROGRAM = "; a program gets its token from whoever runs the machine, made with DIR/admin-token"


async def keep_within_reach(asking: Asking, command: Command, passing: Passing | Placed) -> None:
    """Refuse (`alone_too_far`) and raise the alarm where somebody would command one station too many alone.

    A person counts with all API tokens of theirs. What two people agreed on, rollouts (which have a rule of their own)
    and what this process does by itself, such as giving a station back what it lost, are not a person's; nor is a token
    that was made with the process's own. What waited for the ramp was counted when it was asked for.
    """
    reach = reach_of(command)
    if reach is Reach.NONE or passing is not Passing.IN_LINE:
        return
    world, station = asking.world, asking.memory.station
    author = await _person_behind(world, asking.principal.name)
    if author is None:
        return
    now_ms, known = world.now_ms(), await _known(world, author)
    becomes = known.with_station(reach, station.id, now_ms)
    most = _most(world, reach)
    if becomes.stations(reach) > most:
        world.count(TOO_FAR)
        alarm = raised(world, Alarm(TOO_FAR, "", now_ms, author, station.id))[1]
        await world.journal.commit(Batch(world.tenant, puts=(alarm,)))
        text = _TEXTS[reach].format(count=most) + ("" if author == asking.principal.name else _PROGRAM)
        raise InputError(text, code=TOO_FAR, subject="station_id")
    world.alone[author] = becomes
    if becomes.stations(reach) != known.stations(reach) or station.id not in known.touched.get(reach, {}):
        await world.journal.commit(Batch(world.tenant, puts=(put(ALONE, author, becomes, now_ms),)))


def _most(world: World, reach: Reach) -> int:
    settings = world.settings
    return settings.alone_power_stations if reach is Reach.LASTING else settings.alone_charge_stations


async def _person_behind(world: World, name: str) -> str | None:
    """Return the person in whose name, or with whose token, a command is sent; None for nobody's."""
    author = await ApiTokens(world).author_of(name) if _TOKEN.search(name) else name
    return author if _PERSON.fullmatch(author) else None


async def _known(world: World, author: str) -> Alone:
    """Return what is known of a person, read at the first time; of two who read it at once the first counts."""
    if author not in world.alone:
        document = await world.journal.document(world.tenant, ALONE, author)
        world.alone.setdefault(author, Alone(author) if document is None else read(document, Alone))
    return world.alone[author]
