"""T58: an operator shows one party one history of its log, and another party another."""

import time

from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome as Judged
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import Authorised, Paper, Session, told
from wattseal.lab.grounds.witnesses import Witnesses, witnesses
from wattseal.lab.lab import Lab
from wattseal.lab.null import take_out
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.stores.witness import WitnessStore

ENERGY_WH, MORE_WH = (2_000, 10_000), (10_000, 40_000)
BEFORE = 3
"""Sessions that both histories have in common."""


async def _perform(lab: Lab) -> Found:
    return await _split(lab)


async def _control(lab: Lab) -> Found:
    return await _split(lab, undefend="split_view")


def undefend() -> None:
    """Let the witnesses forget what they cosigned."""
    take_out(WitnessStore, "latest", lambda *_: None)


async def _split(lab: Lab, undefend: str | None = None) -> Found:
    async with witnesses(lab.fresh("witnesses"), undefend) as both:
        paper = both.paper
        for _ in range(BEFORE):
            granted = paper.authorised()
            paper.log([granted.request, granted.decision, granted.tariff])
            await both.asked(paper)
        granted = paper.authorised()
        common = len(paper.leaves)
        start, energy = lab.dice.number(0, 10**6), lab.dice.number(*ENERGY_WH)
        histories = [paper, paper.forked(common)]
        ends = (start + energy, start + energy + lab.dice.number(*MORE_WH))
        sessions = [one.session(start, end, authorised=granted) for one, end in zip(histories, ends, strict=True)]
        for one, session in zip(histories, sessions, strict=True):
            one.log([granted.request, granted.decision, granted.tariff, *session.items])
        began = time.monotonic()
        signed = await _asked(both, histories)
        seconds = round(time.monotonic() - began, 3)
        if len({one.checkpoint.size for one in signed}) != 1:
            raise LabError("the histories are of one size", subject="log")
        reports = [paper.judged(_bundle(*each, granted)) for each in zip(histories, sessions, signed, strict=True)]
        said = " and ".join(map(told, reports))
        if all(report.verdict is Judged.VALID for report in reports):
            return Found(Outcome.MISSED, f"two histories of one session, each {said}")
        figure = Figure("refusals by witnesses", sum(one.cosigned is None for one in both.answers), "answers")
        return Found(Outcome.DETECTED, f"{both.refusals()}; the two bundles: {said}", seconds, 1, figures=(figure,))


async def _asked(both: Witnesses, histories: list[Paper]) -> list[SignedCheckpoint]:
    """Show each witness the history meant for it first, and the other one after, twice."""
    best: list[SignedCheckpoint] = []
    for number, one in enumerate(histories):
        best.append(await both.asked(one, [number]))
    for _ in range(2):
        for number, one in enumerate(histories):
            other = await both.asked(one, [1 - number])
            best[number] = best[number].with_signatures(other.note.signatures[1:])
    return best


def _bundle(one: Paper, session: Session, signed: SignedCheckpoint, granted: Authorised) -> Bundle:
    others = [granted.request, granted.decision, granted.tariff]
    return one.bundle(session, others, one.summary(session, granted.tariff, granted.terms), signed=signed)


ATTACK = Attack(
    line="T58",
    title="two parties are shown two histories of one session",
    steps=(
        "have the log cosigned by both witnesses for a while",
        "go on in two ways from there: the same session with two ends, signed by the same keys, in trees of one size",
        "show each history to the witness of the party it is meant for, then to the other one, again and again",
        "hand each party the bundle of its history",
    ),
    defence="a witness cosigns only what extends what it cosigned before, and a verifier wants all of the quorum",
    without="the witnesses have no memory",
    residual="a quorum of witnesses that collude with the log can cosign both; each party's own witness must be in it",
    expected=Outcome.DETECTED,
    ground=Ground.OWN,
    perform=_perform,
    control=_control,
)
