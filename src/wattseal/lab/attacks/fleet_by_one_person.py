"""T70: one insider rolls firmware out to a whole fleet, at once, in small parts, by tokens, and approves it himself."""

from contextlib import ExitStack
from dataclasses import replace

from wattseal.base.errors import InputError
from wattseal.flow.fleet import api_tokens, orders, rollouts
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.fleet.orders import ORDERED, What
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.principal import Principal
from wattseal.rules.rollout import Plan
from wattseal.rules.two_persons import FIRMWARE, FleetOrder, OrderState

STATIONS, PART, TOKENS = 40, 4, 3
INSIDER, RIGHT = "person/mallory", "commands:maintenance"
WHAT = What(FIRMWARE, "6.6.6", Plan((100,), 100, 50), {"location": "https://198.51.100.7/firmware.bin"})
LIFETIME_S = 3600


async def _perform(lab: Lab) -> Found:
    return await _roll_out(lab)


async def _control(lab: Lab) -> Found:
    """Count nothing that was rolled out before, and let whoever asked approve."""

    async def nobody(_world: object, _tokens: object, _author: str) -> set[str]:
        return set()

    def alone(order: FleetOrder, by: str, wanted: OrderState, now_ms: int) -> FleetOrder:
        return replace(order, state=wanted, decided_by=by, decided_ms=now_ms)

    with ExitStack() as without:
        without.enter_context(swapped(orders, "_alone", nobody))
        without.enter_context(swapped(orders, "decided", alone))
        return await _roll_out(lab)


async def _roll_out(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        names = tuple(f"ST{number}" for number in range(STATIONS))
        for name in names:
            await cpo.enrol(name)
        tokens = ApiTokens(cpo.world)
        insider = Principal(cpo.world.tenant, INSIDER, frozenset(), frozenset({RIGHT}))
        callers = [insider]
        for number in range(TOKENS):
            made, _ = await tokens.make(insider, f"desk {number}", (RIGHT,), LIFETIME_S)
            callers.append(replace(insider, name=api_tokens.named(made)))
        refused: list[str] = []
        for begin in range(0, STATIONS, PART):
            caller = callers[begin // PART % len(callers)]
            refused += await _ask(cpo, tokens, insider, caller, names[begin : begin + PART])
        refused += await _ask(cpo, tokens, insider, insider, names)
        running = await rollouts.running(cpo.world)
    reached = {name for one in running for name in one.station_ids}
    alone = {name for one in running if ORDERED not in one.parameters for name in one.station_ids}
    most = cpo.world.settings.alone_stations
    if len(reached) > most:
        return Found(
            Outcome.MISSED, f"one person reaches {len(reached)} of {STATIONS} stations with a firmware of his own"
        )
    text = (
        f"by his name and {TOKENS} tokens of his own, in parts of {PART} and all at once, one person reaches "
        f"{len(alone)} of {STATIONS} stations; {len(refused)} approvals refused: {', '.join(sorted(set(refused)))}"
    )
    return Found(Outcome.BOUNDED, text, figures=(Figure("stations reached by one person", len(reached), "stations"),))


async def _ask(
    cpo: Clockwork, tokens: ApiTokens, insider: Principal, caller: Principal, names: tuple[str, ...]
) -> list[str]:
    """Roll out, and approve what waits, as himself and as whoever asked; returns the codes that is refused with."""
    made = await orders.roll_out(cpo.world, tokens, caller, WHAT, names)
    if not isinstance(made, FleetOrder):
        return []
    codes = []
    for by in (insider, caller):
        try:
            await orders.decide(cpo.world, by, made.id, OrderState.APPROVED)
        except InputError as error:
            codes.append(error.code)
    return codes


ATTACK = Attack(
    line="T70",
    title="one insider rolls his firmware out to a whole fleet",
    steps=(
        f"hold the right to maintain {STATIONS} stations, and make {TOKENS} API tokens",
        f"roll out firmware of one's own to all of them in parts of {PART}, by name and by token, and to all at once",
        "approve, as oneself and by each token, what waits for a second person",
        "count the stations that are reached",
    ),
    defence="beyond a few stations a day, by whatever token of one's own, a rollout waits for another signed-in person",
    without="what was rolled out before counts for nothing, and who asked may approve",
    residual="he can command a few stations a day one by one (`people.alone_power_stations`), each on record in his "
    "name, and through the ramp",
    expected=Outcome.BOUNDED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
