"""T68: a CPO sends a CDR twice, asks for more than its records say, and turns credits round until it is paid more."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wattseal.base.errors import InputError
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import Authorised
from wattseal.lab.grounds.provider import Provider, provider
from wattseal.lab.lab import Lab
from wattseal.lab.month.tariffs import STANDARD
from wattseal.lab.null import swapped
from wattseal.model.provider import Bill
from wattseal.parties.emsp import cdrs

ENERGY_WH = (5_000, 40_000)
TURNS = 6
CENT = Decimal("0.01")


async def _perform(lab: Lab) -> Found:
    return await _loop(lab)


async def _control(lab: Lab) -> Found:
    """Take whatever a CDR asks for once the one before is credited."""
    with swapped(cdrs, "_is_less", lambda *_: True):
        return await _loop(lab)


@dataclass(slots=True)
class _Cpo:
    """The partner: one settled charge, and the CDRs that it sends about it."""

    emsp: Provider
    granted: Authorised
    bill: Bill
    sent: int = 0
    refused: int = 0

    async def tell(self, number: str, **changes: Any) -> None:
        """Send a CDR that asks for the bill, or for something else."""
        self.sent += 1
        amounts = {"excl_vat": float(self.bill.total_excl_vat), "incl_vat": float(self.bill.total_incl_vat)}
        honest = {"total_cost": amounts, "total_energy": float(self.bill.energy_wh / 1000)}
        try:
            await self.emsp.sent(self.emsp.cdr(self.granted, number, **honest | changes))
        except InputError:
            self.refused += 1

    def cost(self, factor: str) -> dict[str, float]:
        """Return so many times the bill."""
        return {
            "excl_vat": float((self.bill.total_excl_vat * Decimal(factor)).quantize(CENT)),
            "incl_vat": float((self.bill.total_incl_vat * Decimal(factor)).quantize(CENT)),
        }


async def _loop(lab: Lab) -> Found:
    async with provider(lab.fresh("emsp")) as emsp:
        cpo = await _settled(lab, emsp)
        most = due = await emsp.paid()
        told: set[str] = set()
        await cpo.tell("cdr-1")
        await cpo.tell("cdr-1", total_cost=cpo.cost("3"))
        await cpo.tell("cdr-1-again")
        await cpo.tell("cdr-dearer", total_cost=cpo.cost("1.5"))
        last = "cdr-1"
        for turn in range(TURNS):
            credit = {"credit": True, "credit_reference_id": last, "total_cost": cpo.cost("-1")}
            for name in (f"credit-{turn}", f"credit-{turn}-again"):
                await cpo.tell(name, **credit)
            last = f"cdr-after-{turn}"
            await cpo.tell(last, total_cost=cpo.cost(f"{2 + turn}"), total_energy=99.0)
            most = max(most, await emsp.paid())
            await cpo.tell(f"{last}-honest")
            last = f"{last}-honest"
            most = max(most, await emsp.paid())
            charge = await emsp.charge(cpo.granted.subject.subject)
            told |= set(charge.alarms) if charge else set()
        dearer = await _settled(lab, emsp)
        due += dearer.bill.total_incl_vat
        await dearer.tell("cdr-first-and-dearer", total_cost=dearer.cost("1.5"))
        charge = await emsp.charge(dearer.granted.subject.subject)
        dispute = charge.cdr_dispute if charge else None
        paid = await emsp.paid()
        most = max(most, paid)
        await emsp.emsp.desk.books.check_sums()
    if most > due or paid < 0:
        return Found(Outcome.MISSED, f"{most} {STANDARD.currency} taken where {due} are due")
    if not {"second_cdr", "credit_cdr"} <= told or dispute is None:
        return Found(Outcome.MISSED, f"not all of it is told: {sorted(told)}, {dispute}")
    text = (
        f"never more than {due} {STANDARD.currency} taken by {cpo.sent + dearer.sent} CDRs; alarms "
        f"{', '.join(sorted(told))}; {dispute.reason}, {dispute.field}: {dispute.detail}"
    )
    figures = (Figure("CDRs sent", cpo.sent, "CDRs"), Figure("CDRs refused", cpo.refused, "CDRs"))
    return Found(Outcome.DETECTED, f"{text}; {cpo.refused} refused as changed", records=1, figures=figures)


async def _settled(lab: Lab, emsp: Provider) -> _Cpo:
    granted = await emsp.authorised()
    start = lab.dice.number(0, 10**6)
    session = emsp.paper.session(start, start + lab.dice.number(*ENERGY_WH), authorised=granted)
    others = [granted.request, granted.decision, granted.tariff]
    await emsp.settled(emsp.paper.bundle(session, others, emsp.paper.summary(session, emsp.tariff, STANDARD)))
    charge = await emsp.charge(granted.subject.subject)
    if charge is None or charge.bill is None:
        raise LabError("an honest charge is not settled", subject=granted.subject.subject.hex())
    return _Cpo(emsp, granted, charge.bill)


ATTACK = Attack(
    line="T68",
    title="CDRs twice, dearer than the evidence, and credits in a loop",
    steps=(
        "have a charge settled by its bundle, and send its CDR; send it again, changed, and under other ids",
        f"{TURNS} times: send the credit twice, then a CDR that asks for more than the records give, then the true one",
        "send a dearer CDR as the first one for another charge, and look what the customer was charged at any time",
    ),
    defence="what is paid follows from the evidence; a CDR stays as it came, and after a credit asks for what is left",
    without="the CDR after a credit is taken as it stands",
    residual="a CDR for a charge that no bundle proves is kept and pays nothing",
    expected=Outcome.DETECTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
