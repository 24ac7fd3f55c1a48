"""T73: an operator invents a session of an eMSP's customer, and lets a real meter run for it."""

from collections.abc import Awaitable, Callable

from wattseal.bundle.cdr import price_charge
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome as Judged
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import AT_MS, NONCE_BYTES, Authorised, fresh
from wattseal.lab.grounds.provider import Provider, provider, said
from wattseal.lab.lab import Lab
from wattseal.lab.month.tariffs import STANDARD
from wattseal.lab.null import swapped
from wattseal.model.provider import Bill, Dispute
from wattseal.model.token import TokenStatus
from wattseal.parties.emsp import settle
from wattseal.pricing.price import Priced
from wattseal.rules.settlement import make_bill
from wattseal.seal.fields import Decision, SettlementVerdict
from wattseal.seal.item import Kind
from wattseal.seal.registry import Role
from wattseal.seal.writer import SubjectKeys

ROUNDS = 4
ENERGY_WH = (20_000, 60_000)
HOUR_MS = 3_600_000


async def _perform(lab: Lab) -> Found:
    return await _invent(lab)


async def _control(lab: Lab) -> Found:
    """Let the eMSP pay whatever its verifier finds VALID."""
    with swapped(settle, "_judge", _whatever_verifies):
        return await _invent(lab)


async def _whatever_verifies(*arguments: object) -> Bill | Dispute:
    received = arguments[-1]
    if not isinstance(received, settle.Received):
        raise TypeError("the bundle comes last")
    priced = price_charge(STANDARD, received.report.points)
    if received.report.verdict is Judged.VALID and isinstance(priced, Priced):
        return make_bill(received.report, priced)
    return Dispute(0, received.report.verdict.value)


async def _invent(lab: Lab) -> Found:
    async with provider(lab.fresh("emsp")) as emsp:
        story = _Inventor(lab, emsp)
        await story.honest()
        paid = await emsp.paid()
        told: dict[str, str] = {}
        accepted: list[str] = []
        for _ in range(ROUNDS):
            for name, way in story.ways().items():
                settlement = await emsp.settled(await way())
                told[name] = said(settlement)
                if settlement.verdict is SettlementVerdict.ACCEPTED:
                    accepted.append(f"{name}: {said(settlement)}")
        more = await emsp.paid() - paid
    if accepted or more:
        return Found(Outcome.MISSED, f"{accepted[0] if accepted else more}")
    text = "; ".join(f"{name}: {each}" for name, each in told.items())
    figure = Figure("invented sessions", ROUNDS * len(told), "bundles")
    return Found(Outcome.DETECTED, text, records=1, figures=(figure,))


class _Inventor:
    """The operator: one honest session, and then those that never were, whose energy its own load drew."""

    def __init__(self, lab: Lab, emsp: Provider) -> None:
        self.lab = lab
        self.emsp = emsp
        self.begin_ms = AT_MS
        self.register_wh = lab.dice.number(0, 10**6)
        self.billing = fresh()
        self.first: Authorised | None = None

    async def honest(self) -> None:
        """Charge an authorised driver: that must be paid."""
        self.first = await self.emsp.authorised(begin_ms=self.begin_ms)
        settlement = await self.emsp.settled(self._bundle(self.first))
        if settlement.verdict is not SettlementVerdict.ACCEPTED:
            raise LabError(f"an honest session is {said(settlement)}", subject="settlement")

    def ways(self) -> dict[str, Callable[[], Awaitable[Bundle]]]:
        """Return how sessions are invented."""
        return {
            "nobody asked": self.nobody_asked,
            "on the decision for another session": self.another_decision,
            "once more on the same decision": self.same_again,
            "on a decision of its own": self.own_decision,
            "on a decision in the eMSP's name": self.forged_decision,
        }

    async def nobody_asked(self) -> Bundle:
        """Begin without any authorisation, as stations may."""
        return self._bundle(None)

    async def another_decision(self) -> Bundle:
        """Refer to what was decided for the honest session."""
        first = self._first()
        subject = SubjectKeys.new(self.emsp.paper.pen("CPO/ST1", 1, self.emsp.paper.keys.csms).writer.random)
        return self._bundle(Authorised(first.request, first.decision, first.tariff, first.terms, subject))

    async def same_again(self) -> Bundle:
        """Charge again under the honest session's pseudonym and decision."""
        return self._bundle(self._first())

    async def own_decision(self) -> Bundle:
        """Decide with the operator's billing key, which is enrolled and may decide for its own customers."""
        return self._bundle(self._decided("CPO/billing"))

    async def forged_decision(self) -> Bundle:
        """Sign a decision on the eMSP's chain with another key."""
        return self._bundle(self._decided("MSP/authorisation"))

    def _first(self) -> Authorised:
        if self.first is None:
            raise AssertionError("an honest session comes first")
        return self.first

    def _decided(self, origin: str) -> Authorised:
        paper = self.emsp.paper
        request, subject = paper.request(begin_ms=self.begin_ms)
        tariff = self.emsp.tariff
        public = Decision(TokenStatus.ACCEPTED, bytes(NONCE_BYTES), self.begin_ms + 24 * HOUR_MS).to_public()
        pen = paper.pen(origin, 9, self.billing)
        refs = (request.hash, tariff.hash)
        decision = pen.write(Kind.DECISION, self.begin_ms - 3000, subject, refs=refs, public=public)
        return Authorised(request, decision, tariff, STANDARD, subject)

    def _bundle(self, granted: Authorised | None) -> Bundle:
        """Bundle a session whose registers the true meter signs."""
        paper = self.emsp.paper
        energy = self.lab.dice.number(*ENERGY_WH)
        session = paper.session(self.register_wh, self.register_wh + energy, authorised=granted, begin_ms=self.begin_ms)
        self.register_wh += energy
        self.begin_ms += HOUR_MS
        self.emsp.clock.follow(self.begin_ms)
        others = [self.emsp.tariff] if granted is None else [granted.request, granted.decision, granted.tariff]
        entry = paper.entry(Role.BILLING, "CPO", self.billing.public.spki, "CPO/billing")
        entries = (*paper.entries, paper.enrolled(entry))
        return paper.bundle(session, others, paper.summary(session, self.emsp.tariff, STANDARD), entries)


ATTACK = Attack(
    line="T73",
    title="an operator invents sessions of an eMSP's customer and lets a real meter run for them",
    steps=(
        "have one honest session of the customer authorised and paid",
        "let the meter of a station run with a load of one's own, so that its signatures are true",
        "write sessions that nobody authorised: on no decision, another's, the same again, one's own, a forged one",
        "hand out their bundles, complete with tree and cosignatures",
    ),
    defence="the eMSP pays for sessions it has authorised itself, one for each decision, whatever else verifies",
    without="the eMSP pays whatever its verifier finds VALID",
    residual="who knows a card's number can ask as the card would: a bare UID proves no person; the eMSP sees the "
    "session while it runs",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
