"""Keeps a fallback beneath every limit that ends by itself, and takes it away once nobody needs it (rules.fallback).

A limit is sent first and its fallback after it, beneath: so nothing changes at the station when it arrives. Whether it
is there is asked of the station (GetCompositeSchedule), after it was sent and whenever the station has come back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import partial

from wattseal.base.errors import InputError, WattsealError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.alarms import alarm, cleared_by
from wattseal.flow.commands import Done, Outcome, Queued
from wattseal.flow.documents import put, read
from wattseal.flow.fleet.sites import site_by_id
from wattseal.flow.limits.abilities import abilities_of
from wattseal.flow.limits.store import CSO, PROFILE, KeptProfile, circumstances, profiles_of
from wattseal.flow.limits.views import last_comparison
from wattseal.flow.memory import Memory
from wattseal.flow.ramp import Passing
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.waiting import Start
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.charging import Profile, Purpose, RateUnit
from wattseal.model.charging_orders import ClearProfiles, GetComposite, SetProfile
from wattseal.model.principal import Principal
from wattseal.rules.alarms import subject_of
from wattseal.rules.charging import composite, window_of
from wattseal.rules.charging_policy import MAX_FALLBACK_A
from wattseal.rules.charging_rates import convert
from wattseal.rules.charging_spans import MAX_WINDOW_S
from wattseal.rules.fallback import LEVEL, Place, amount, begins, ends, fallback_profile, is_fallback, is_plan, place_of
from wattseal.rules.two_persons import is_agreed
from wattseal.wire.ocpp.version import Version

FALLBACK, MISSING = "fallback_limit", "fallback_missing"
"""Kind of the documents, and the alarm."""
AGAIN_MS = 600_000
"""When to try again what a station did not take, or did not answer."""
AT_ONCE = 8
"""Stations looked at in one round of the timer."""
_ACCEPTED, _PAGE, _DEADLINE_S, _BEYOND_S, _DAY_MS = "Accepted", 1000, 20.0, 60, 86_400_000


class Standing(StrEnum):
    """How a fallback stands: as the station's own schedule shows it, or why it does not."""

    HOLDS = "holds"
    INSTALLED = "installed"
    DIFFERS = "differs"
    REFUSED = "refused"
    NO_LEVEL = "no_level"
    LIFTED = "lifted"


