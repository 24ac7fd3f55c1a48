"""Step 10: authorisation preceded the start."""

from wattseal.bundle.case import Case, Trouble, failed, lacking
from wattseal.model.token import TokenStatus
from wattseal.model.verdict import Finding
from wattseal.seal.fields import Decision
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Role

START_TOLERANCE_MS = 60_000
"""Clocks of a station and of whoever decides may be so far apart."""


def check_authorisation(case: Case) -> Trouble | None:
    """Step 10: started refers to an accepting decision, which refers to the request: order by refs, not by clocks."""
    started = case.of_kind(Kind.STARTED)
    if started is None:
        return lacking("transaction", "started")
    if not started.payload.refs:
        case.findings.append(Finding("started_without_authorisation", "refs"))
        return None
    decision = decision_of(case, started)
    if decision is None:
        return lacking("authorisation", "decision", started)
    if decision.payload.kind != Kind.DECISION:
        return failed("start_refers_to_no_decision", "refs", started)
    request = request_of(case, decision)
    if request is None:
        return lacking("authorisation", "request", decision)
    trouble = _is_for(started, request)
    if trouble is not None:
        return trouble
    said = Decision.read(decision.payload.public)
    if said.status is not TokenStatus.ACCEPTED:
        return failed("started_against_decision", "status", decision)
    _find_overrun(case, said, started)
    signer = case.signers.get(decision.hash)
    if signer is not None and signer.role is Role.BILLING and signer.party == case.cpo:
        case.findings.append(Finding("authorised_by_the_cpo_alone", "decision"))
    return None


def _is_for(started: Item, request: Item) -> Trouble | None:
    """Check that what was asked for is this transaction, at this station."""
    if request.payload.subject != started.payload.subject:
        return failed("authorisation_of_another_transaction", "subject", started)
    if _station(request) != _station(started):
        return failed("authorisation_at_another_station", "origin", started)
    return None


def _station(item: Item) -> str:
    """Return the origin as its own signer has it: the CSMS of a station with one writes on an origin beside that."""
    return item.payload.origin.removesuffix("~csms")


def _find_overrun(case: Case, said: Decision, started: Item) -> None:
    """Find a start after the decision ran out, and more energy than it allows, which its party may have extended."""
    if started.payload.ms > said.expires_ms + START_TOLERANCE_MS:
        late_s = (started.payload.ms - said.expires_ms) // 1000
        case.findings.append(Finding("started_after_expiry", "expires", f"{late_s} s"))
    if said.cap_wh is not None and case.energy_wh is not None and case.energy_wh > said.cap_wh:
        case.findings.append(Finding("above_the_cap", "cap", f"{said.cap_wh} Wh"))


def decision_of(case: Case, started: Item | None) -> Item | None:
    """Return the record that a start refers to, as far as it is in the bundle."""
    refs = () if started is None else started.payload.refs
    return next((case.items[r] for r in refs if r in case.items), None)


def request_of(case: Case, decision: Item) -> Item | None:
    """Return the request that a decision refers to, as far as it is in the bundle."""
    found = (case.items[r] for r in decision.payload.refs if r in case.items)
    return next((i for i in found if i.payload.kind == Kind.REQUEST), None)
