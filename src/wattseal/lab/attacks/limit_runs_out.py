"""T42: who cuts the CSMS off waits for its limits to end, so that every station goes to full power in that second."""

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from wattseal.app.cpo.tenant import SYSTEM
from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.limits import fallback
from wattseal.flow.limits.fallback import FallbackKeeper
from wattseal.flow.limits.sent import Limit, set_limit
from wattseal.flow.memory import Memory
from wattseal.flow.world import World
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import AT, Clockwork
from wattseal.lab.grounds.simulated import Simulated
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.charging import RateUnit
from wattseal.model.principal import Principal
from wattseal.model.station import EvseEnrolment, Station
from wattseal.rules.fallback import FALLBACK_PROFILE_ID
from wattseal.wire.ocpp.version import Version

STATIONS, RATED_A = 12, Decimal(32)
LIMIT_A, FALLBACK_A = Decimal(8), Decimal(10)
LASTS = timedelta(hours=1)
INSIDER = "person/mallory"
SCOPES = frozenset({"commands:write", "commands:power"})
KW_PER_A = Decimal("0.69")


async def _perform(lab: Lab) -> Found:
    return await _try(lab)


async def _control(lab: Lab) -> Found:
    async def nothing(_world: World, _memory: Memory) -> None:
        return None

    with swapped(fallback, "fallback_a", nothing):
        return await _try(lab)


async def _try(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        world, names = cpo.world, [f"ST{number}" for number in range(STATIONS)]
        world.settings = replace(world.settings, charging=replace(world.settings.charging, fallback_a=FALLBACK_A))
        fleet = world.lines = Simulated(cpo.clock.now, Version.V16, began=AT)
        keeper = FallbackKeeper(world, SYSTEM)
        for name in names:
            await cpo.enrol(Station(id=name, evses=(EvseEnrolment(id=1, rated_power_w=22_000),)))
            limit = Limit(LIMIT_A, RateUnit.A, until=AT + LASTS)
            await set_limit(world, SYSTEM, StationId(name), limit)
            cpo.clock.follow(cpo.clock.ms + 1000)
            await keeper.round()
        while await keeper.round():
            pass
        refused = [code for name in names for code in await _take_away(cpo, name)]
        limited_kw = _kw(fleet, names, 0)
        fleet.online = False
        after_kw, week_kw = (_kw(fleet, names, lasts_s) for lasts_s in (3660, 7 * 86_400))
    return _judge(refused, limited_kw, after_kw, week_kw)


async def _take_away(cpo: Clockwork, station: str) -> list[str]:
    """Clear, as one caller, what the station falls back to; return the codes it is refused with."""
    insider = Principal(cpo.world.tenant, INSIDER, frozenset(), SCOPES)
    ways = ({"id": FALLBACK_PROFILE_ID}, {"chargingProfilePurpose": "ChargePointMaxProfile", "stackLevel": 0})
    codes = []
    for way in ways:
        try:
            await commands.send_payload(
                cpo.world, insider, StationId(station), "ClearChargingProfile", json.dumps(way).encode()
            )
        except InputError as error:
            codes.append(error.code)
    return codes


def _kw(fleet: Simulated, names: list[str], later_s: int) -> Decimal:
    """Return what all stations allow together at a time, by their own profiles."""
    at = fleet.now() if not later_s else AT + timedelta(seconds=later_s)
    allowed = (fleet.allows_a(name, at) for name in names)
    return sum((KW_PER_A * (RATED_A if one is None else one) for one in allowed), Decimal(0))


def _judge(refused: list[str], limited_kw: Decimal, after_kw: Decimal, week_kw: Decimal) -> Found:
    most_kw, safe_kw = STATIONS * RATED_A * KW_PER_A, STATIONS * FALLBACK_A * KW_PER_A
    if after_kw > safe_kw or week_kw > safe_kw:
        return Found(Outcome.MISSED, f"from {limited_kw:.0f} kW to {after_kw:.0f} kW of {most_kw:.0f} within a minute")
    if not after_kw > 0 or set(refused) != {"fallback_kept"}:
        return Found(Outcome.MISSED, f"{after_kw:.0f} kW after the end; refused with {sorted(set(refused))}")
    text = (
        f"{STATIONS} stations go from {limited_kw:.0f} kW to {after_kw:.0f} kW when their limits end with the CSMS cut "
        f"off, not to {most_kw:.0f}, nor to nothing, and stay there for a week; {len(refused)} tries to take away what "
        "they fall back to refused: fallback_kept"
    )
    return Found(Outcome.BOUNDED, text, figures=(Figure("power after the end of all limits", float(after_kw), "kW"),))


ATTACK = Attack(
    line="T42",
    title="The CSMS cut off until its limits run out",
    steps=(
        f"{STATIONS} stations charge under a limit of {LIMIT_A} A that ends in an hour",
        "clear, as a single caller, whatever stands beneath these limits",
        "cut the CSMS off, and wait for the end",
        "add up what the stations allow by their own profiles",
    ),
    defence="beneath every limit that ends a fallback above the floor, in the station, which no single caller clears",
    without="nothing is beneath a limit",
    residual=(
        "a station that takes no second profile has no fallback (alarm `fallback_missing`); forecasts of a grid "
        "operator (T39) have no interface yet, only limits that end"
    ),
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
