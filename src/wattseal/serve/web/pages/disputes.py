"""Disputes: what somebody holds, both sides' evidence step by step, and a person's decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.bundle.report import Step, StepResult
from wattseal.flow.money import disputes
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.money.disputes import MAX_TEXT
from wattseal.model.billing import Bill, TaxShare
from wattseal.model.dispute import Dispute, DisputeVerdict
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.api.transactions import CBOR
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.forms import Form, gone_to, sure, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.persons import person_of
from wattseal.serve.web.render import render
from wattseal.serve.web.tariff_form import quantity
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, DECIDE, READ_ENERGY, READ_BILLS = "disputes:read", "disputes:decide", "energy:read", "bills:read"
PAGE = 50
MOST = Decimal(10**12)
VERDICTS: Mapping[DisputeVerdict, str] = {
    DisputeVerdict.REJECTED: _("Rejected: the bill stands"),
    DisputeVerdict.UPHELD: _("Right: the bill is taken back whole"),
    DisputeVerdict.PARTLY: _("Right in part: another amount takes its place"),
}
OUTCOMES = {
    "VALID": _("It holds."),
    "INVALID": _("It does not hold."),
    "INCOMPLETE": _("Nothing is wrong in it, and something is missing."),
    "UNREADABLE": _("It cannot be read."),
}
STEPS = (
    _("limits and strict parse"),
    _("suite"),
    _("keys entitled"),
    _("signatures"),
    _("chain"),
    _("commitments"),
    _("foreign evidence"),
    _("continuity"),
    _("inclusion"),
    _("checkpoint and witnesses"),
    _("authorisation"),
    _("price"),
    _("grade"),
)
RESULTS = {
    StepResult.OK: _("ok"),
    StepResult.FAILED: _("failed"),
    StepResult.INCOMPLETE: _("incomplete"),
    StepResult.NOT_APPLICABLE: _("does not apply"),
    StepResult.NOT_REACHED: _("not reached"),
}
WHY_NOT = {
    "unknown": _("The session it is about is not known here."),
    "active": _("The session has not ended yet."),
    "checkpoint": _("Ours waits for the log and its witnesses; look again in a minute."),
}


@dataclass(frozen=True, slots=True)
class StepPair:
    """One step of the verifier on both bundles."""

    name: str
    theirs: Step
    ours: Step | None


@get("/disputes", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def list_page(
    request: Req, viewer: Looks, service: What, *, after: ShortQuery = None, show: ShortQuery = None
) -> Response[bytes]:
    """List disputes: those to be decided, or those decided."""
    is_open = show != "decided"
    found = await disputes.list_disputes(service.world, after=after or "", limit=PAGE, is_open=is_open)
    following = (
        f"/disputes?show={'open' if is_open else 'decided'}&after={found[-1].id}" if len(found) == PAGE else None
    )
    return render(
        request,
        viewer,
        "disputes.html",
        found=found,
        is_open=is_open,
        following=following,
        now_ms=service.world.now_ms(),
        verdicts=VERDICTS,
        outcomes=OUTCOMES,
        steps=STEPS,
        bills=viewer.may(READ_BILLS),
    )


@get("/disputes/{dispute_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def dispute_page(
    request: Req, viewer: Looks, service: What, dispute_id: FromPath[str], *, done: ShortQuery = None
) -> Response[bytes]:
    """Show a dispute, both sides' evidence, where they differ, and the decision."""
    told = _("Decided, signed and final.") if done == "decided" else ""
    return await _page(request, viewer, service, await _find(service, dispute_id), done=told)


async def _page(
    request: Req, viewer: Viewer, service: Service, dispute: Dispute, *, done: str = "", trouble: str = ""
) -> Response[bytes]:
    world = service.world
    sides = await disputes.sides_of(world, service.proofs, dispute)
    ours = () if sides.ours is None else sides.ours.steps
    pairs = [
        StepPair(STEPS[step.number], step, next((o for o in ours if o.number == step.number), None))
        for step in sides.theirs.steps
    ]
    bill = None if dispute.transaction is None else await bill_in_force(world, dispute.transaction)
    return render(
        request,
        viewer,
        "dispute.html",
        status=422 if trouble else 200,
        d=dispute,
        sides=sides,
        pairs=pairs,
        why_not=WHY_NOT.get(sides.why_not, sides.why_not),
        bill=bill if viewer.may(READ_BILLS) else None,
        late=dispute.open and world.now_ms() > dispute.due_ms,
        values=viewer.may(READ_ENERGY),
        sessions=viewer.may("transactions:read"),
        decides=viewer.may(DECIDE),
        verdicts=VERDICTS,
        outcomes=OUTCOMES,
        results=RESULTS,
        steps=STEPS,
        most=MAX_TEXT,
        done=done,
        trouble=trouble,
    )


@get("/disputes/{dispute_id:str}/bundle", security=[{}], include_in_schema=False, guards=[needs(READ, READ_ENERGY)])
async def dispute_bundle(service: What, dispute_id: FromPath[str]) -> Response[bytes]:
    """Return the bundle that was shown with it."""
    dispute = await _find(service, dispute_id)
    headers = {"Content-Disposition": f'attachment; filename="{dispute.id}.wsb"', "Cache-Control": "private, no-store"}
    return Response(await disputes.bundle_of(service.world, dispute), media_type=CBOR, headers=headers)


@post("/disputes/{dispute_id:str}", security=[{}], include_in_schema=False, guards=[needs(READ, DECIDE)])
async def decide_dispute(
    request: Req, viewer: Looks, service: What, dispute_id: FromPath[str], data: Form
) -> Response[Any]:
    """Decide a dispute for good, in the viewer's name."""
    check_form(request, viewer, data)
    dispute = await _find(service, dispute_id)
    try:
        await _decide(service, viewer, dispute, data)
    except InputError as error:
        return await _page(request, viewer, service, dispute, trouble=str(error))
    return gone_to(f"/disputes/{dispute.id}", done="decided")


async def _decide(service: Service, viewer: Viewer, dispute: Dispute, data: dict[str, str]) -> None:
    if data.get("verdict") not in set(DisputeVerdict):
        raise InputError(_("say what you decide"), code="bad_verdict", subject="verdict")
    verdict = DisputeVerdict(data["verdict"])
    text = text_of(data, "text", MAX_TEXT, least=1)
    sure(data)
    amounts: tuple[TaxShare, ...] = ()
    if verdict is DisputeVerdict.PARTLY:
        bill = None if dispute.transaction is None else await bill_in_force(service.world, dispute.transaction)
        amounts = () if bill is None else _amounts(bill, data)
    told = disputes.Verdict(verdict, person_of(viewer), text, amounts)
    await disputes.decide(service.world, dispute, told)


def _amounts(bill: Bill, data: dict[str, str]) -> tuple[TaxShare, ...]:
    """Return what is right under each rate of the bill, as it was typed."""
    found = []
    for number, part in enumerate(bill.taxes):
        net, tax = (quantity(data, f"{name}{number}", MOST) for name in ("net", "tax"))
        if net is None or tax is None:
            raise InputError(_("give the right amounts, before tax and the tax"), code="field_missing", subject="net")
        found.append(TaxShare(part.percent, net, tax))
    return tuple(found)


async def _find(service: Service, dispute_id: str) -> Dispute:
    found = await disputes.find_dispute(service.world, dispute_id[:64])
    if found is None:
        raise ProblemError(404, "not_found", _("there is no such dispute"))
    return found


ROUTES = (list_page, dispute_page, dispute_bundle, decide_dispute)
