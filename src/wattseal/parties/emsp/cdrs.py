"""CDRs: what a CPO asks for, against what its own evidence came to."""

import base64
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.model.cdr import Cdr
from wattseal.model.provider import Charge, ChargeStatus, Customer
from wattseal.parties.emsp.books import Authorised, Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.parties.emsp.tariffs import tariff_of
from wattseal.rules.holds import capture, refund
from wattseal.rules.settlement import Contract, compare_amounts


@dataclass(frozen=True, slots=True)
class KeptCdr:
    """A CDR as received, and the amounts it asks for; `subject` (hex) is the charge's, None where there is none.

    `credits` is the id of the CDR that it takes back.
    """

    id: str
    cpo: str
    raw: bytes
    subject: str | None
    energy_wh: Decimal
    currency: str
    before_tax: Decimal
    after_tax: Decimal | None
    credits: str | None = None


async def receive_cdr(desk: Desk, contract: Contract, cdr: Cdr, raw: bytes) -> None:
    """Keep a CDR for ever and compare it with the charge it is for.

    CDRs are immutable: the same id with other contents is an `InputError` and changes nothing. A credit CDR that takes
    back exactly what the charge's CDR asked for gives the customer that money back; a CDR after it asks for what is
    left. Any other credit CDR is kept and flagged, and moves nothing.
    """
    _check_party(desk, contract, cdr)
    key = _key(contract, cdr.id)
    known = await desk.books.get("cdr", key, KeptCdr)
    if known is not None and known.raw != raw:
        raise InputError("a CDR with this id has been received with other contents", code="cdr_changed", subject=cdr.id)
    if known is not None:
        return
    charge = await _charge_of(desk, contract, cdr)
    if charge is not None:
        await _check_name(desk, charge, cdr)
    kept = KeptCdr(
        id=cdr.id,
        cpo=contract.party,
        raw=raw,
        subject=charge.subject if charge else None,
        energy_wh=cdr.total_energy_kwh.scaleb(3),
        currency=cdr.currency,
        before_tax=cdr.total_cost.before_tax,
        after_tax=cdr.total_cost.after_tax,
        credits=cdr.credit_reference_id if cdr.credit else None,
    )
    entries = Entries(puts=[desk.books.put("cdr", key, kept)])
    if charge is not None:
        entries.puts.append(
            desk.books.put_charge(await _taken(desk, entries, contract, charge, kept, credit=cdr.credit))
        )
    await desk.books.commit(entries)


def _check_party(desk: Desk, contract: Contract, cdr: Cdr) -> None:
    """Refuse (`party_of_another`) the party id of another partner, and a country that is not this one's.

    Ids and countries are compared without case (OCPI 2.2.1, CiString).
    """
    others = {c.party.casefold() for c in desk.contracts.values()} - {contract.party.casefold()}
    if cdr.party_id.casefold() in others:
        raise InputError("a CDR in another partner's name", code="party_of_another", subject="party_id")
    if contract.country is not None and cdr.country_code.casefold() != contract.country.casefold():
        text = f"this partner is a party of {contract.country}, the CDR names another country"
        raise InputError(text, code="party_of_another", subject="country_code")


async def _check_name(desk: Desk, charge: Charge, cdr: Cdr) -> None:
    """Refuse (`party_of_another`) a CDR in another name, country and id, than the tariff that the CPO signed for it."""
    tariff = await tariff_of(desk, charge)
    if tariff is None:
        return
    for field, told, signed in (
        ("country_code", cdr.country_code, tariff.country_code),
        ("party_id", cdr.party_id, tariff.party_id),
    ):
        if told.casefold() != signed.casefold():
            text = f"the tariff of this charge is of {tariff.country_code}*{tariff.party_id}; send the CDR in that name"
            raise InputError(text, code="party_of_another", subject=field)