_NOT_THERE = frozenset({Standing.DIFFERS, Standing.NO_LEVEL, Standing.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFallback:
    """Document: the fallback of a place, active while it is at the station. `ends_ms` is when the limit above ends.

    It is None where that only does while the station is offline.
    """

    station_id: str
    evse_id: int
    purpose: Purpose
    profile_id: int
    amount: Decimal
    unit: RateUnit
    ends_ms: int | None
    standing: Standing
    at_ms: int


async def fallback_a(world: World, memory: Memory) -> Decimal | None:
    """Return what each EVSE of a station falls back to: its own, else its site's, else all; None for nothing."""
    station = memory.station
    site = None if station.site is None else await site_by_id(world, station.site)
    chosen = (station.fallback_a, None if site is None else site.fallback_a, world.settings.charging.fallback_a)
    found = next((one for one in chosen if one is not None), None)
    return found or None


def check_fallback(world: World, wanted_a: Decimal | None) -> None:
    """Refuse (`bad_fallback`) what would stop charging; 0 is no fallback."""
    floor_a = world.settings.charging.floor_a
    if wanted_a is not None and wanted_a != 0 and not floor_a <= wanted_a <= MAX_FALLBACK_A:
        text = f"a fallback is 0 (none), or {floor_a:f} to {MAX_FALLBACK_A:f} A: less would stop charging"
        raise InputError(text, code="bad_fallback", subject="fallback_a")


async def limited(world: World) -> dict[StationId, int]:
    """Return when to look at which stations with limits again (Unix ms); read at the first time."""
    if world.limited is None:
        found: dict[StationId, int] = {}
        after = ""
        while page := await world.journal.documents(world.tenant, PROFILE, active=True, after=after, limit=_PAGE):
            found.update((StationId(read(document, KeptProfile).station_id), 0) for document in page)
            after = page[-1].key
        if world.limited is None:
            world.limited = found
    return world.limited


@dataclass(slots=True)
class FallbackKeeper:
    """Looks at stations whose limits changed or end, and at those that are back; with `start` in the background."""

    world: World
    principal: Principal
    start: Start | None = None
    gone: set[StationId] = field(default_factory=set)
    busy: set[StationId] = field(default_factory=set)

    async def round(self) -> int:
        """Look at what is due, `AT_ONCE` stations at a time; return how many looks were begun."""
        world, count = self.world, 0
        due = await limited(world)
        for station_id, at_ms in tuple(due.items()):
            if world.lines.version(station_id) is None:
                self.gone.add(station_id)
                continue
            waits = at_ms > world.now_ms() and station_id not in self.gone
            if waits or station_id in self.busy or len(self.busy) >= AT_ONCE:
                continue
            self.busy.add(station_id)
            look = partial(self._turn, station_id, back=station_id in self.gone)
            if self.start is None:
                await look()
            elif not self.start(look):
                self.busy.discard(station_id)
                break
            count += 1
        return count

    async def _turn(self, station_id: StationId, *, back: bool) -> None:
        """Look at one station, and note when to look again; at once where its limits have changed meanwhile."""
        due = await limited(self.world)
        due[station_id] = self.world.now_ms() + AGAIN_MS
        self.gone.discard(station_id)
        try:
            again_ms = await self._look(station_id, back=back)
        except WattsealError:
            self.world.count("fallback_not_looked_at")
        else:
            if due.get(station_id) == 0:
                return
            if again_ms is None:
                due.pop(station_id, None)
            else:
                due[station_id] = again_ms
        finally:
            self.busy.discard(station_id)

    async def _look(self, station_id: StationId, *, back: bool) -> int | None:
        """Do what is to be done at a station; return when to look again, None for when its limits change."""
        memory = await remember_station(self.world, station_id)
        if memory is None:
            return None
        one = _At(self.world, self.principal, memory, await profiles_of(self.world, memory))
        wanted_a = await fallback_a(self.world, memory)
        times = [await one.care(place, wanted_a, back=back) for place in one.places()]
        await one.settle()
        return min((at_ms for at_ms in times if at_ms is not None), default=None)


@dataclass(frozen=True, slots=True)
class _At:
    """One station with its profiles."""

    world: World
    principal: Principal
    memory: Memory
    known: tuple[KeptProfile, ...]

    def places(self) -> tuple[Place, ...]:
        """Return where limits or fallbacks are."""
        found = (place_of(kept.evse_id, kept.profile) for kept in self.known if kept.source == CSO)
        return tuple(dict.fromkeys(place for place in found if place is not None))

    async def care(self, place: Place, wanted_a: Decimal | None, *, back: bool) -> int | None:
        """See to one place; return when to look again, None for not before its limits change."""
        now = self.world.clock.now()
        limits, present = self._of(place)
        running = self._running(place)
        ending, held = self._ending(running), _held_offline(running, now)
        begun = [begin for one in limits if (begin := begins(one.profile)) is not None and begin > now]
        soon = min((*begun, *ending), default=None)
        if (ending or held) and wanted_a is not None:
            return await self._beneath(place, wanted_a, max(ending, default=None), present, running, back=back)
        if present is None:
            return None if soon is None else _ms(soon)
        if ending or held:
            return await self._lift(place)
        ended = [end for one in running if (end := ends(one.profile)) is not None]
        return await self._after(place, max(ended, default=None))

    async def _after(self, place: Place, ended: datetime | None) -> int | None:
        """Leave a fallback where its limit has run out, for as long as was chosen; else take it away."""
        hold_s = self.world.settings.charging.fallback_hold_s
        if ended is not None and hold_s == 0:
            return None
        lift = None if ended is None else ended + timedelta(seconds=hold_s)
        if lift is not None and lift > self.world.clock.now():
            return _ms(lift)
        return await self._lift(place)

    async def _beneath(
        self,
        place: Place,
        wanted_a: Decimal,
        end: datetime | None,
        present: KeptProfile | None,
        running: Iterable[KeptProfile],
        *,
        back: bool,
    ) -> int:
        """Have a fallback beneath a limit that ends, or (None) only while the station is offline."""
        world, now = self.world, self.world.clock.now().replace(microsecond=0)
        able = await abilities_of(world, self.memory)
        unit = able.unit_for(RateUnit.A)
        amperes = await self._amperes(place, wanted_a)
        limit = convert(amperes, RateUnit.A, unit, world.settings.charging.electrics, None)
        if any(one.profile.stack_level <= LEVEL for one in running):
            await self._keep(place, limit, unit, end, Standing.NO_LEVEL)
            return world.now_ms() + AGAIN_MS
        if present is None or present.profile.schedules[0].periods[0].limit != limit:
            profile = fallback_profile(place, limit, unit, now)
            if not await self._sent(SetProfile(place.evse_id, profile)):
                await self._keep(place, limit, unit, end, Standing.REFUSED)
                return world.now_ms() + AGAIN_MS
            back = True
        if back:
            standing = await self._asked(place, end)
            if standing is Standing.DIFFERS:
                await self._put_back(place, running, fallback_profile(place, limit, unit, now))
                standing = await self._asked(place, end)
            await self._keep(place, limit, unit, end, standing)
        return world.now_ms() + _DAY_MS if end is None else _ms(end)

    async def _put_back(self, place: Place, running: Iterable[KeptProfile], fallback: Profile) -> None:
        """Send a station again what it seems to have lost, each limit in the name it was asked for in."""
        able = self.world.lines.version(StationId(self.memory.station.id)) is Version.V21
        for one in running:
            end = ends(one.profile)
            if end is None or end > self.world.clock.now():
                name = one.asked_by or self.principal.name
                profile = one.profile if able else replace(one.profile, offline_hold_s=None)
                await self._send(SetProfile(one.evse_id, profile), by=replace(self.principal, name=name))
        await self._sent(SetProfile(place.evse_id, fallback))

    async def _amperes(self, place: Place, wanted_a: Decimal) -> Decimal:
        """Return what to fall back to: not more than two people agreed on, not less than the floor."""
        world = self.world
        caps = [one for one in self.known if one.profile.purpose is Purpose.STATION_MAX]
        agreed = tuple(one.installed() for one in caps if is_agreed(one.asked_by))
        where = replace(await circumstances(world, self.memory), evse_ids=())
        most = composite(agreed, 0, window_of(world.clock.now(), 1), RateUnit.A, where).periods[0].limit
        evses = len(self.memory.station.evses) if place.evse_id == 0 else 1
        return amount(wanted_a, evses, world.settings.charging.floor_a, most)

    async def _asked(self, place: Place, end: datetime | None) -> Standing:
        """Ask the station what it would do until after the limit's end, and hold that against its profiles."""
        world = self.world
        lasts_s = _BEYOND_S + (0 if end is None else int((end - world.clock.now()).total_seconds()))
        if lasts_s > MAX_WINDOW_S:
            return Standing.INSTALLED
        began_ms = world.now_ms()
        outcome = await self._send(GetComposite(place.evse_id, lasts_s, RateUnit.A))
        told = await last_comparison(world, StationId(self.memory.station.id), place.evse_id)
        if not isinstance(outcome, Done) or told is None or told.at_ms < began_ms:
            return Standing.INSTALLED
        if any(found.above for found in told.differences):
            return Standing.DIFFERS
        return Standing.INSTALLED if end is None else Standing.HOLDS

    async def _lift(self, place: Place) -> int | None:
        """Take a fallback away; that waits for the ramp like all that raises power."""
        outcome = await self._send(ClearProfiles(place.profile_id), passing=Passing.IN_LINE)
        match outcome:
            case Queued():
                return outcome.at_ms + AGAIN_MS
            case Done():
                await self._keep(place, Decimal(0), RateUnit.A, self.world.clock.now(), Standing.LIFTED)
                return None
            case _:
                return self.world.now_ms() + AGAIN_MS

    async def _sent(self, command: SetProfile) -> bool:
        outcome = await self._send(command)
        return isinstance(outcome, Done) and getattr(outcome.answer, "status", None) == _ACCEPTED

    async def _send(
        self,
        command: SetProfile | ClearProfiles | GetComposite,
        passing: Passing = Passing.AT_ONCE,
        by: Principal | None = None,
    ) -> Outcome | None:
        """Send a command; None where it may not be sent."""
        station_id, by = StationId(self.memory.station.id), by or self.principal
        try:
            return await commands.send(self.world, by, station_id, command, _DEADLINE_S, passing=passing)
        except InputError:
            self.world.count("fallback_not_sent")
            return None

    async def _keep(
        self, place: Place, limit: Decimal, unit: RateUnit, end: datetime | None, standing: Standing
    ) -> None:
        """Keep how a fallback stands, with an alarm where it is not there."""
        step = Step(self.world, self.memory.station.id, self.world.now_ms())
        kept = KeptFallback(
            station_id=step.station_id,
            evse_id=place.evse_id,
            purpose=place.purpose,
            profile_id=place.profile_id,
            amount=limit,
            unit=unit,
            ends_ms=None if end is None else _ms(end),
            standing=standing,
            at_ms=step.now_ms,
        )
        key = f"{step.station_id.casefold()}/{place.profile_id:020d}"
        there = standing in {Standing.HOLDS, Standing.INSTALLED, Standing.DIFFERS}
        step.puts.append(put(FALLBACK, key, kept, step.now_ms, station_id=step.station_id, active=there))
        if standing in _NOT_THERE:
            alarm(step, MISSING, "chargingProfile", f"EVSE {place.evse_id}, {place.purpose.value}: {standing.value}")
        await step.commit()

    async def settle(self) -> None:
        """End the alarm once no limit that ends is without its fallback: at no place of the station."""
        world, station_id = self.world, StationId(self.memory.station.id)
        if subject_of(Alarm(MISSING, station_id, 0)) not in world.alarms.subjects:
            return
        now = world.clock.now()
        beneath = [(place, self._running(place)) for place in self.places()]
        ending = {place.profile_id for place, some in beneath if self._ending(some) or _held_offline(some, now)}
        kept = await world.journal.documents(world.tenant, FALLBACK, station_id=station_id)
        found = [read(document, KeptFallback) for document in kept]
        if not any(one.standing in _NOT_THERE and one.profile_id in ending for one in found):
            step = Step(world, station_id, world.now_ms())
            cleared_by(step, MISSING, "")
            await step.commit()

    def _running(self, place: Place) -> list[KeptProfile]:
        """Return the limits of a place that have begun, those among them that are over."""
        now = self.world.clock.now()
        return [one for one in self._of(place)[0] if (begin := begins(one.profile)) is None or begin <= now]

    def _ending(self, running: Iterable[KeptProfile]) -> list[datetime]:
        """Return when those end that do and have not yet."""
        now = self.world.clock.now()
        return [end for one in running if (end := ends(one.profile)) is not None and end > now]

    def _of(self, place: Place) -> tuple[list[KeptProfile], KeptProfile | None]:
        """Return the limits of a place, and the fallback there."""
        ours = [one for one in self.known if one.source == CSO and not is_plan(one.profile.id)]
        here = [one for one in ours if place_of(one.evse_id, one.profile) == place]
        present = next((one for one in here if is_fallback(one.profile.id)), None)
        return [one for one in here if not is_fallback(one.profile.id)], present


def _held_offline(running: Iterable[KeptProfile], now: datetime) -> bool:
    """Return whether a limit that is not over ends while its station is offline."""
    held = [one.profile for one in running if one.profile.offline_hold_s is not None]
    return any((end := ends(profile)) is None or end > now for profile in held)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
