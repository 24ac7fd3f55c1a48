"""T37: an insider has 200 stations go from nothing to full at once, by commands and by schedules of one moment."""

import json
from datetime import datetime
from itertools import pairwise

from wattseal.base.ids import StationId
from wattseal.flow import commands, ramp
from wattseal.flow.commands import Done, Queued
from wattseal.flow.orders import Asking
from wattseal.flow.ramp import Passing, Turn
from wattseal.flow.waiting import Sender
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome, Series
from wattseal.lab.grounds.accepting import Accepting
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.message import Command
from wattseal.model.principal import Principal
from wattseal.model.station import EvseEnrolment, Station
from wattseal.rules.ramp import Swing

STATIONS, TIMED, RATED_W = 200, 40, 22_000
STEP_MS, PATIENCE_MS = 100, 300_000
PLOT = "Fleet power ramp"
WINDOWS_S = (1, 10, 60)
SCHEDULE_FROM = "2027-01-15T00:00:00Z"
STEPS_AT_S = 72_000


async def _perform(lab: Lab) -> Found:
    return await _switch(lab, "with the ramp")


async def _control(lab: Lab) -> Found:
    async def at_once(asking: Asking, command: Command, passing: Passing) -> Turn:
        del passing
        return Turn(asking.world.now_ms(), command, Swing())

    with swapped(ramp, "turn_of", at_once):
        return await _switch(lab, "without")


async def _switch(lab: Lab, name: str) -> Found:
    async with lab.clockwork() as cpo:
        fleet = Accepting(cpo)
        cpo.world.lines = fleet
        names = [f"ST{number:03d}" for number in range(STATIONS)]
        for station in names:
            await cpo.enrol(Station(id=station, evses=(EvseEnrolment(id=1, rated_power_w=RATED_W),)))
        began_ms = cpo.clock.ms
        waited = await _start_all(cpo, names)
        started = [(at_ms, RATED_W) for at_ms, action, _ in fleet.asked if action == "RemoteStartTransaction"]
        stepped = await _time_all(cpo, fleet, names[:TIMED])
        cap_w_s = cpo.world.ramp.policy.fleet_w_s
    worst = {window: max(_most_w(started, window), _most_w(stepped, window)) for window in WINDOWS_S}
    above = [window for window in WINDOWS_S if worst[window] > cap_w_s * window + RATED_W]
    series = (
        Series(PLOT, name, "s", "kW", _curve(started, began_ms)),
        Series(PLOT, "the cap", "s", "kW", tuple((float(s), s * cap_w_s / 1000) for s in (0, 15, 30, 45))),
    )
    figures = tuple(
        Figure(
            f"most switched in {window} s, as kW a second; the cap is {cap_w_s / 1000:g}",
            worst[window] / window / 1000,
            "kW/s",
        )
        for window in WINDOWS_S
    )
    if len(started) != STATIONS or len(stepped) != TIMED:
        return Found(
            Outcome.MISSED, f"{len(started)} of {STATIONS} starts and {len(stepped)} of {TIMED} schedules came"
        )
    if above:
        text = f"{worst[1] / 1000:g} kW within one second, where {cap_w_s / 1000:g} kW a second are allowed"
        return Found(Outcome.MISSED, text, figures=figures, series=series[:1])
    seconds = (started[-1][0] - began_ms) / 1000
    text = (
        f"of {STATIONS} starts sent in one moment {waited} were answered `queued_until`, and went out over "
        f"{seconds:.0f} s; "
        f"{TIMED} schedules with one moment step at {len({at for at, _ in stepped})} different ones: "
        f"never more than the cap and one station"
    )
    return Found(Outcome.BOUNDED, text, seconds, figures=figures, series=series)


async def _start_all(cpo: Clockwork, names: list[str]) -> int:
    """Ask all to start in the same moment; return how many had to wait."""
    insider = Principal(cpo.world.tenant, "token/insider", frozenset(), frozenset({"commands:write"}))
    payload, waited = json.dumps({"connectorId": 1, "idTag": "CARD"}).encode(), 0
    for station in names:
        sent = await commands.send_payload(cpo.world, insider, StationId(station), "RemoteStartTransaction", payload)
        waited += isinstance(sent, Queued)
    await _until_sent(cpo)
    return waited


async def _time_all(cpo: Clockwork, fleet: Accepting, names: list[str]) -> list[tuple[int, int]]:
    """Give stations schedules that go from 6 A to 32 A at one time; return when they do so, and by how many watts."""
    insider = Principal(cpo.world.tenant, "token/insider", frozenset(), frozenset({"commands:write"}))
    periods = [{"startPeriod": 0, "limit": 6}, {"startPeriod": STEPS_AT_S, "limit": 32}]
    schedule = {"startSchedule": SCHEDULE_FROM, "chargingRateUnit": "A", "chargingSchedulePeriod": periods}
    profile = {
        "chargingProfileId": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
        "chargingSchedule": schedule,
    }
    payload = json.dumps({"connectorId": 1, "csChargingProfiles": profile}).encode()
    for station in names:
        sent = await commands.send_payload(cpo.world, insider, StationId(station), "SetChargingProfile", payload)
        if not isinstance(sent, Done):
            await _until_sent(cpo)
    await _until_sent(cpo)
    told = [json.loads(sent) for _, action, sent in fleet.asked if action == "SetChargingProfile"]
    from_ms = round(datetime.fromisoformat(SCHEDULE_FROM).timestamp() * 1000)
    low_w = 6 * 230 * 3
    return sorted(
        (
            from_ms + 1000 * one["csChargingProfiles"]["chargingSchedule"]["chargingSchedulePeriod"][1]["startPeriod"],
            RATED_W - low_w,
        )
        for one in told
    )


async def _until_sent(cpo: Clockwork) -> None:
    """Let the clock go on until nothing waits."""
    sender, until_ms = Sender(cpo.world), cpo.clock.ms + PATIENCE_MS
    while await ramp.queue_of(cpo.world) and cpo.clock.ms < until_ms:
        cpo.clock.follow(cpo.clock.ms + STEP_MS)
        await sender.round()


def _most_w(changes: list[tuple[int, int]], window_s: int) -> int:
    """Return the most power switched within any so many seconds."""
    changes = sorted(changes)
    return max(sum(w for at, w in changes if 0 <= at - begin < window_s * 1000) for begin, _ in changes)


def _curve(changes: list[tuple[int, int]], began_ms: int) -> tuple[tuple[float, float], ...]:
    """Return the power of all that were started, in kW, over seconds."""
    points, total = [(0.0, 0.0)], 0
    for (at_ms, power_w), (next_ms, _) in pairwise([*changes, (changes[-1][0] + 1000, 0)]):
        total += power_w
        if next_ms != at_ms:
            points.append(((at_ms - began_ms) / 1000, total / 1000))
    return tuple(points)


ATTACK = Attack(
    line="T37",
    title="200 stations from nothing to full, at once",
    steps=(
        "take a token that may send commands",
        "ask 200 stations of 22 kW in the same moment to start",
        "give 40 of them, one by one, schedules that all go from 6 A to 32 A in the same second",
    ),
    defence=(
        "one line in which all changes of power stand, capped in kW a second, with places drawn at random; what waits "
        "is seen and taken back"
    ),
    without="the gate lets every command through at once",
    residual=(
        "a station that is slow to act on a command, and cars that come back together after an outage, are not the "
        "CSMS's to pace"
    ),
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
