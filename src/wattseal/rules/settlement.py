"""Settlement: what an eMSP makes of a bundle. Accepted with a bill, or disputed with the step and the reason named."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.crypto.hashes import sha256
from wattseal.model.provider import Bill, Charge, Dispute
from wattseal.model.token import TokenStatus
from wattseal.model.verdict import Grade
from wattseal.pricing import Incomplete, Priced
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import SOURCE_ROLES, Registry

AUTHORISATION_STEP = 10
PRICE_STEP = 11
GRADE_STEP = 12
START_TOLERANCE_MS = 60_000
"""A charge may be recorded as started this long after its authorisation ran out: clocks differ."""


STOPPED_PERCENT, OBEYED_PERCENT = Decimal(5), Decimal(20)
OBEY_MS = 60_000
"""What is paid for above the cap of a charge that was told to stop, in percent of it: a car goes on until its station
has obeyed. The larger share is for one that ended so soon after the record that brought the stop about."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What was agreed with one CPO: the grade its stations' charges must reach.

    `pins` name single stations and win; otherwise `minimum`, and G1 will do where `accept_g1` says so and nobody has
    enrolled a signing source for the station. `country` (ISO 3166-1 alpha-2) is the one its CDRs must name; None: that
    of the tariff it signed.
    """

    party: str
    log_origin: str
    minimum: Grade = Grade.G2
    accept_g1: bool = False
    pins: Mapping[str, Grade] = field(default_factory=dict)
    country: str | None = None

    def required(self, station: str, registry: Registry) -> Grade:
        """Return the grade a charge at `station` must reach: leaving out a signature never lowers it."""
        if station in self.pins:
            return self.pins[station]
        origin = f"{self.party}/{station}"
        enrolled = any(e.role in SOURCE_ROLES and e.covers(origin) for e in registry.entries())
        if self.accept_g1 and not enrolled:
            return Grade.G1
        return max(self.minimum, Grade.G2) if enrolled else self.minimum


@dataclass(frozen=True, slots=True)
class Claim:
    """What a bundle claims, before any of it is believed. Hashes are raw bytes."""

    subject: bytes
    origin: str
    started: Item | None
    ended: Item | None
    facts: bytes

    @property
    def ended_hash(self) -> bytes:
        """What a settlement refers to: the ended record, or the claim's facts where there is none."""
        return self.ended.hash if self.ended else self.facts


def claim_of(bundle: Bundle) -> Claim:
    """Read a bundle's claim. `facts` digests the chain's records, not the proofs of them that may still grow.

    Whose charge it is follows the verifier's rule, the transaction of the first start or end: what is judged is what is
    billed, whatever others' records lie in between.
    """
    bounds = [i for i in bundle.items if i.payload.kind in {Kind.STARTED, Kind.ENDED}]
    own: dict[Kind, Item] = {}
    for item in bounds:
        if item.payload.subject == bounds[0].payload.subject:
            own.setdefault(Kind(item.payload.kind), item)
    anchor = own.get(Kind.ENDED) or own.get(Kind.STARTED) or bundle.items[-1]
    return Claim(
        subject=anchor.payload.subject or bytes(16),
        origin=anchor.payload.origin,
        started=own.get(Kind.STARTED),
        ended=own.get(Kind.ENDED),
        facts=sha256(b"".join(i.hash for i in bundle.items)),
    )


def allowed_wh(cap_wh: int | None, cause: Item | None, ended: Item | None) -> Decimal | None:
    """Return how much energy is paid for; None: any. `cause` is the record that brought its stop about, if any.

    Both times are of the chain's signer: who delivers a record late gains nothing by it.
    """
    if cap_wh is None or cause is None or ended is None:
        return None if cap_wh is None else Decimal(cap_wh)
    soon = cause.payload.ms <= ended.payload.ms <= cause.payload.ms + OBEY_MS
    percent = OBEYED_PERCENT if soon else STOPPED_PERCENT
    return cap_wh * (100 + percent) / 100


