"""Erasing an account's holder, in two steps: look at what would go, then confirm exactly that."""

from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.flow.privacy.erasing import CODE_DIGITS, Plan, erase_person, plan_erasure
from wattseal.flow.privacy.fates import FATES
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.problems import demand
from wattseal.serve.api.service import What, Who

ERASE = "accounts:erase"


class ErasureBody(Body, frozen=True, kw_only=True):
    """The code of the plan that was looked at."""

    code: Annotated[str, Meta(pattern=rf"\A[0-9a-f]{{{CODE_DIGITS}}}\Z")]


@get("/accounts/{account_id:str}/erasure")
async def get_erasure(principal: Who, service: What, account_id: FromPath[str]) -> dict[str, Any]:
    """Show what erasing an account's holder would destroy and what would stay; nothing is changed.

    `code` confirms exactly this. 409 `not_a_driver` for an eMSP's account.
    """
    demand(principal, ERASE)
    return _view(await plan_erasure(service.world, account_id))


@post("/accounts/{account_id:str}/erasure", status_code=200)
async def post_erasure(
    principal: Who, service: What, account_id: FromPath[str], data: JSONBody[ErasureBody]
) -> dict[str, Any]:
    """Erase an account's holder for good: name, cards, and what says in records who it was. Proofs stay.

    409 `plan_differs` where what would go is no longer what was looked at, `not_settled` where something is open.
    """
    demand(principal, ERASE)
    return _view(await erase_person(service.world, account_id, data.code, principal.name))


def _view(plan: Plan) -> dict[str, Any]:
    until = plan.kept_until_ms
    return {
        "account": plan.account,
        "cards": plan.cards,
        "sessions": plan.sessions,
        "records": plan.records,
        "documents": [
            {"kind": kind, "count": count, "fate": FATES[kind][0].value, "why": FATES[kind][1]}
            for kind, count in sorted(plan.documents.items())
        ],
        "invoices_kept": plan.invoices,
        "invoices_kept_until": None if until is None else datetime.fromtimestamp(until / 1000, UTC).date().isoformat(),
        "blocked": list(plan.blocked),
        "code": plan.code,
    }


ROUTES = (get_erasure, post_erasure)
