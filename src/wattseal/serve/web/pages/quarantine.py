"""Quarantine: sessions no rule bills, why in words, what was measured, and what a person decides on them."""

from dataclasses import dataclass
from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.flow.charges.bundling import others_of, price_of, tariff_record
from wattseal.flow.charges.closing import close_session
from wattseal.flow.charges.reproof import broken_of
from wattseal.flow.charges.session_rows import has_invalid
from wattseal.flow.charges.standing import Case, case_of
from wattseal.flow.documents import TRANSACTION, UNBILLED
from wattseal.flow.listing import Wanted, listing
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.money.rulings import Decided, rule, rulings_of
from wattseal.flow.turn import transaction_by_id
from wattseal.model.billing import Bill
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Grade
from wattseal.pricing.trace import Priced
from wattseal.rules.billing import AT_BILLING
from wattseal.rules.notes import quarantine_reasons
from wattseal.seal.ruling import MAX_TEXT, Ruling
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import Service, ShortQuery, What
from wattseal.serve.viewers import Viewer
from wattseal.serve.web.evidence_words import EVIDENCE
from wattseal.serve.web.forms import Form, gone_to, sure, text_of
from wattseal.serve.web.guard import check_form
from wattseal.serve.web.pages.persons import person_of
from wattseal.serve.web.reasons import NOTES, REASONS
from wattseal.serve.web.render import render
from wattseal.serve.web.stop_words import STOPS
from wattseal.serve.web.texts import marked as _
from wattseal.serve.web.viewer import Looks, Req, needs

READ, READ_ENERGY, READ_BILLS, DECIDE = "transactions:read", "energy:read", "bills:read", "quarantine:decide"
PAGE = 50
MAX_CLOSING = 100
"""Characters of the reason for closing a session: it stands in a note."""
MAX_LOST = 20
"""Sessions without a stop that the page lists."""
_DONE = {"bill": _("Decided: it is billed."), "waive": _("Decided: nothing is charged."), "close": _("It is closed.")}


@dataclass(frozen=True, slots=True)
class Row:
    """A session that waits, and what is against billing it."""

    transaction: Transaction
    case: Case
    words: tuple[str, ...]
    is_broken: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A session with all a person decides on: `price` is what it comes to as measured, None where that is not known."""

    transaction: Transaction
    case: Case
    reasons: tuple[tuple[str, str], ...]
    rulings: tuple[tuple[str, int, Ruling], ...]
    price: Priced | None
    bill: Bill | None
    is_broken: bool

    @property
    def may_be_decided(self) -> bool:
        """Whether it is quarantined, or was decided and is not billed yet."""
        waits = self.case.standing[0] is Billing.QUARANTINED or self.transaction.ruling is not None
        return waits and self.bill is None and not self.transaction.active

    @property
    def may_be_billed(self) -> bool:
        """Whether a decision can make it billable at all."""
        return (self.transaction.energy_wh or 0) > 0 and self.case.standing[1] not in AT_BILLING


async def _is_broken(service: Service, transaction: Transaction) -> bool:
    """Return whether a signature in it is wrong, or one of its records was changed afterwards."""
    return has_invalid(transaction) or await broken_of(service.world, transaction.id) is not None


def words_of(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Return reasons in words (English); a code nobody gave words to stands for itself."""
    return tuple(REASONS.get(code, code) for code in codes)


