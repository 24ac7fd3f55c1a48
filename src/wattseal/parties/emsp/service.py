"""The eMSP as one object: what its HTTP service, its command line and its tests talk to. One call at a time."""

import base64
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wattseal.base.errors import InputError
from wattseal.bundle.build import openings_of
from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.crypto.keys import PublicKey
from wattseal.model.cdr import Cdr
from wattseal.model.provider import Account, Charge, ChargeStatus, Customer, Dispute
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp import cdrs, codes, offline
from wattseal.parties.emsp.authorise import authorise
from wattseal.parties.emsp.books import Entries, KeptBundle
from wattseal.parties.emsp.desk import Desk
from wattseal.parties.emsp.relay import receive_record
from wattseal.parties.emsp.settle import settle
from wattseal.parties.emsp.tariffs import receive_tariff
from wattseal.rules.holds import release, without_charge
from wattseal.rules.settlement import Contract
from wattseal.seal.groups import unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item

MAX_ITEMS_AT_ONCE = 64
ARCHIVED = (Group.METER, Group.OPS)
"""Groups an opened bundle shows: what was measured and when, not who the driver is."""


class Emsp:
    """An eMSP at work. Calls must not overlap; `InputError` means nothing was changed."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def start(self) -> None:
        """Check the books before opening the doors; `StoreError` where money does not add up."""
        await self.desk.books.check_sums()

    async def receive_items(self, contract: Contract, items: Sequence[bytes]) -> list[bytes]:
        """Take in records from a CPO, in order; returns a DECISION for each REQUEST, and stops of charges to end."""
        if len(items) > MAX_ITEMS_AT_ONCE:
            raise InputError(f"at most {MAX_ITEMS_AT_ONCE} items at once", code="limit_exceeded", subject="items")
        answers = []
        for item in [parse_item(data) for data in items]:
            match item.payload.kind:
                case Kind.REQUEST:
                    answers.append(await authorise(self.desk, contract, item))
                case Kind.TARIFF:
                    await receive_tariff(self.desk, contract, item)
                case _:
                    stop = await receive_record(self.desk, contract, item)
                    answers += [] if stop is None else [stop]
        return answers

    async def receive_bundle(self, contract: Contract, data: bytes) -> bytes:
        """Return the SETTLEMENT on a bundle."""
        return await settle(self.desk, contract, data)

    async def receive_cdr(self, contract: Contract, cdr: Cdr, raw: bytes) -> None:
        """Keep a CDR and compare it with what was settled."""
        await cdrs.receive_cdr(self.desk, contract, cdr, raw)

    async def cdr(self, contract: Contract, cdr_id: str) -> bytes | None:
        """Return a CDR as this CPO sent it."""
        return await cdrs.kept_cdr(self.desk, contract, cdr_id)

    async def put_customer(
        self, token: IdToken, status: TokenStatus, account: Account, card: TokenStatus | None = None
    ) -> Customer:
        """Make a customer, or change status and limit of one, or of the `card`; all else stays."""
        known = await self.desk.books.customer(token)
        good = TokenStatus.ACCEPTED
        if known is None:
            customer = Customer(token, status, Account(account.currency, account.limit), card=card or good)
        elif known.account.currency != account.currency:
            raise InputError("a customer's currency cannot change", code="other_currency", subject="currency")
        else:
            limited = replace(known.account, limit=account.limit)
            customer = replace(known, status=status, account=limited, card=card or known.card)
        await self.desk.books.commit(Entries(puts=[self.desk.books.put("customer", token.key(), customer)]))
        return customer

    async def put_card_key(self, token: IdToken, spki: bytes | None) -> Customer | None:
        """Enrol the key of a customer's card: from now on only requests that prove it are accepted.

        None takes it away, so that the bare number charges again. Returns None where there is no such customer.
        """
        known = await self.desk.books.customer(token)
        if known is None:
            return None
        key = None if spki is None else PublicKey.from_spki(spki).spki
        customer = replace(known, card_key=key)
        await self.desk.books.commit(Entries(puts=[self.desk.books.put("customer", known.id_token.key(), customer)]))
        return customer

    async def customers(self) -> list[Customer]:
        """Return all customers."""
        return [customer async for _, customer in self.desk.books.all("customer", Customer)]

    async def charges(self, *, active: bool | None = None) -> list[Charge]:
        """Return all charges, or those under way (`active`), or the others."""
        return [charge async for _, charge in self.desk.books.all("charge", Charge, active=active)]

    async def release_expired(self) -> int:
        """Give back holds of authorisations that ran out with nothing started; returns how many. Forget old codes."""
        await codes.forget_old(self.desk.books)
        now_ms, released = self.desk.books.now_ms(), 0
        for charge in await self.charges(active=True):
            if charge.status is ChargeStatus.AUTHORISED and now_ms > charge.expires_ms:
                await self._release(replace(charge, status=ChargeStatus.EXPIRED))
                released += 1
        return released

    async def release_hold(self, subject: bytes) -> Charge | None:
        """Give the hold of a disputed charge back, on a person's word; a bundle that proves it later is still paid."""
        charge = await self.desk.books.charge(subject)
        if charge is None:
            return None
        if charge.status is not ChargeStatus.DISPUTED:
            raise InputError(
                "only a disputed charge's hold is given back by hand", code="not_disputed", subject="status"
            )
        return await self._release(replace(charge, alarms=charge.with_alarm("hold_released")))

    async def _release(self, charge: Charge) -> Charge:
        entries, books = Entries(), self.desk.books
        customer = await books.get("customer", charge.customer or "", Customer)
        if customer is not None and charge.hold is not None:
            account, hold = release(customer.account, charge.hold)
            charge = replace(charge, hold=hold)
            freed = without_charge(customer, account, charge.subject)
            entries.puts.append(books.put("customer", customer.id_token.key(), freed))
        entries.puts.append(books.put_charge(charge))
        await books.commit(entries)
        return charge

    async def make_directory(self, edge_spki: bytes, *, days: int = 30, cap_wh: int = 30_000) -> bytes:
        """Return the sealed directory of customers for an enrolled edge."""
        return await offline.make_directory(self.desk, edge_spki, days=days, cap_wh=cap_wh)

    async def opened_bundle(self, subject: bytes) -> bytes | None:
        """Return the bundle a charge's verdict rests on, with the groups in `ARCHIVED` opened and the settlement."""
        charge = await self.desk.books.charge(subject)
        if charge is None or charge.bundle is None:
            return None
        kept = await self.desk.books.get("bundle", f"{charge.subject}/{charge.bundle}", KeptBundle)
        if kept is None:
            return None
        bundle = parse_bundle(base64.b64decode(kept.bundle))
        settlement = parse_item(base64.b64decode(kept.answer))
        others = {i.hash: i for i in (*bundle.others, settlement)}
        opened = {(o.payload_hash, o.gid): o for o in bundle.openings}
        for item in (*bundle.items, *others.values()):
            secrets = self._secrets(bundle, item)
            opened |= {(o.payload_hash, o.gid): o for o in openings_of([item], ARCHIVED, secrets)}
        return replace(bundle, others=tuple(others.values()), openings=tuple(opened.values())).encode()

    def _secrets(self, bundle: Bundle, item: Item) -> dict[int, bytes]:
        """Return the group secrets of the item's transaction, from whichever record hands them out."""
        secrets: dict[int, bytes] = {}
        for source in (item, *bundle.items, *bundle.others):
            same = (source.payload.origin, source.payload.subject) == (item.payload.origin, item.payload.subject)
            for gid in ARCHIVED if same else ():
                if gid not in secrets and (secret := unwrap(source, gid, self.desk.keys.seal)) is not None:
                    secrets[gid] = secret
        return secrets


