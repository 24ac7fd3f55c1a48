"""Deciding on a request: one signed decision, with a hold on the customer's account before the relay closes."""

from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.base.ids import Origin
from wattseal.model.identity_level import SECURE, TRUSTED, level_of
from wattseal.model.provider import NOT_FRESH, Charge, ChargeStatus, Customer, Hold
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.books import Authorised, Entries
from wattseal.parties.emsp.codes import NotGood, Owner, owner_of, owner_of_drawn, used
from wattseal.parties.emsp.desk import Desk
from wattseal.parties.emsp.tariffs import SignedTariff, tariff_at
from wattseal.rules.affordable import affordable_wh
from wattseal.rules.holds import place, with_charge
from wattseal.rules.settlement import Contract
from wattseal.seal.card import KIND as CARD
from wattseal.seal.card import check_proof, read_proof
from wattseal.seal.fields import Decision, Identity, Ops
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.writer import Draft, SubjectKeys

AUTH_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer to a request and why; a hold only with ACCEPTED. `identified` is as in the decision on it."""

    status: TokenStatus
    reason: str | None
    customer: Customer | None = None
    hold: Hold | None = None
    code: Owner | None = None
    identified: tuple[str, bytes] | None = None


async def authorise(desk: Desk, contract: Contract, item: Item) -> bytes:
    """Return the encoded DECISION on a REQUEST; the same one however often the same request comes.

    A request whose signature does not hold is declined without being remembered: whoever sends a spoilt copy ahead
    spoils nothing for the genuine one.
    """
    subject = item.payload.subject
    if item.payload.kind != Kind.REQUEST or subject is None:
        raise InputError("not an authorisation request", code="not_a_request", subject="kind")
    distrust = desk.distrusts(item, contract)
    known = await desk.books.charge(subject)
    if distrust is None and known is not None and known.request == item.hash.hex():
        return await _decision_given(desk, subject, known)
    if distrust is not None or known is not None:
        refused = Ruling(TokenStatus.INVALID, distrust or "subject_used")
        return (await _decide(desk, contract, item, refused, remember=False)).encode()
    tariff = await tariff_at(desk, contract.party, item.payload.origin, desk.books.now_ms())
    ruling = await _rule(desk, contract, item, tariff)
    return (await _decide(desk, contract, item, ruling, tariff, remember=True)).encode()


async def _decision_given(desk: Desk, subject: bytes, known: Charge) -> bytes:
    for item in await desk.books.items_of(subject):
        if item.hash.hex() == known.decision:
            return item.encode()
    raise InputError("the decision on this request is not in the books", code="decision_missing", subject=known.subject)


async def _rule(desk: Desk, contract: Contract, item: Item, tariff: SignedTariff | None) -> Ruling:
    age_ms = desk.books.now_ms() - item.payload.ms
    if not -desk.terms.clock_skew_ms <= age_ms <= desk.terms.request_age_ms:
        return Ruling(TokenStatus.INVALID, NOT_FRESH)
    ops = _ops(desk, item)
    if ops.route not in {None, desk.party}:
        return Ruling(TokenStatus.INVALID, "routed_to_another_party")
    content = desk.read_group(item, Group.IDENTITY)
    if isinstance(content, str):
        return Ruling(TokenStatus.INVALID, content)
    identity = Identity.read(content.fields)
    if identity.shown is None or identity.shown[0] == CARD:
        return await _by_token(desk, contract, item, identity, tariff)
    return _by_code(desk, item, tariff, await owner_of(desk, item, ops.evse_id, identity))


def _by_code(desk: Desk, item: Item, tariff: SignedTariff | None, code: Owner | NotGood) -> Ruling:
    """Decide for the owner of a code."""
    if isinstance(code, NotGood):
        return Ruling(code.status, code.reason)
    identified = (TRUSTED, code.reference)
    return replace(_afforded(desk, item, code.customer, tariff), code=code, identified=identified)


async def _by_token(
    desk: Desk, contract: Contract, item: Item, identity: Identity, tariff: SignedTariff | None
) -> Ruling:
    """Decide on a number, and on a card that has to prove itself where one is enrolled with it."""
    customer = await desk.books.customer(IdToken(identity.id_token, identity.type))
    if customer is None:
        drawn = await owner_of_drawn(desk, item, _ops(desk, item).evse_id, identity)
        unknown = Ruling(TokenStatus.UNKNOWN, "unknown_token")
        return unknown if drawn is None else _by_code(desk, item, tariff, drawn)
    if customer.card is not TokenStatus.ACCEPTED:
        return Ruling(customer.card, "card_status", customer)
    ruling, spki = _afforded(desk, item, customer, tariff), customer.card_key
    if spki is None:
        return ruling
    unproved = check_proof(item, identity, _ops(desk, item).evse_id or 0, contract.log_origin, spki)
    if unproved is not None:
        return Ruling(TokenStatus.INVALID, unproved, customer)
    proof = read_proof(identity)
    return replace(ruling, identified=None if proof is None else (SECURE, proof.reference))


def _afforded(desk: Desk, item: Item, customer: Customer, tariff: SignedTariff | None) -> Ruling:
    """Accept a customer that may charge, as far as there is money to hold for it."""
    if customer.status is not TokenStatus.ACCEPTED:
        return Ruling(customer.status, "customer_status", customer)
    if tariff is not None and tariff.tariff.currency != customer.account.currency:
        return Ruling(TokenStatus.NO_CREDIT, "other_currency", customer)
    placed = place(customer.account, desk.terms.hold, desk.terms.least_hold)
    if placed is None:
        return Ruling(TokenStatus.NO_CREDIT, "no_credit", customer)
    account, hold = placed
    charging = with_charge(customer, account, (item.payload.subject or b"").hex())
    return Ruling(TokenStatus.ACCEPTED, None, charging, hold)


def _ops(desk: Desk, item: Item) -> Ops:
    """Return what the request says of route and EVSE, as far as this side may read it."""
    content = desk.read_group(item, Group.OPS)
    return Ops() if isinstance(content, str) else Ops.read(content.fields)


async def _decide(
    desk: Desk, contract: Contract, request: Item, ruling: Ruling, tariff: SignedTariff | None = None, *, remember: bool
) -> Item:
    books, now_ms = desk.books, desk.books.now_ms()
    subject = request.payload.subject or b""
    cap_wh = None
    if ruling.hold is not None:
        agreed = tariff.tariff if tariff else None
        cap_wh = affordable_wh(agreed, ruling.hold.amount, desk.terms.max_session_wh, now_ms)
    accepted = ruling.status is TokenStatus.ACCEPTED
    expires_ms = now_ms + (desk.terms.decision_ms if accepted else 0)
    identified = ruling.identified if accepted else None
    decision = Decision(ruling.status, books.random.bytes(AUTH_ID_BYTES), expires_ms, cap_wh, identified=identified)
    refs = (request.hash, tariff.record) if tariff and accepted else (request.hash,)
    draft = Draft(Kind.DECISION, now_ms, ClockQuality.SYNCHRONISED, refs=refs, public=decision.to_public())
    entries = Entries()
    stream = await books.stream_of(entries, contract.party)
    keys = SubjectKeys(subject, books.random.bytes(32))
    item = await books.write(entries, desk.authorisation_writer(contract), stream, draft, keys)
    if remember:
        entries.items.append(books.keep(request))
        charge = _charge(
            desk, contract, request, item, decision, ruling=ruling, tariff=tariff.record.hex() if tariff else None
        )
        entries.puts.append(books.put_charge(await _flag_concurrent_use(desk, entries, ruling, charge)))
        entries.puts.append(books.put("authorisation", charge.auth_id, Authorised(charge.subject)))
        if accepted and ruling.code is not None:
            used(books, ruling.code, charge, entries)
        if ruling.customer is not None and ruling.hold is not None:
            key = ruling.customer.id_token.key()
            entries.puts.append(books.put("customer", key, ruling.customer))
    await books.commit(entries)
    return item


def _charge(
    desk: Desk,
    contract: Contract,
    request: Item,
    item: Item,
    decision: Decision,
    *,
    ruling: Ruling,
    tariff: str | None,
) -> Charge:
    payload = request.payload
    accepted = decision.status is TokenStatus.ACCEPTED
    return Charge(
        subject=(payload.subject or b"").hex(),
        cpo=contract.party,
        origin=Origin(payload.origin),
        evse_id=_ops(desk, request).evse_id or 0,
        request=request.hash.hex(),
        decision=item.hash.hex(),
        tariff=tariff,
        status=ChargeStatus.AUTHORISED if accepted else ChargeStatus.DECLINED,
        token_status=decision.status,
        reason=ruling.reason,
        customer=ruling.customer.id_token.key() if ruling.customer else None,
        requested_ms=desk.books.now_ms(),
        expires_ms=decision.expires_ms,
        auth_id=decision.auth_id.hex(),
        cap_wh=decision.cap_wh,
        hold=ruling.hold,
        identity_level=_level(ruling) if accepted else None,
    )


def _level(ruling: Ruling) -> str | None:
    """Return how sure it is who charges."""
    if ruling.identified is not None:
        return ruling.identified[0]
    return None if ruling.customer is None else level_of(ruling.customer.id_token.type)


async def _flag_concurrent_use(desk: Desk, entries: Entries, ruling: Ruling, charge: Charge) -> Charge:
    """Flag this charge and any that the same customer has running at another station: one card, two places.

    Both stay authorised: a family may share a contract, and which of two is the clone nobody can tell from here.
    """
    flagged = charge
    for subject in ruling.customer.open_charges if ruling.customer else ():
        other = await desk.books.charge(bytes.fromhex(subject))
        if other is None or other.status is not ChargeStatus.CHARGING or other.origin == charge.origin:
            continue
        alarmed = replace(other, alarms=other.with_alarm("concurrent_use"))
        entries.puts.append(desk.books.put_charge(alarmed))
        flagged = replace(flagged, alarms=flagged.with_alarm("concurrent_use"))
    return flagged
