"""Quarantine: sessions that are not billed until a person decides, and the decisions."""

from typing import Annotated, Any

from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.flow.charges.closing import close_session
from wattseal.flow.charges.standing import case_of
from wattseal.flow.documents import UNBILLED
from wattseal.flow.money.rulings import Decided, rule, rulings_of
from wattseal.flow.turn import transaction_by_id
from wattseal.model.principal import Principal
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Transaction
from wattseal.seal.ruling import MAX_TEXT
from wattseal.serve.api.bodies import Body, transaction_view
from wattseal.serve.api.paging import paged
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Limit, Service, ShortQuery, What, Who
from wattseal.serve.api.transactions import READ_ENERGY

READ, DECIDE = "transactions:read", "quarantine:decide"
RulingHash = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class RulingBody(Body, frozen=True, kw_only=True):
    """A person's decision: bill the session as measured, or waive it; `supersedes` is the record of the one before."""

    verdict: RulingVerdict
    person: Annotated[str, Meta(min_length=1, max_length=100)]
    text: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    supersedes: RulingHash | None = None


@get("/quarantine")
async def get_quarantine(
    principal: Who, service: What, request: Req, *, limit: Limit = 100, after: ShortQuery = None
) -> Response[list[dict[str, Any]]]:
    """List the sessions that wait for a person's decision, each with every reason against billing it."""
    demand(principal, READ)
    world = service.world
    page = await world.journal.documents(principal.tenant, UNBILLED, active=False, after=after or "", limit=limit)
    found = [await transaction_by_id(world, document.key) for document in page]
    views = [await _view(principal, service, transaction) for transaction in found if transaction is not None]
    return paged(request, views, page[-1].key if len(page) == limit else None)


class ClosingBody(Body, frozen=True, kw_only=True):
    """Who closes a session whose stop is lost, and why."""

    person: Annotated[str, Meta(min_length=1, max_length=60)]
    text: Annotated[str, Meta(min_length=1, max_length=100)]


@post("/transactions/{key:str}/close", status_code=200)
async def post_close(principal: Who, service: What, key: FromPath[str], data: JSONBody[ClosingBody]) -> dict[str, Any]:
    """Close a session whose stop is lost for good, at the last register told; it is quarantined until decided."""
    demand(principal, DECIDE)
    person = f"{data.person} ({principal.name})"
    return await _view(
        principal, service, await close_session(service.world, (await _find(service, key)).id, person, data.text)
    )


@get("/transactions/{key:str}/rulings")
async def get_rulings(principal: Who, service: What, key: FromPath[str]) -> list[dict[str, Any]]:
    """List the decisions on a session, oldest first."""
    demand(principal, READ)
    transaction = await _find(service, key)
    return [
        {
            "record": record,
            "at_ms": at_ms,
            "verdict": ruling.verdict.value,
            "person": ruling.person,
            "text": ruling.text,
            "reasons": list(ruling.reasons),
            "supersedes": None if ruling.supersedes is None else ruling.supersedes.hex(),
            "in_force": record == transaction.ruling,
        }
        for record, at_ms, ruling in await rulings_of(service.world, transaction.id)
    ]


@post("/transactions/{key:str}/rulings", status_code=201)
async def post_ruling(principal: Who, service: What, key: FromPath[str], data: JSONBody[RulingBody]) -> dict[str, Any]:
    """Decide a quarantined session; the signed record names the person and the token, and every reason known."""
    demand(principal, DECIDE)
    person = f"{data.person} ({principal.name})"
    decided = Decided(data.verdict, person, data.text, data.supersedes)
    transaction = await rule(service.world, service.proofs, (await _find(service, key)).id, decided)
    return await _view(principal, service, transaction)


async def _find(service: Service, key: str) -> Transaction:
    found = await transaction_by_id(service.world, key)
    if found is None:
        raise ProblemError(404, "not_found", "there is no such transaction")
    return found


async def _view(principal: Principal, service: Service, transaction: Transaction) -> dict[str, Any]:
    case = await case_of(service.world, service.proofs, transaction)
    shown = transaction_view(transaction, case.grade, case.standing, None, reads_energy=principal.may(READ_ENERGY))
    return shown | {
        "reasons": list(case.reasons),
        "pin": {"grade": case.pin.grade.name, "source": case.pin.source.value},
    }


ROUTES = (get_quarantine, get_rulings, post_close, post_ruling)
