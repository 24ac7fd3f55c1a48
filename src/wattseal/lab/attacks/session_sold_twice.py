"""T73: an operator sells one metered session several times, each time on a decision of its own."""

from decimal import Decimal

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import AT_MS, LASTS_MIN
from wattseal.lab.grounds.provider import provider, said
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.parties.emsp import settle
from wattseal.seal.fields import SettlementVerdict

TIMES = 6
START_WH, END_WH = Decimal(1000), Decimal(51_000)
END_MS = AT_MS + LASTS_MIN * 60_000


async def _perform(lab: Lab) -> Found:
    return await _sell(lab)


async def _control(lab: Lab) -> Found:
    """Let the eMSP forget what it has paid for."""
    with swapped(settle, "sold_before", _nothing_sold):
        return await _sell(lab)


async def _nothing_sold(*_: object) -> None:
    return None


async def _sell(lab: Lab) -> Found:
    told: dict[str, None] = {}
    async with provider(lab.fresh("emsp")) as emsp:
        paper = emsp.paper
        record = paper.record((("B", START_WH, AT_MS), ("E", END_WH, END_MS)))
        paid = Decimal(0)
        for number in range(TIMES):
            another = paper.record((("B", START_WH, AT_MS), ("E", END_WH, END_MS)))
            evidence = (("OCMF", record if number == 0 or number % 2 else another),)
            granted = await emsp.authorised(begin_ms=AT_MS)
            session = paper.session(int(START_WH), int(END_WH), authorised=granted, begin_ms=AT_MS, evidence=evidence)
            answer = await emsp.settled(paper.bundle(session, [granted.request, granted.decision, granted.tariff]))
            if number == 0:
                if answer.verdict is not SettlementVerdict.ACCEPTED:
                    raise LabError(f"an honest session is {said(answer)}", subject="settlement")
                paid = await emsp.paid()
            else:
                told[f"{'the same record' if number % 2 else 'another record'}: {said(answer)}"] = None
        if await emsp.paid() != paid:
            return Found(Outcome.MISSED, f"{await emsp.paid()} paid for one session of {paid}")
    figure = Figure("times that one session was sold again", TIMES - 1, "bundles")
    return Found(Outcome.DETECTED, "; ".join(told), records=1, figures=(figure,))


ATTACK = Attack(
    line="T73",
    title="an operator sells one metered session several times, each time on a decision of its own",
    steps=(
        "let a driver charge once, truly metered, and be paid for it",
        "ask again with the driver's card number, which the operator knows, and be granted another decision",
        "write the session again under the new decision, with the meter's record or another of the same time",
        "hand out the bundle, complete with tree and cosignatures",
    ),
    defence="the eMSP remembers what it has paid for: each record of a meter, and what each EVSE delivered when",
    without="the eMSP judges each bundle by itself",
    residual="the same session sold to two eMSPs, who do not know of each other; without a meter that signs, other "
    "times and registers can be invented",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