def charge_to_json(charge: Charge) -> dict[str, Any]:
    """Return a charge as the sessions view tells it; energies, money and hashes as text."""
    bill, metered = charge.bill, charge.metered
    energy_wh = bill.energy_wh if bill else None
    running = (
        None if metered.register_wh is None or metered.start_wh is None else metered.register_wh - metered.start_wh
    )
    return {
        "subject": charge.subject,
        "cpo": charge.cpo,
        "station": charge.station,
        "origin": charge.origin,
        "evse_id": charge.evse_id,
        "status": charge.status.value,
        "token_status": charge.token_status.value,
        "reason": charge.reason,
        "verdict": "accepted" if bill else "disputed" if charge.dispute else None,
        "energy_wh": None if energy_wh is None else format(energy_wh, "f"),
        "metered_wh": None if running is None else format(running, "f"),
        "grade": bill.grade.name if bill else None,
        "source": bill.source.value if bill else None,
        "cost": _cost(charge),
        "hold": None
        if charge.hold is None
        else {
            "amount": format(charge.hold.amount, "f"),
            "currency": charge.hold.currency,
            "state": charge.hold.state.value,
            "captured": format(charge.hold.captured, "f"),
        },
        "cap_wh": charge.cap_wh,
        "dispute": _dispute(charge.dispute),
        "cdr": charge.cdr,
        "cdr_dispute": _dispute(charge.cdr_dispute),
        "alarms": list(charge.alarms),
        "decision": charge.decision or None,
        "tariff": charge.tariff,
        "ended": charge.ended,
        "settlement": charge.settlement,
        "bundle": charge.bundle,
        "auth_id": charge.auth_id or None,
        "identity_level": charge.identity_level,
    }


def _cost(charge: Charge) -> dict[str, str] | None:
    bill = charge.bill
    if bill is None:
        return None
    return {
        "currency": bill.currency,
        "excl_vat": format(bill.total_excl_vat, "f"),
        "incl_vat": format(bill.total_incl_vat, "f"),
    }


def _dispute(dispute: Dispute | None) -> dict[str, Any] | None:
    if dispute is None:
        return None
    return {
        "step": dispute.step,
        "reason": dispute.reason,
        "field": dispute.field,
        "record": dispute.record,
        "detail": dispute.detail,
    }
