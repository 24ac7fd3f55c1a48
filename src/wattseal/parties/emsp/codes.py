"""Codes of this eMSP's apps: an alias for each app of a customer, signing codes, and judging one that a CPO sends back.

An app is blocked by its alias, a card by its number: neither takes the other with it.
"""

from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.flow.documents import removal
from wattseal.model.provider import App, Customer, UsedCode
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.books import Books, Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.rules.app_codes import KEPT_S, KIND, LIFE_S, MAX_LIFE_S, Verifier, fault_of
from wattseal.seal.app_code import ALIAS_BYTES, ID_BYTES, AppCode, AppCodeError, ShownCode, read_bytes, text_of
from wattseal.seal.fields import Identity
from wattseal.seal.item import Item

APP, CODE = "app", "code"
"""Kinds of documents: an app, by its alias in hex; a code that was used, by its end and reference."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a code is to be good: a CPO's station, and which of its EVSEs."""

    cpo: str
    station_id: str
    evse_id: int


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose code it is, and what is to be remembered once it lets a charge begin."""

    customer: Customer
    reference: bytes
    used_key: str


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
    fault = fault_of(shown, at, rest.partition("~")[0], evse_id or 0)
    if fault is None and shown.code.issuer != desk.party:
        return NotGood("code_of_another_party")
    return NotGood(f"code_{fault}") if fault is not None else await _owner(desk, shown)


async def _owner(desk: Desk, shown: ShownCode) -> Owner | NotGood:
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
    return Owner(customer, code.reference, key)


def used(books: Books, owner: Owner, subject: str, entries: Entries) -> None:
    """Note in a step that a code lets a charge begin, and no other."""
    entries.puts.append(books.put(CODE, owner.used_key, UsedCode(subject)))


async def forget_old(books: Books) -> int:
    """Forget codes that nobody could use any more; return how many."""
    limit = f"{books.now_ms() // 1000 - KEPT_S:013d}"
    old = [key async for key, _ in books.all(CODE, UsedCode) if key < limit]
    if old:
        await books.commit(Entries(puts=[removal(CODE, key, books.now_ms()) for key in old]))
    return len(old)
