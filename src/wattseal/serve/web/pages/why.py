"""Why a number is trusted: the drawer behind every badge, which is a page of its own where there is no script."""

from litestar import Response, get
from litestar.params import FromPath

from wattseal.bundle.report import STEP_NAMES
from wattseal.flow.charges.reproof import prove_again
from wattseal.flow.charges.session_rows import has_invalid
from wattseal.flow.charges.standing import standing_of
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import What
from wattseal.serve.web.broken_words import WORDS, difference, field_of
from wattseal.serve.web.pages.sessions import KIND_WORDS, READ, find
from wattseal.serve.web.provenance import provenance_of
from wattseal.serve.web.render import render
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

STEPS = (
    _("It can be read strictly"),
    _("The algorithms are known ones"),
    _("The keys were entitled to sign"),
    _("The signatures are good"),
    _("The chain is unbroken"),
    _("The content is what was committed to"),
    _("What the meter signed says the same"),
    _("The registers go on from each other"),
    _("Every record is in the log"),
    _("Witnesses cosigned the log"),
    _("The charge was authorised"),
    _("The price follows from tariff and registers"),
    _("The grade that all this comes to"),
)
"""The verifier's steps in words, by number."""
RESULTS = {
    "ok": _("holds"),
    "failed": _("fails"),
    "incomplete": _("cannot be told"),
    "not_applicable": _("does not apply"),
    "not_reached": _("not reached"),
}
WAITS = {
    "active": _(
        "It has not ended: its records are signed and chained already, the verifier has the last word at its end."
    ),
    "checkpoint": _("It waits for the log's next checkpoint and its witnesses."),
    "records": _("No bundle can be made of it: records are missing or cannot be read."),
}
GROUPS = {
    "IDENTITY": _("Who charged (token)"),
    "METER": _("Meter values"),
    "LOAD": _("Load curve"),
    "OPS": _("Operation: EVSE, times, reasons"),
    "RAW": _("The OCPP message as it came"),
}
ROLES = {
    "METER": _("meter"),
    "STATION": _("station"),
    "EDGE": _("edge device"),
    "CSMS": _("this CPO's CSMS"),
    "BILLING": _("this CPO's billing"),
    "EMSP": _("eMSP"),
    "DSO": _("grid operator"),
    "CSIO": _("manufacturer"),
    "ARBITER": _("arbiter"),
}


@get("/why/{kind:str}/{key:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def why(request: Req, viewer: Looks, service: What, kind: FromPath[str], key: FromPath[str]) -> Response[bytes]:
    """Show what the figures of a session, or of its bill, rest on; all of it is proved now."""
    if kind not in {"session", "bill"}:
        raise ProblemError(404, "not_found", _("there is no such page"))
    transaction = await find(service, key if kind == "session" else key.partition("-")[0])
    findings = await prove_again(service.world, service.proofs, transaction.id)
    standing, grade = await standing_of(service.world, service.proofs, transaction)
    return render(
        request,
        viewer,
        "why_drawer.html" if request.headers.get("hx-request") else "why.html",
        t=transaction,
        grade=grade,
        billing=standing[0],
        findings=findings,
        broken=bool(findings) or has_invalid(transaction),
        broken_words=WORDS,
        field_of=field_of,
        difference=difference,
        energy=viewer.may("energy:read"),
        found=await provenance_of(service, transaction),
        steps=dict(enumerate(STEPS)),
        step_names=STEP_NAMES,
        results=RESULTS,
        waits=WAITS,
        groups=GROUPS,
        kinds={kind.name.lower(): word for kind, word in KIND_WORDS.items()},
        roles=ROLES,
        trusted=service.world.trust is not None,
        party=service.world.party,
    )


ROUTES = (why,)
