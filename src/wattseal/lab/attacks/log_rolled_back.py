"""T59: an operator cuts a session off the end of its log, or puts others in its place."""

import time

from wattseal.bundle.report import Outcome as Judged
from wattseal.dial.witness import Outcome as Answer
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import Paper, Session, told
from wattseal.lab.grounds.witnesses import Witnesses, witnesses
from wattseal.lab.lab import Lab
from wattseal.lab.null import take_out
from wattseal.stores.witness import WitnessStore

SESSIONS = 4
ENERGY_WH = (5_000, 40_000)


async def _perform(lab: Lab) -> Found:
    return await _roll_back(lab)


async def _control(lab: Lab) -> Found:
    return await _roll_back(lab, undefend="log_rolled_back")


def undefend() -> None:
    """Let the witnesses forget what they cosigned."""
    take_out(WitnessStore, "latest", lambda *_: None)


async def _roll_back(lab: Lab, undefend: str | None = None) -> Found:
    async with witnesses(lab.fresh("witnesses"), undefend) as both:
        paper = both.paper
        sizes = []
        for _ in range(SESSIONS):
            sizes.append(len(paper.leaves))
            _charge(lab, paper)
            signed = await both.asked(paper)
            if len(signed.note.signatures) != 1 + len(both.peers):
                raise LabError(f"an honest checkpoint was refused: {both.refusals()}", subject="log")
        began = time.monotonic()
        gone = lab.dice.number(1, SESSIONS - 1)
        cut = paper.forked(sizes[-gone])
        ways = {f"{gone} sessions cut off": cut}
        grown = cut.forked(len(cut.leaves))
        while len(grown.leaves) <= len(paper.leaves):
            _charge(lab, grown)
        ways["others in their place"] = grown
        accepted = [name for name, history in ways.items() if await _accepted(both, history, lab)]
        seconds = round(time.monotonic() - began, 3)
    if accepted:
        return Found(Outcome.MISSED, f"cosigned by all, and a bundle under it is VALID: {', '.join(accepted)}")
    refused = [one for one in both.answers if one.outcome in {Answer.AHEAD, Answer.INCONSISTENT}]
    if len(refused) != len(ways) * len(both.peers):
        return Found(Outcome.MISSED, f"only {len(refused)} refusals: {both.refusals()}")
    return Found(
        Outcome.DETECTED,
        f"{', '.join(ways)}: {both.refusals()}; no bundle under these trees is VALID",
        seconds,
        records=1,
        figures=(Figure("refusals by witnesses", len(refused), "answers"),),
    )


def _charge(lab: Lab, paper: Paper) -> Session:
    granted = paper.authorised()
    start = lab.dice.number(0, 10**6)
    session = paper.session(start, start + lab.dice.number(*ENERGY_WH), authorised=granted)
    paper.log([granted.request, granted.decision, granted.tariff, *session.items])
    return session


async def _accepted(both: Witnesses, history: Paper, lab: Lab) -> bool:
    """Return whether a session logged in this history is proven to anybody."""
    granted = history.authorised()
    start = lab.dice.number(0, 10**6)
    session = history.session(start, start + lab.dice.number(*ENERGY_WH), authorised=granted)
    others = [granted.request, granted.decision, granted.tariff]
    asked = history.forked(len(history.leaves))
    signed = await both.asked(asked)
    history.log([*others, *session.items])
    if len(signed.note.signatures) == 1 + len(both.peers):
        signed = await both.asked(history)
    else:
        signed = history.checkpoint().with_signatures(signed.note.signatures[1:])
    report = history.judged(history.bundle(session, others, signed=signed))
    if report.verdict is not Judged.VALID and not told(report):
        raise LabError("a verdict says why", subject="bundle")
    return report.verdict is Judged.VALID


ATTACK = Attack(
    line="T59",
    title="sessions are cut off the end of the log, or others put in their place",
    steps=(
        f"have {SESSIONS} sessions logged and cosigned by both witnesses",
        "take the log back to before the last of them and sign that tree, as if restored from a backup",
        "or go on from there with other sessions until the tree is larger than it was",
        "ask both witnesses for their word on it, and bundle a new session under it",
    ),
    defence="a witness remembers the tree it cosigned last: a smaller one or one that does not extend it gets no word",
    without="the witnesses have no memory",
    residual="what no witness has cosigned yet can still be left out: that is the session suppressed (T74)",
    expected=Outcome.DETECTED,
    ground=Ground.OWN,
    perform=_perform,
    control=_control,
)
