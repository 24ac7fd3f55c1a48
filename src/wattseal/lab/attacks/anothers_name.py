"""T67: a partner speaks to an eMSP in another CPO's name, with what it has seen of that one and with its own."""

from dataclasses import replace
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.paper import AT_MS, Authorised
from wattseal.lab.grounds.provider import CONTRACT, Provider, provider
from wattseal.lab.lab import Lab
from wattseal.lab.month.tariffs import STANDARD
from wattseal.lab.null import swapped
from wattseal.model.cdr import Cdr
from wattseal.model.provider import Charge
from wattseal.model.token import TokenStatus
from wattseal.parties.emsp import cdrs
from wattseal.parties.emsp.desk import Desk
from wattseal.rules.settlement import Contract
from wattseal.seal.fields import Decision
from wattseal.seal.item import Item, parse_item

RIVAL = Contract("RIV", "RIV/log")
SPELLINGS = ("CPO", "cpo", "Cpo", "cPo")
COUNTRIES = ("NL", "nl")
DEARER = Decimal(9)
OWN = {"excl_vat": 1.0, "incl_vat": 1.2}


async def _perform(lab: Lab) -> Found:
    return await _speak(lab, RIVAL)


async def _control(lab: Lab) -> Found:
    """Let its token lead to the other CPO's contract, as if tokens belonged to nobody, and take CDRs in any name."""

    async def unnamed(_desk: Desk, _charge: Charge, _cdr: Cdr) -> None:
        return None

    with swapped(cdrs, "_check_name", unnamed):
        found = await _speak(lab, CONTRACT)
    named = all(f"CDR as {country}*CPO" in found.evidence for country in COUNTRIES)
    return found if named else Found(Outcome.PREVENTED, f"no CDR of another country was taken: {found.evidence}")


async def _speak(lab: Lab, known_as: Contract) -> Found:
    async with provider(lab.fresh("emsp")) as emsp:
        emsp.emsp.desk.contracts[RIVAL.party] = RIVAL
        rival = _Rival(emsp, known_as)
        granted = await emsp.authorised()
        session = emsp.paper.session(0, lab.dice.number(5_000, 40_000), authorised=granted)
        others = [granted.request, granted.decision, granted.tariff]
        bundle = emsp.paper.bundle(session, others, emsp.paper.summary(session, emsp.tariff, STANDARD)).encode()
        await rival.request()
        await rival.tariff()
        await rival.bundle(bundle)
        for spelling in SPELLINGS:
            await rival.cdr(granted, spelling)
        charge = await emsp.charge(granted.subject.subject)
        if charge is not None and charge.cdr is not None:
            rival.gained.append(f"the charge's CDR is {charge.cdr}")
        later = await emsp.authorised(begin_ms=AT_MS + 3_600_000)
        if later.decision.payload.refs[1:] != (emsp.tariff.hash,):
            rival.gained.append("the other CPO's tariff was replaced")
        for country in COUNTRIES:
            await rival.abroad(later, country)
    if rival.gained:
        return Found(Outcome.MISSED, "; ".join(rival.gained))
    return Found(
        Outcome.PREVENTED,
        "; ".join(dict.fromkeys(rival.refused)),
        figures=(Figure("things said in another's name", len(rival.refused), "messages"),),
    )


class _Rival:
    """A CPO with a token of its own, and copies of what passed between another one and the eMSP."""

    def __init__(self, emsp: Provider, known_as: Contract) -> None:
        self.emsp = emsp
        self.known_as = known_as
        self.gained: list[str] = []
        self.refused: list[str] = []

    async def request(self) -> None:
        """Ask for a driver as the other CPO's station, with a request that one signed and has not sent yet."""
        self.emsp.clock.follow(AT_MS - 3500)
        request, _ = self.emsp.paper.request()
        (answer,) = await self.emsp.emsp.receive_items(self.known_as, [request.encode()])
        decision = Decision.read(parse_item(answer).payload.public)
        if decision.status is TokenStatus.ACCEPTED:
            self.gained.append("a driver was authorised for it")
        else:
            self.refused.append(f"request {decision.status.value}")

    async def tariff(self) -> None:
        """Publish a dearer tariff as the other CPO's."""
        element = STANDARD.elements[0]
        components = tuple(replace(each, price=each.price + DEARER) for each in element.components)
        record: Item = self.emsp.paper.tariff(replace(STANDARD, elements=(replace(element, components=components),)))
        try:
            await self.emsp.emsp.receive_items(self.known_as, [record.encode()])
        except InputError as error:
            self.refused.append(f"tariff {error.code}")

    async def bundle(self, data: bytes) -> None:
        """Ask to be paid for the other CPO's session."""
        try:
            await self.emsp.emsp.receive_bundle(self.known_as, data)
        except InputError as error:
            self.refused.append(f"bundle {error.code}")
        else:
            self.gained.append("it was answered on another's session")

    async def cdr(self, granted: Authorised, spelling: str) -> None:
        """Send a CDR for that session under the other's party id, and one under its own."""
        amounts = {"excl_vat": 900.0, "incl_vat": 999.0}
        for party in (spelling, RIVAL.party):
            told = {"party_id": party, "total_cost": amounts, "total_energy": 1.0}
            raw = self.emsp.cdr(granted, f"rival-{spelling}-{party}", **told)
            try:
                await self.emsp.sent(raw, self.known_as)
            except InputError as error:
                self.refused.append(f"CDR as {party} {error.code}")
            else:
                self.refused.append(f"CDR as {party} kept as its own, of no charge")

    async def abroad(self, granted: Authorised, country: str) -> None:
        """Send, as the CPO itself, a CDR for one of its own sessions under the same party id of another country."""
        raw = self.emsp.cdr(granted, f"abroad-{country}", country_code=country, total_cost=OWN, total_energy=1.0)
        code = "taken"
        try:
            await self.emsp.sent(raw)
        except InputError as error:
            code = error.code
        charge = await self.emsp.charge(granted.subject.subject)
        if charge is not None and charge.cdr is not None:
            self.gained.append(f"CDR as {country}*CPO is that of a session of DE*CPO")
        else:
            self.refused.append(f"CDR as {country}*CPO {code}")


ATTACK = Attack(
    line="T67",
    title="a partner speaks in another CPO's name",
    steps=(
        "be a CPO with a token of one's own at the eMSP, and overhear another one",
        "send on the other's request, tariff and bundle, and CDRs under its party id in several spellings",
        "send CDRs under one's own party id that refer to the other's session",
        "send, as that CPO, CDRs for its own sessions under its party id of another country",
        "look for a decision, a settlement, a tariff in force, a CDR at the charge",
    ),
    defence=(
        "a token leads to one party, and what that party says counts for its own stations and sessions only; a CDR "
        "names the country and party of the tariff that was signed for its session"
    ),
    without="the token leads to the other party's contract, and the name in a CDR is held against nothing",
    residual="who has the other's token is the other; keys, not tokens, still bind every record to its signer",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
