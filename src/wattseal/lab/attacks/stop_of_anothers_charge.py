"""T18: a station stops another's charge: it tries thousands of transaction ids, and the true one as well."""

import json

from wattseal.app.settings_money import Billing as Billed
from wattseal.flow.charges import charge
from wattseal.flow.handle import begin
from wattseal.flow.live import Live
from wattseal.flow.ports import Flush, Unflushed
from wattseal.flow.turn import Turn, find_live
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.principal import Principal
from wattseal.model.transaction import Billing
from wattseal.wire.ocpp.rpc import Call, Connection

GUESSES, FEW = 10_000, 20
AT_ONCE = 256
TRUE_WH = 20_000
MAX_ID = 2**31 - 1


async def _perform(lab: Lab) -> Found:
    return await _guess(lab, GUESSES)


async def _control(lab: Lab) -> Found:
    with swapped(charge, "find_live", _find_anybodys):
        return await _guess(lab, FEW)


async def _find_anybodys(turn: Turn, transaction_id: str) -> Live | None:
    """Find a transaction by its id alone, whichever station it is of."""
    for memory in turn.world.stations.values():
        if transaction_id in memory.live:
            return memory.live[transaction_id]
    return await find_live(turn, transaction_id)


async def _guess(lab: Lab, guesses: int) -> Found:
    async with lab.clockwork(billing=Billed(wait_s=0.0)) as cpo:
        victim, rogue = await cpo.enrol("VICTIM"), await cpo.enrol("ROGUE")
        await cpo.token("CARD")
        number = await victim.start16("CARD", 0, 0)
        session = await cpo.newest()
        tried = [number] + [lab.dice.number(1, MAX_ID) for _ in range(guesses - 1)]
        await _stops(cpo, rogue, tried)
        if not (await cpo.transaction(session.id)).active:
            ended = await cpo.transaction(session.id)
            text = f"{rogue.station} ended the charge at {victim.station}, at {ended.end_wh} Wh of {TRUE_WH}"
            return Found(Outcome.MISSED, text)
        await victim.stop16(number, TRUE_WH, 60)
        await cpo.round()
        sessions = await cpo.transactions()
        bills = {each.station_id: bill for each in sessions if (bill := await cpo.bill(each)) is not None}
        kept = sum(each.billing is Billing.QUARANTINED for each in sessions if each.station_id == rogue.station)
    if set(bills) != {victim.station} or bills[victim.station].energy_wh != TRUE_WH:
        return Found(Outcome.MISSED, f"{len(bills)} bills, for sessions of {sorted(bills)}")
    text = f"none of {guesses} stops, the true id among them, touched the charge; {kept} kept back as end_without_start"
    return Found(Outcome.PREVENTED, text, figures=(Figure("transaction ids tried", guesses, ""),))


async def _stops(cpo: Clockwork, rogue: Line, tried: list[int]) -> None:
    """Stop each of the ids from the rogue station; the commits of many are waited for together."""
    principal = Principal(cpo.world.tenant, rogue.station, frozenset({"station"}), frozenset({"station"}))
    flushes: list[Flush] = []
    cpo.move_to(30)
    for each in tried:
        stop = {"transactionId": each, "meterStop": 1, "timestamp": cpo.at(30)}
        raw = json.dumps([2, cpo.next_id(), "StopTransaction", stop]).encode()
        call = Connection(rogue.version).receive(raw, cpo.clock.now())
        answer = await begin(cpo.world, principal, rogue.version, call) if isinstance(call, Call) else None
        if isinstance(answer, Unflushed):
            flushes.append(answer.flush)
        elif not isinstance(answer, bytes):
            raise LabError(f"a stop was refused: {answer}", subject=rogue.station)
        if len(flushes) == AT_ONCE:
            for flush in flushes:
                await flush
            flushes.clear()
    for flush in flushes:
        await flush


ATTACK = Attack(
    line="T18",
    title="a station stops another's charge, by ten thousand guesses and by the true id",
    steps=(
        "a car charges at one station",
        f"another station, rogue, sends {GUESSES} stops of transaction ids, the first of them the true one",
        "the first station ends its charge, and the sessions are billed",
    ),
    defence="a transaction id means nothing without the station it was given to: it is looked up under that alone",
    without="a transaction is found by its id, whichever station it is of",
    residual="each guess is kept as a session of the rogue station without a start: a list of them to be waived",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
    within_s=240,
)