async def _taken(
    desk: Desk, entries: Entries, contract: Contract, charge: Charge, kept: KeptCdr, *, credit: bool
) -> Charge:
    """Return the charge with a CDR that is new; what that does to the customer's account goes into `entries`."""
    if credit:
        alarmed = replace(charge, alarms=charge.with_alarm("credit_cdr"))
        first = None if charge.cdr is None else await desk.books.get("cdr", _key(contract, charge.cdr), KeptCdr)
        if charge.status is not ChargeStatus.SETTLED or first is None or not _takes_back(kept, first):
            return alarmed
        return await _moved(desk, entries, replace(alarmed, status=ChargeStatus.CREDITED), None)
    if charge.status is ChargeStatus.CREDITED and _is_less(kept, charge):
        asked = kept.before_tax if kept.after_tax is None else kept.after_tax
        settled = replace(charge, cdr=kept.id, status=ChargeStatus.SETTLED)
        return await _moved(desk, entries, settled, asked)
    if charge.cdr is not None:
        return replace(charge, alarms=charge.with_alarm("second_cdr"))
    return _compared(replace(charge, cdr=kept.id), kept)


def _takes_back(credit: KeptCdr, first: KeptCdr) -> bool:
    """Return whether a credit CDR takes back just what the first one asked for (OCPI 2.2.1, module cdrs)."""
    asked = (
        first.id.casefold(),
        first.currency,
        -first.before_tax,
        None if first.after_tax is None else -first.after_tax,
    )
    return ((credit.credits or "").casefold(), credit.currency, credit.before_tax, credit.after_tax) == asked


def _is_less(kept: KeptCdr, charge: Charge) -> bool:
    """Return whether a CDR in place of one taken back asks for no more than the evidence came to."""
    bill = charge.bill
    if bill is None or kept.currency != bill.currency or not 0 <= kept.energy_wh <= bill.energy_wh:
        return False
    asked = kept.before_tax if kept.after_tax is None else kept.after_tax
    return 0 <= kept.before_tax <= bill.total_excl_vat and asked <= bill.total_incl_vat


async def _moved(desk: Desk, entries: Entries, charge: Charge, cost: Decimal | None) -> Charge:
    """Give the customer back what was captured, or capture `cost` anew."""
    customer = await desk.books.get("customer", charge.customer, Customer) if charge.customer else None
    if customer is None or charge.hold is None:
        return charge
    account, hold = (
        refund(customer.account, charge.hold) if cost is None else capture(customer.account, charge.hold, cost)
    )
    entries.puts.append(desk.books.put("customer", customer.id_token.key(), replace(customer, account=account)))
    return replace(charge, hold=hold)


def _compared(charge: Charge, kept: KeptCdr) -> Charge:
    if charge.bill is None:
        return charge
    dispute = compare_amounts(charge.bill, kept.energy_wh, kept.currency, kept.before_tax, kept.after_tax)
    return replace(charge, cdr_dispute=dispute)


async def compare_with_cdr(desk: Desk, charge: Charge) -> Charge:
    """Compare a charge that has just been settled with a CDR that came before its bundle."""
    if charge.cdr is None:
        return charge
    kept = await desk.books.get("cdr", f"{charge.cpo}/{charge.cdr}", KeptCdr)
    return charge if kept is None else _compared(charge, kept)


async def kept_cdr(desk: Desk, contract: Contract, cdr_id: str) -> bytes | None:
    """Return a CDR's JSON as this CPO sent it."""
    kept = await desk.books.get("cdr", _key(contract, cdr_id), KeptCdr)
    return None if kept is None else kept.raw


async def _charge_of(desk: Desk, contract: Contract, cdr: Cdr) -> Charge | None:
    """Find the charge by its session id (the subject) or by the authorisation's id, hex or base32."""
    for reference in filter(None, (cdr.session_id, cdr.authorization_reference)):
        for spelt in _spellings(reference):
            known = await desk.books.get("authorisation", spelt.hex(), Authorised)
            charge = await desk.books.charge(bytes.fromhex(known.subject) if known else spelt)
            if charge is not None and charge.cpo == contract.party:
                return charge
    return None


def _spellings(reference: str) -> list[bytes]:
    found = []
    with suppress(ValueError):
        found.append(bytes.fromhex(reference))
    with suppress(ValueError):
        found.append(base64.b32decode(reference.upper() + "=" * (-len(reference) % 8)))
    return found


def _key(contract: Contract, cdr_id: str) -> str:
    return f"{contract.party}/{cdr_id}"
