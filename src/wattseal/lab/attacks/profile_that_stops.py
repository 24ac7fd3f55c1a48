"""T42: an insider stops charging with 0 A, or hides an agreed maximum behind a profile of his own."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow import commands
from wattseal.flow.commands import Done
from wattseal.flow.documents import put
from wattseal.flow.fleet import orders
from wattseal.flow.fleet.orders import ORDER
from wattseal.flow.limits import charging
from wattseal.flow.limits.sent import set_limit
from wattseal.flow.limits.views import our_schedule
from wattseal.flow.orders import Asking
from wattseal.flow.ports import Batch
from wattseal.flow.turn import remember_station
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.accepting import Accepting
from wattseal.lab.grounds.clockwork import AT, Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.charging import Profile, RateUnit
from wattseal.model.message import Command
from wattseal.model.principal import Principal
from wattseal.rules.charging_checks import Floor
from wattseal.rules.two_persons import FleetOrder, OrderError, OrderState
from wattseal.wire.ocpp.version import Version

STATION, OTHER, EVSE, AGREED_A = "ST1", "ST2", 1, Decimal(10)
INSIDER = "person/mallory"
SCOPES = frozenset({"commands:write", "commands:power"})
LATER = 61.0


async def _perform(lab: Lab) -> Found:
    return await _try(lab)


async def _control(lab: Lab) -> Found:
    def unchecked(profile: Profile, *_floor: Floor | int, **_version: bool) -> None:
        del profile

    async def unguarded(_asking: Asking, _command: Command) -> None:
        return None

    def alone(order: FleetOrder, by: str, wanted: OrderState, now_ms: int) -> FleetOrder:
        del now_ms
        return replace(order, state=wanted, decided_by=by)

    with ExitStack() as without:
        for name, null in (("check_floor", unchecked), ("check_profile", unchecked), ("keep_agreed", unguarded)):
            without.enter_context(swapped(charging, name, null))
        without.enter_context(swapped(orders, "decided", alone))
        return await _try(lab)


async def _try(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        cpo.world.lines = Accepting(cpo, Version.V21)
        for station in (STATION, OTHER):
            await cpo.enrol(station)
        insider = Principal(cpo.world.tenant, INSIDER, frozenset(), SCOPES)
        order = _order()
        await set_limit(cpo.world, orders.sender(cpo.world, order), StationId(STATION), orders.limit_of(order))
        refused: list[str] = []
        for payload in _ways_above():
            refused += await _refusal(cpo, insider, 0, payload)
        above = await _allowed_a(cpo, 0)
        for payload in _ways_to_stop():
            refused += await _refusal(cpo, insider, EVSE, payload)
        stopped = await _allowed_a(cpo, EVSE)
        refused += await _own_order(cpo, insider, order)
    tried = len(_ways_to_stop()) + len(_ways_above()) + 1
    if stopped is not None and stopped < 6:
        got = "no limit stands" if above is None else f"{above:f} A stand"
        fleet = "; his own order for many stations is approved" if "own_order" not in refused else ""
        return Found(Outcome.MISSED, f"charging is stopped at {stopped:f} A; {got} where 10 A were agreed on{fleet}")
    if above is None or above > AGREED_A or len(refused) != tried:
        return Found(Outcome.MISSED, f"only {len(refused)} of {tried} were refused; {above} A stand for {AGREED_A} A")
    text = (
        f"all {tried} ways refused before they were sent: {', '.join(sorted(set(refused)))}; "
        f"the {AGREED_A:f} A that two people agreed on still stand"
    )
    return Found(Outcome.BOUNDED, text, figures=(Figure("ways tried and refused", tried, "ways"),))


def _profile(number: int, level: int, purpose: str, *periods: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    start = (AT - timedelta(hours=1)).isoformat().replace("+00:00", "Z")
    told = [{"startPeriod": 60 * n, **period} for n, period in enumerate(periods)]
    schedule = {"id": 1, "startSchedule": start, "chargingRateUnit": "A", "chargingSchedulePeriod": told}
    return {
        "id": number,
        "stackLevel": level,
        "chargingProfilePurpose": purpose,
        "chargingProfileKind": "Absolute",
        "chargingSchedule": [schedule],
        **more,
    }


def _ways_to_stop() -> list[dict[str, Any]]:
    """Return profiles of an EVSE that stop charging, the plain one last."""
    bad: list[tuple[Mapping[str, Any], ...]] = [
        ({"limit": -16},),
        ({"limit": 16, "limit_L2": 0, "limit_L3": 0},),
        ({"limit": 16}, {"limit": 0}),
        ({"operationMode": "Idle"},),
        ({"operationMode": "CentralSetpoint", "setpoint": 0, "limit": 16},),
        ({"limit": 0},),
    ]
    return [_profile(100 + n, 10 + n, "TxDefaultProfile", *periods) for n, periods in enumerate(bad)]


def _ways_above() -> list[dict[str, Any]]:
    """Return maximums of the station above what was agreed on: outranking it, for ever, and in its own place."""
    return [
        _profile(201, 50, "ChargingStationMaxProfile", {"limit": 32}),
        _profile(1_000_000, 0, "ChargingStationMaxProfile", {"limit": 32}),
        _profile(202, 60, "ChargingStationMaxProfile", {"limit": 10}, {"limit": 63}),
    ]


async def _refusal(cpo: Clockwork, insider: Principal, evse_id: int, profile: dict[str, Any]) -> list[str]:
    """Send a profile as a payload; return the code it is refused with, nothing where it was sent."""
    payload = json.dumps({"evseId": evse_id, "chargingProfile": profile}).encode()
    cpo.clock.follow(cpo.clock.ms + 60_000)
    try:
        sent = await commands.send_payload(cpo.world, insider, StationId(STATION), "SetChargingProfile", payload)
    except InputError as error:
        return [error.code]
    return [] if isinstance(sent, Done) else ["not_sent"]


async def _allowed_a(cpo: Clockwork, evse_id: int) -> Decimal | None:
    """Return what the profiles in force come to now, in amperes."""
    memory = await remember_station(cpo.world, StationId(STATION))
    assert memory is not None  # noqa: S101 - it was enrolled
    cpo.clock.follow(cpo.clock.ms + round(LATER * 1000))
    found = await our_schedule(cpo.world, memory, evse_id, 1, RateUnit.A)
    return found.periods[0].limit


def _order() -> FleetOrder:
    """Return an order that two people have agreed on: a maximum for a day."""
    now_ms = round(AT.timestamp() * 1000)
    return FleetOrder(
        id="agreed",
        station_ids=(STATION, OTHER),
        amount=AGREED_A,
        unit=RateUnit.A,
        below_floor=False,
        until_ms=now_ms + 86_400_000,
        text="the transformer takes no more",
        asked_by="person/alice",
        author="person/alice",
        asked_ms=now_ms,
        expires_ms=now_ms + 86_400_000,
        state=OrderState.APPROVED,
        decided_by="person/bob",
    )


async def _own_order(cpo: Clockwork, insider: Principal, like: FleetOrder) -> list[str]:
    """Approve an order of one's own for a whole fleet; return the code it is refused with."""
    mine = replace(like, id="mine", asked_by=INSIDER, author=INSIDER, state=OrderState.WAITING, decided_by=None)
    now_ms = cpo.world.now_ms()
    await cpo.world.journal.commit(Batch(cpo.world.tenant, puts=(put(ORDER, mine.id, mine, now_ms, active=True),)))
    try:
        await orders.decide(cpo.world, insider, mine.id, OrderState.APPROVED)
    except OrderError as error:
        return [error.code]
    return []


ATTACK = Attack(
    line="T42",
    title="Charging stopped by a profile, and an agreed maximum hidden behind another",
    steps=(
        "hold a token for commands and charging limits",
        "send an EVSE 0 A, a negative limit, 0 A on two phases, 0 A a minute later, the mode Idle, a setpoint of 0",
        "send maximums above the one that two people agreed on: of a higher level, in its place, rising later",
        "approve one's own order for many stations",
    ),
    defence=(
        "a floor of 6 A on all that limits a phase, what two people agreed on held against the schedule that would "
        "result, and a second person for many stations"
    ),
    without="floor and shape of profiles are not looked at, agreed maximums are not protected, own orders are approved",
    residual="who holds `charging:stop` may stop a station by himself; for many it takes two people, and the ramp",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
