"""Disputes: opened with a bundle, shown with both sides' evidence step by step, decided by a person."""

import base64
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from wattseal.base.errors import InputError
from wattseal.bundle.report import Report
from wattseal.flow.money import disputes
from wattseal.flow.money.disputes import MAX_REASON, MAX_TEXT, Sides
from wattseal.model.billing import TaxShare
from wattseal.model.dispute import Claim, Dispute, DisputeVerdict
from wattseal.model.principal import Principal
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who
from wattseal.serve.api.transactions import CBOR, READ_ENERGY

OPEN, READ, DECIDE = "disputes:open", "disputes:read", "disputes:decide"
Currency = Annotated[str, msgspec.Meta(pattern=r"\A[A-Z]{3}\Z")]
Amount = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,12}(\.[0-9]{1,4})?\Z")]
"""An amount of money as text: an exact decimal that is not below zero."""


class DisputeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A dispute: the bundle in base64, a code for what is wrong, and what would be right."""

    bundle: Annotated[str, msgspec.Meta(min_length=4, max_length=1_000_000)]
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_REASON)]
    text: Annotated[str, msgspec.Meta(max_length=MAX_TEXT)] = ""
    currency: Currency | None = None
    total_incl_vat: Amount | None = None

    def claim(self) -> Claim:
        """Return what is held; an amount without its currency is an `InputError`."""
        if (self.currency is None) is not (self.total_incl_vat is None):
            raise InputError("an amount comes with its currency", code="bad_field", subject="currency")
        total = None if self.total_incl_vat is None else Decimal(self.total_incl_vat)
        return Claim(self.reason, self.text, self.currency, total)


class AmountBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is right under one tax rate; `percent` null bears no tax."""

    net: Amount
    tax: Amount
    percent: Annotated[str, msgspec.Meta(pattern=r"\A[0-9]{1,3}(\.[0-9]{1,4})?\Z")] | None = None

    def share(self) -> TaxShare:
        """Return it in the domain's words."""
        return TaxShare(None if self.percent is None else Decimal(self.percent), Decimal(self.net), Decimal(self.tax))


class DecisionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a dispute is decided, and why; the person is whoever the token is of, beside the name given.

    `amounts` are what takes the bill's place where the dispute is right in part, one for each tax rate.
    """

    verdict: DisputeVerdict
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
    person: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    amounts: Annotated[tuple[AmountBody, ...], msgspec.Meta(max_length=16)] = ()


@post("/disputes")
async def post_dispute(principal: Who, service: What, data: JSONBody[DisputeBody]) -> Response[dict[str, Any]]:
    """Open a dispute. 201 and a signed record; 200 where the same caller has shown the same bundle before."""
    demand(principal, OPEN)
    try:
        bundle = base64.b64decode(data.bundle, validate=True)
    except ValueError as error:
        raise InputError("the bundle is not base64", code="bad_base64", subject="bundle") from error
    dispute, new = await disputes.open_dispute(service.world, principal.name, bundle, data.claim())
    return Response(view(dispute, service.world.now_ms()), status_code=201 if new else 200)


@get("/disputes")
async def get_disputes(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    after: ShortQuery = None,
    is_open: FromQuery[bool | None] = None,
) -> Response[list[dict[str, Any]]]:
    """List disputes in the order they were opened; `is_open` tells those to be decided from the others."""
    demand(principal, READ)
    world = service.world
    found = await disputes.list_disputes(world, after=after or "", limit=limit, is_open=is_open)
    next_key = found[-1].id if len(found) == limit else None
    return paged(request, [view(dispute, world.now_ms()) for dispute in found], next_key)


@get("/disputes/{dispute_id:str}")
async def get_dispute(principal: Who, service: What, dispute_id: FromPath[str]) -> dict[str, Any]:
    """Show a dispute with both sides' evidence: every step of the verifier, and where the bundles differ.

    The values that differ are for those who may read energy.
    """
    dispute = await _find(principal, service, dispute_id)
    sides = await disputes.sides_of(service.world, service.proofs, dispute)
    return view(dispute, service.world.now_ms()) | _sides(sides, values=principal.may(READ_ENERGY))


@get("/disputes/{dispute_id:str}/bundle")
async def get_dispute_bundle(principal: Who, service: What, dispute_id: FromPath[str]) -> Response[bytes]:
    """Return the bundle a dispute was opened with."""
    dispute = await _find(principal, service, dispute_id)
    headers = {"Content-Disposition": f'attachment; filename="{dispute.id}.wsb"'}
    return Response(await disputes.bundle_of(service.world, dispute), media_type=CBOR, headers=headers)


@post("/disputes/{dispute_id:str}/decision", status_code=200)
async def post_decision(
    principal: Who, service: What, dispute_id: FromPath[str], data: JSONBody[DecisionBody]
) -> dict[str, Any]:
    """Decide a dispute, once; the signed record names the person and the token. Only a bill can be taken back."""
    demand(principal, DECIDE)
    dispute = await disputes.find_dispute(service.world, dispute_id)
    if dispute is None:
        raise ProblemError(404, "not_found", "there is no such dispute")
    if data.amounts and data.verdict is not DisputeVerdict.PARTLY:
        text = "amounts take a bill's place only where the dispute is right in part"
        raise InputError(text, code="bad_field", subject="amounts")
    amounts = tuple(part.share() for part in data.amounts)
    told = disputes.Verdict(data.verdict, f"{data.person} ({principal.name})", data.text, amounts)
    return view(await disputes.decide(service.world, dispute, told), service.world.now_ms())


async def _find(principal: Principal, service: Service, dispute_id: str) -> Dispute:
    """Return a dispute to those who may read them, or who opened it; to others there is none."""
    if not principal.may(READ):
        demand(principal, OPEN)
    found = await disputes.find_dispute(service.world, dispute_id)
    if found is None or not (principal.may(READ) or found.opened_by == principal.name):
        raise ProblemError(404, "not_found", "there is no such dispute")
    return found


def view(dispute: Dispute, now_ms: int) -> dict[str, Any]:
    """Return a dispute as the API shows it; amounts are text."""
    claim, decided = dispute.claim, dispute.decided
    return {
        "id": dispute.id,
        "transaction": dispute.transaction,
        "opened_by": dispute.opened_by,
        "opened_at_ms": dispute.opened_ms,
        "due_at_ms": dispute.due_ms,
        "late": dispute.open and now_ms > dispute.due_ms,
        "reason": claim.reason,
        "text": claim.text,
        "currency": claim.currency,
        "total_incl_vat": _money(claim.total_incl_vat),
        "bundle_sha256": dispute.bundle,
        "verdict": dispute.verdict,
        "failing": None
        if dispute.step is None
        else {"step": dispute.step, "reason": dispute.failure, "field": dispute.field, "record": dispute.place},
        "record": dispute.record,
        "decision": None
        if decided is None
        else {
            "verdict": decided.verdict.value,
            "person": decided.person,
            "text": decided.text,
            "at_ms": decided.at_ms,
            "record": decided.record,
            "net": _money(decided.net),
            "tax": _money(decided.tax),
            "credit_cdr": decided.credit,
            "reversal": decided.reversal,
            "correction": decided.correction,
        },
    }


def _sides(sides: Sides, *, values: bool) -> dict[str, Any]:
    return {
        "theirs": _report(sides.theirs, values=values),
        "ours": None if sides.ours is None else _report(sides.ours, values=values),
        "no_bundle_of_ours": sides.why_not or None,
        "differences": [
            {
                "record": found.record,
                "field": found.field,
                "theirs": found.theirs if values else None,
                "ours": found.ours if values else None,
            }
            for found in sides.differences
        ],
    }


def _report(report: Report, *, values: bool) -> dict[str, Any]:
    told = report.to_json()
    return told if values else told | {"energy_wh": None}


def _money(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


ROUTES = (post_dispute, get_disputes, get_dispute, get_dispute_bundle, post_decision)