def judge_evidence(
    report: Report, claim: Claim, charge: Charge | None, required: Grade, cause: Item | None = None
) -> Dispute | None:
    """Decide whether the bundle proves a charge that was authorised here, at the grade agreed; None: it does.

    `cause` is the record that brought about this side's stop of the charge, where there was one.
    """
    if report.verdict is not Outcome.VALID:
        failure = report.failure
        if failure is None:
            return Dispute(None, report.verdict.value.lower())
        return Dispute(failure.number, failure.reason, failure.field, failure.record)
    if charge is None or claim.started is None:
        return Dispute(AUTHORISATION_STEP, "not_authorised_here", "subject")
    dispute = _judge_start(claim.started, charge)
    if dispute is not None:
        return dispute
    if report.grade is None or report.source is None or report.grade < required:
        found = "none" if report.grade is None else report.grade.name
        return Dispute(GRADE_STEP, "grade_below_pin", "grade", detail=f"{found}, {required.name} required")
    return _judge_energy(report.energy_wh, charge.cap_wh, allowed_wh(charge.cap_wh, cause, claim.ended))


def _judge_start(started: Item, charge: Charge) -> Dispute | None:
    if charge.token_status is not TokenStatus.ACCEPTED:
        return Dispute(AUTHORISATION_STEP, "started_against_decision", "status")
    if charge.by_directory and started.payload.refs:
        return Dispute(AUTHORISATION_STEP, "started_on_another_decision", "refs")
    if not charge.by_directory and bytes.fromhex(charge.decision) not in started.payload.refs:
        return Dispute(AUTHORISATION_STEP, "started_on_another_decision", "refs")
    if started.payload.origin != charge.origin or charge.evse_id not in {0, started.payload.stream}:
        return Dispute(AUTHORISATION_STEP, "authorised_elsewhere", "origin")
    if started.payload.ms > charge.expires_ms + START_TOLERANCE_MS:
        return Dispute(AUTHORISATION_STEP, "authorisation_expired", "ms", detail=f"expired {_time(charge.expires_ms)}")
    return None


def _judge_energy(energy_wh: Decimal | None, cap_wh: int | None, most_wh: Decimal | None) -> Dispute | None:
    if energy_wh is None:
        return Dispute(7, "no_energy", "register_wh")
    if most_wh is not None and energy_wh > most_wh:
        return Dispute(AUTHORISATION_STEP, "cap_exceeded", "register_wh", detail=f"{energy_wh} Wh, cap {cap_wh} Wh")
    return None


def make_bill(report: Report, priced: Priced | Incomplete) -> Bill | Dispute:
    """Make the bill from this side's own price; a tariff that cannot be priced exactly is disputed, never guessed."""
    match priced:
        case Incomplete():
            return Dispute(PRICE_STEP, "tariff_not_priceable", "tariff", detail=", ".join(priced.what))
        case Priced():
            if report.energy_wh is None or report.grade is None or report.source is None:
                return Dispute(PRICE_STEP, "not_verified", "energy_wh")
            before_tax = priced.total.before_tax
            after_tax = before_tax if priced.total.after_tax is None else priced.total.after_tax
            energy_wh, grade, source = report.energy_wh, report.grade, report.source
            return Bill(energy_wh, grade, source, priced.currency, before_tax, after_tax, priced.taxes)


def compare_amounts(
    bill: Bill, energy_wh: Decimal, currency: str, before_tax: Decimal, after_tax: Decimal | None
) -> Dispute | None:
    """Compare what a CDR asks for with the bill: energy, currency, money before tax and, where stated, after."""
    asked = {
        "total_energy": (energy_wh, bill.energy_wh),
        "currency": (currency, bill.currency),
        "total_cost excl_vat": (before_tax, bill.total_excl_vat),
        "total_cost incl_vat": (bill.total_incl_vat if after_tax is None else after_tax, bill.total_incl_vat),
    }
    for name, (theirs, ours) in asked.items():
        if theirs != ours:
            return Dispute(PRICE_STEP, "cdr_differs", name, detail=f"{theirs} asked, {ours} verified")
    return None


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
