"""T72: an operator edits the bill, the tariff or the register after the session, with all its keys at hand."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from wattseal.bundle import check
from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.format import Bundle
from wattseal.bundle.price import check_price
from wattseal.bundle.report import Outcome as Judged
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import Authorised, Paper, Session, fresh, told
from wattseal.lab.lab import Lab
from wattseal.lab.month.tariffs import STANDARD
from wattseal.lab.null import swapped
from wattseal.model.tariff import Tariff
from wattseal.seal.item import Kind
from wattseal.seal.registry import Role

ROUNDS = 15
ENERGY_WH = (5_000, 50_000)


async def _perform(lab: Lab) -> Found:
    return _edit(lab)


async def _control(lab: Lab) -> Found:
    with swapped(check, "_STEPS", tuple(step for step in check._STEPS if step is not check_price)):  # noqa: SLF001 - what is taken out
        return _edit(lab)


def _edit(lab: Lab) -> Found:
    said: dict[str, str] = {}
    passed: list[str] = []
    tried = 0
    for _ in range(ROUNDS):
        paper = Paper()
        granted = paper.authorised()
        start = lab.dice.number(0, 10**6)
        energy = lab.dice.number(*ENERGY_WH)
        session = paper.session(start, start + energy, authorised=granted)
        honest = paper.summary(session, granted.tariff, STANDARD)
        true = paper.bundle(session, [granted.request, granted.decision, granted.tariff], honest)
        if paper.judged(true).verdict is not Judged.VALID:
            raise LabError(f"an honest bundle is {told(paper.judged(true))}", subject=honest.id)
        for name, bundle in _edited(lab, paper, granted, session, honest):
            tried += 1
            report = paper.judged(bundle)
            said[name] = told(report)
            if report.verdict is Judged.VALID:
                passed.append(f"{name}: {told(report)}, {_asked(bundle)} asked where {honest.total_incl_vat} are due")
    if passed:
        return Found(Outcome.MISSED, passed[0])
    text = "; ".join(f"{name}: {each}" for name, each in said.items())
    return Found(Outcome.DETECTED, text, records=1, figures=(Figure("edited bundles", tried, "bundles"),))


def _asked(bundle: Bundle) -> Decimal:
    return CdrSummary.read(bundle.cdr).total_incl_vat


def _edited(
    lab: Lab, paper: Paper, granted: Authorised, session: Session, honest: CdrSummary
) -> Iterator[tuple[str, Bundle]]:
    """Yield bundles that ask for more, every hash, signature, tree and cosignature of them made anew."""
    others = [granted.request, granted.decision, granted.tariff]
    more = Decimal(lab.dice.number(1, 5_000)) / 100
    changes: dict[str, dict[str, Any]] = {
        "more money": {"total_excl_vat": honest.total_excl_vat + more, "total_incl_vat": honest.total_incl_vat + more},
        "a cent more of tax": {"total_incl_vat": honest.total_incl_vat + Decimal("0.01")},
        "more energy": {"energy_wh": honest.energy_wh + lab.dice.number(1, 10_000)},
        "another currency": {"currency": "GBP"},
        "a later end": {"end_ms": honest.end_ms + 3_600_000},
    }
    for name, change in changes.items():
        yield name, paper.bundle(session, others, replace(honest, **change))
    dearer = _dearer(more)
    tariff = paper.tariff(dearer)
    asked = paper.summary(session, tariff, dearer)
    yield "another tariff beside the one agreed", paper.bundle(session, [*others, tariff], asked)
    billing = fresh()
    own = paper.pen("CPO/billing", 0, billing).write(
        Kind.DECISION,
        session.begin_ms - 2000,
        refs=(granted.request.hash, tariff.hash),
        public=granted.decision.payload.public,
    )
    entry = paper.enrolled(paper.entry(Role.BILLING, "CPO", billing.public.spki, "CPO/billing"))
    entries = (*paper.entries, entry)
    yield "a decision of its own for another tariff", paper.bundle(session, [*others, tariff, own], asked, entries)
    in_place = [granted.request, granted.decision, tariff]
    yield "another tariff in place of the one agreed", paper.bundle(session, in_place, asked)
    inflated = _again(paper, granted, session, lab.dice.number(1_000, 20_000))
    cdr = paper.summary(inflated, granted.tariff, STANDARD)
    yield "the register raised and signed again", paper.bundle(inflated, others, cdr)


def _dearer(more: Decimal) -> Tariff:
    """Return the agreed tariff at a higher price, under its own name."""
    element = STANDARD.elements[0]
    components = tuple(replace(each, price=each.price + more) for each in element.components)
    return replace(STANDARD, elements=(replace(element, components=components),))


def _again(paper: Paper, granted: Authorised, session: Session, more_wh: int) -> Session:
    """Write the session again with a higher end and the meter's true record: the operator has no meter's key."""
    true = paper.record(
        (("B", session.registers_wh[0], session.begin_ms), ("E", session.registers_wh[1], session.items[1].payload.ms))
    )
    start, end = map(int, session.registers_wh)
    return paper.session(start, end + more_wh, authorised=granted, evidence=(("OCMF", true),))


ATTACK = Attack(
    line="T72",
    title="bill, tariff or register are edited after the session, and everything is signed again",
    steps=(
        "take an honest session whose meter signed, authorised under a tariff",
        "ask for more money, energy, tax or time, name a dearer tariff, or raise the register in the record",
        "sign the records again with the operator's keys, rebuild the tree, have it cosigned, and hand out the bundle",
    ),
    defence="the verifier prices the session itself from the signed registers, under the tariff the decision names",
    without="the verifier does not recompute the price",
    residual="where no meter signs (G1) the operator's own register counts; its grade says so",
    expected=Outcome.DETECTED,
    ground=Ground.PURE,
    perform=_perform,
    control=_control,
)