@get("/quarantine", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def quarantine(request: Req, viewer: Looks, service: What, *, after: ShortQuery = None) -> Response[bytes]:
    """List what waits for a decision, and sessions whose stop is lost."""
    world = service.world
    page = await world.journal.documents(world.tenant, UNBILLED, active=False, after=after or "", limit=PAGE)
    found = [await transaction_by_id(world, document.key) for document in page]
    rows = [await _row(service, one) for one in found if one is not None]
    lost, _more = await listing(world, TRANSACTION, Transaction, Wanted(limit=MAX_LOST, active=True), _is_lost)
    return render(
        request,
        viewer,
        "quarantine.html",
        rows=rows,
        lost=lost,
        following=f"/quarantine?after={page[-1].key}" if len(page) == PAGE else None,
        energy=viewer.may(READ_ENERGY),
    )


def _is_lost(transaction: Transaction) -> bool:
    return any(note.code == "missing_stop" for note in transaction.alarms)


async def _row(service: Service, transaction: Transaction) -> Row:
    case = await case_of(service.world, service.proofs, transaction)
    return Row(transaction, case, words_of(case.reasons), await _is_broken(service, transaction))


@get("/quarantine/{key:str}", security=[{}], include_in_schema=False, guards=[needs(READ)])
async def quarantined(
    request: Req, viewer: Looks, service: What, key: FromPath[str], *, done: ShortQuery = None
) -> Response[bytes]:
    """Show one session with what speaks against billing it, what was signed, and the decisions on it."""
    return await _page(request, viewer, service, key, done=_DONE.get(done or "", ""))


async def _page(
    request: Req, viewer: Viewer, service: Service, key: str, *, status: int = 200, done: str = "", trouble: str = ""
) -> Response[bytes]:
    shown = await _shown(service, await _find(service, key))
    return render(
        request,
        viewer,
        "quarantined.html",
        status=status,
        shown=shown,
        t=shown.transaction,
        done=done,
        trouble=trouble,
        against=lambda note: bool(quarantine_reasons([note])),
        words={**EVIDENCE, **NOTES, **REASONS},
        stops=STOPS,
        energy=viewer.may(READ_ENERGY),
        bills=viewer.may(READ_BILLS),
        decides=viewer.may(DECIDE),
        grades=Grade,
        most=MAX_TEXT,
        most_closing=MAX_CLOSING,
    )


async def _shown(service: Service, transaction: Transaction) -> Shown:
    world = service.world
    case = await case_of(world, service.proofs, transaction)
    return Shown(
        transaction=transaction,
        case=case,
        reasons=tuple(zip(case.reasons, words_of(case.reasons), strict=True)),
        rulings=await rulings_of(world, transaction.id),
        price=await _price(service, transaction),
        bill=await bill_in_force(world, transaction.id),
        is_broken=await _is_broken(service, transaction),
    )


async def _price(service: Service, transaction: Transaction) -> Priced | None:
    if transaction.sealed or transaction.energy_wh is None or transaction.energy_wh <= 0:
        return None
    record = await tariff_record(service.world, await others_of(service.world, transaction))
    pricing = None if record is None else await price_of(service.world, transaction, record)
    return None if pricing is None else pricing.priced


@post("/quarantine/{key:str}", security=[{}], include_in_schema=False, guards=[needs(READ, DECIDE)])
async def decide_quarantined(
    request: Req, viewer: Looks, service: What, key: FromPath[str], data: Form
) -> Response[Any]:
    """Bill a session as measured, waive it, or close one whose stop is lost; signed, in the viewer's name."""
    check_form(request, viewer, data)
    transaction = await _find(service, key)
    what = data.get("verdict", "")
    try:
        await _decide(service, viewer, transaction, data)
    except InputError as error:
        return await _page(request, viewer, service, transaction.id, status=422, trouble=str(error))
    return gone_to(f"/quarantine/{transaction.id}", done=what)


async def _decide(service: Service, viewer: Viewer, transaction: Transaction, data: dict[str, str]) -> None:
    what, person = data.get("verdict", ""), person_of(viewer)
    if what == "close":
        text = text_of(data, "text", MAX_CLOSING, least=1)
        sure(data)
        await close_session(service.world, transaction.id, person, text)
        return
    if what not in {RulingVerdict.BILL, RulingVerdict.WAIVE}:
        raise InputError(_("say what you decide"), code="bad_verdict", subject="verdict")
    text = text_of(data, "text", MAX_TEXT, least=1)
    sure(data)
    decided = Decided(RulingVerdict(what), person, text, data.get("supersedes") or None)
    await rule(service.world, service.proofs, transaction.id, decided)


async def _find(service: Service, key: str) -> Transaction:
    found = await transaction_by_id(service.world, key[:64])
    if found is None:
        raise ProblemError(404, "not_found", _("there is no such session"))
    return found


ROUTES = (quarantine, quarantined, decide_quarantined)
