"""Codes of this eMSP's apps: an alias for each app of a customer, signing codes, and judging one that a CPO sends back.

An app is blocked by its alias, a card by its number: neither takes the other with it.
"""

from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.flow.documents import removal
from wattseal.model.provider import App, Charge, ChargeStatus, Customer, Drawn, UsedCode
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.books import Books, Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.rules.app_codes import KEPT_S, KIND, LIFE_S, MAX_LIFE_S, Verifier, fault_of
from wattseal.rules.holds import release, without_charge
from wattseal.seal.app_code import ALIAS_BYTES, ID_BYTES, AppCode, AppCodeError, ShownCode, read_bytes, text_of
from wattseal.seal.fields import Identity
from wattseal.seal.item import Item
from wattseal.seal.registry import Role

APP, CODE, DRAWN = "app", "code", "drawn"
"""Kinds of documents: an app, by its alias in hex; a code that was used, by its end and reference; a drawn token."""
_OWN_SIGNERS = frozenset({Role.EDGE, Role.STATION})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a code is to be good: a CPO's station, and which of its EVSEs."""

    cpo: str
    station_id: str
    evse_id: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose code it is, and what is to be remembered once it lets a charge begin.

    `token` is the canonical form of the one drawn for the charge, `place` where; `before` is the charge that this one
    takes the place of, as it is then.
    """

    customer: Customer
    reference: bytes
    used_key: str
    token: str
    place: Place
    before: Charge | None = None


@dataclass(frozen=True, slots=True)
class NotGood:
    """A code is refused, and why."""

    reason: str
    status: TokenStatus = TokenStatus.INVALID


async def put_app(desk: Desk, token: IdToken, alias: str | None, status: TokenStatus) -> tuple[str, App]:
    """Give a customer's app an alias, or change the status of one (`unknown_app` where there is none such)."""
    customer = await desk.books.customer(token)
    if customer is None:
        raise InputError("there is no such customer", code="unknown_customer", subject="id_token")
    if alias is None:
        alias = desk.books.random.bytes(ALIAS_BYTES).hex()
        app = App(customer.id_token.key(), status)
    else:
        known = await desk.books.get(APP, alias, App)
        if known is None or known.customer != customer.id_token.key():
            raise InputError("this customer has no such app", code="unknown_app", subject="alias")
        app = replace(known, status=status)
    await desk.books.commit(Entries(puts=[desk.books.put(APP, alias, app)]))
    return alias, app


async def apps(desk: Desk) -> list[tuple[str, App]]:
    """Return all apps by their aliases."""
    return [found async for found in desk.books.all(APP, App)]


async def issue(desk: Desk, alias: str, place: Place, life_s: int = LIFE_S) -> tuple[AppCode, str]:
    """Sign a code for an app; returns it and its text. `InputError` where the app or its customer may not charge."""
    if not 1 <= life_s <= MAX_LIFE_S:
        raise InputError(f"a code is good for 1 to {MAX_LIFE_S} seconds", code="bad_field", subject="valid_s")
    if place.cpo not in desk.contracts:
        raise InputError("there is no contract with this CPO", code="unknown_cpo", subject="cpo")
    app = await desk.books.get(APP, alias, App)
    if app is None or app.status is not TokenStatus.ACCEPTED:
        raise InputError("there is no such app, or it is blocked", code="unknown_app", subject="alias")
    customer = await desk.books.get("customer", app.customer, Customer)
    if customer is None or customer.status is not TokenStatus.ACCEPTED:
        raise InputError("this customer may not charge", code="customer_status", subject="alias")
    now_s, number = desk.books.now_ms() // 1000, desk.books.random.bytes(ID_BYTES)
    code = AppCode(desk.party, bytes.fromhex(alias), place.station_id, place.evse_id, now_s, now_s + life_s, number)
    return code, text_of(code.sign(desk.keys.sign, place.cpo))


