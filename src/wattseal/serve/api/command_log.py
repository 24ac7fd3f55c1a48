"""What stations were asked, by whom, and what came of it."""

from typing import Any

from litestar import Response, get

from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.listing import Wanted, listing
from wattseal.serve.api.paging import Instant, milliseconds, paged
from wattseal.serve.api.problems import Req, demand
from wattseal.serve.api.service import Limit, ShortQuery, What, Who

NAMES_TOKENS = frozenset(
    {
        "CustomerInformation",
        "DataTransfer",
        "RemoteStartTransaction",
        "RequestBatterySwap",
        "RequestStartTransaction",
        "ReserveNow",
        "SendLocalList",
    }
)
"""Payloads that name drivers' tokens: shown to those entitled to tokens."""


@get("/commands")
async def get_commands(
    principal: Who,
    service: What,
    request: Req,
    *,
    limit: Limit = 100,
    station_id: ShortQuery = None,
    action: ShortQuery = None,
    asked_by: ShortQuery = None,
    outcome: ShortQuery = None,
    since: Instant = None,
    until: Instant = None,
    after: ShortQuery = None,
) -> Response[list[dict[str, Any]]]:
    """List commands in the order of asking; `outcome` is a status word, a CALLERROR code, offline or timed_out."""
    demand(principal, "commands:read")
    wanted = Wanted(
        limit=limit,
        after=after or "",
        station_id=station_id,
        since_ms=milliseconds(since, "since"),
        until_ms=milliseconds(until, "until"),
    )

    def keep(kept: CommandKept) -> bool:
        told = ((action, kept.action), (asked_by, kept.asked_by), (outcome, kept.outcome))
        return all(asked in {None, found} for asked, found in told)

    filtered = {action, asked_by, outcome} != {None}
    page, next_key = await listing(service.world, COMMAND, CommandKept, wanted, keep if filtered else None)
    reads_tokens = principal.may("tokens:read")
    return paged(request, [_view(kept, reads_tokens=reads_tokens) for kept in page], next_key)


def _view(kept: CommandKept, *, reads_tokens: bool) -> dict[str, Any]:
    shown = reads_tokens or kept.action not in NAMES_TOKENS
    return {
        "record": kept.record,
        "station_id": kept.station_id,
        "action": kept.action,
        "version": kept.version,
        "asked_by": kept.asked_by,
        "asked_at_ms": kept.asked_at_ms,
        "deadline_ms": kept.deadline_ms,
        "payload": kept.payload if shown else None,
        "outcome": kept.outcome,
        "answered_at_ms": kept.answered_at_ms,
        "answer": kept.answer if shown else None,
        "outcome_record": kept.outcome_record,
    }


ROUTES = (get_commands,)
