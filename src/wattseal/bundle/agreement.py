"""Step 10: authorisation preceded the start."""

from wattseal.bundle.case import Case, Trouble, failed, lacking
from wattseal.model.token import TokenStatus
from wattseal.model.verdict import Finding
from wattseal.seal.fields import Decision
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Role


def check_authorisation(case: Case) -> Trouble | None:
    """Step 10: started refers to an accepting decision, which refers to the request: order by refs, not by clocks."""
    started = case.of_kind(Kind.STARTED)
    if started is None:
        return lacking("transaction", "started")
    if not started.payload.refs:
        case.findings.append(Finding("started_without_authorisation", "refs"))
        return None
    decision = next((case.items[r] for r in started.payload.refs if r in case.items), None)
    if decision is None:
        return lacking("authorisation", "decision", started)
    if decision.payload.kind != Kind.DECISION:
        return failed("start_refers_to_no_decision", "refs", started)
    request = _request(case, decision)
    if request is None:
        return lacking("authorisation", "request", decision)
    if request.payload.subject != started.payload.subject:
        return failed("authorisation_of_another_transaction", "subject", started)
    if Decision.read(decision.payload.public).status is not TokenStatus.ACCEPTED:
        return failed("started_against_decision", "status", decision)
    signer = case.signers.get(decision.hash)
    if signer is not None and signer.role is Role.BILLING and signer.party == case.cpo:
        case.findings.append(Finding("authorised_by_the_cpo_alone", "decision"))
    return None


def _request(case: Case, decision: Item) -> Item | None:
    found = (case.items[r] for r in decision.payload.refs if r in case.items)
    return next((i for i in found if i.payload.kind == Kind.REQUEST), None)