async def owner_of(desk: Desk, request: Item, evse_id: int | None, identity: Identity) -> Owner | NotGood:
    """Return whose code a request shows; what is refused here was good for nothing, whatever the CPO has made of it."""
    kind, data = identity.shown or ("", b"")
    if kind != KIND:
        return NotGood("shown_unknown")
    try:
        shown = read_bytes(data)
    except AppCodeError:
        return NotGood("code_malformed")
    cpo, _, rest = request.payload.origin.partition("/")
    at = Verifier(cpo, desk.registry, desk.books.now_ms())
    place = Place(cpo, rest.partition("~")[0], evse_id or 0)
    fault = fault_of(shown, at, place.station_id, place.evse_id)
    if fault is None and shown.code.issuer != desk.party:
        return NotGood("code_of_another_party")
    if fault is not None:
        return NotGood(f"code_{fault}")
    return await _owner(desk, shown, IdToken(identity.id_token, identity.type).key(), place)


async def _owner(desk: Desk, shown: ShownCode, token: str, place: Place) -> Owner | NotGood:
    code = shown.code
    key = f"{code.expires_s:013d}-{code.reference.hex()}"
    if await desk.books.get(CODE, key, UsedCode) is not None:
        return NotGood("code_used")
    app = await desk.books.get(APP, code.alias.hex(), App)
    customer = None if app is None else await desk.books.get("customer", app.customer, Customer)
    if app is None or customer is None:
        return NotGood("unknown_app", TokenStatus.UNKNOWN)
    if app.status is not TokenStatus.ACCEPTED:
        return NotGood("app_status", app.status)
    return Owner(customer, code.reference, key, token, place)


async def owner_of_drawn(desk: Desk, request: Item, evse_id: int | None, identity: Identity) -> Owner | NotGood | None:
    """Return for whom a CPO drew the token that a station's own signer asks about; None where it is no such token.

    The station begins what its CPO was granted on the code: that grant gives way to this one. A CPO itself cannot ask
    twice.
    """
    token = IdToken(identity.id_token, identity.type).key()
    drawn = await desk.books.get(DRAWN, token, Drawn)
    if drawn is None:
        return None
    signed = None if request.signature is None else desk.registry.by_kid(request.signature.kid)
    before = await desk.books.charge(bytes.fromhex(drawn.subject))
    customer = await desk.books.get("customer", drawn.customer, Customer)
    here = request.payload.origin == f"{drawn.cpo}/{drawn.station}" and evse_id in {None, 0, drawn.evse_id}
    if signed is None or signed.role not in _OWN_SIGNERS or not here or customer is None or before is None:
        return NotGood("code_other_place")
    if before.status is not ChargeStatus.AUTHORISED or before.hold is None or desk.books.now_ms() >= drawn.until_ms:
        return NotGood("code_used")
    account, hold = release(customer.account, before.hold)
    freed = without_charge(customer, account, before.subject)
    given_way = replace(before, status=ChargeStatus.EXPIRED, hold=hold)
    place = Place(drawn.cpo, drawn.station, drawn.evse_id)
    return Owner(freed, bytes.fromhex(drawn.reference), "", token, place, given_way)


def used(books: Books, owner: Owner, charge: Charge, entries: Entries) -> None:
    """Note in a step that a code lets a charge begin, and no other, and for whom the token was drawn."""
    if owner.before is None:
        entries.puts.append(books.put(CODE, owner.used_key, UsedCode(charge.subject)))
    else:
        entries.puts.append(books.put_charge(owner.before))
    at = owner.place
    drawn = Drawn(
        owner.customer.id_token.key(),
        owner.reference.hex(),
        at.cpo,
        at.station_id,
        at.evse_id,
        charge.expires_ms,
        charge.subject,
    )
    entries.puts.append(books.put(DRAWN, owner.token, drawn))


async def forget_old(books: Books) -> int:
    """Forget codes that nobody could use any more; return how many."""
    limit = f"{books.now_ms() // 1000 - KEPT_S:013d}"
    now_ms = books.now_ms()
    old = [key async for key, _ in books.all(CODE, UsedCode) if key < limit]
    puts = [removal(CODE, key, now_ms) for key in old]
    puts += [removal(DRAWN, key, now_ms) async for key, one in books.all(DRAWN, Drawn) if one.until_ms <= now_ms]
    if puts:
        await books.commit(Entries(puts=puts))
    return len(old)
