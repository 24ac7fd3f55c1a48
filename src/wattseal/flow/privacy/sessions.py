"""One session of a driver's, with all that is known of it."""

from decimal import Decimal
from typing import Any

import msgspec

from wattseal.base.errors import WattsealError
from wattseal.base.ids import Subject
from wattseal.flow.charges.bundling import NotYet, Proofs, assemble, others_of, price_of, tariff_record
from wattseal.flow.charges.charge_details import remote_start_of
from wattseal.flow.charges.charged_token import charged_token
from wattseal.flow.charges.measured import readings_of
from wattseal.flow.charges.reproof import BROKEN, broken_of
from wattseal.flow.documents import TRANSACTION
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.money.rulings import rulings_of
from wattseal.flow.privacy.plain import Row, plain
from wattseal.flow.turn import transaction_by_id
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.transaction import Transaction
from wattseal.seal.item import Kind


async def bundle_file(world: World, proofs: Proofs, session: str) -> bytes | str:
    """Return a session's evidence as a `.wsb` file, or why there is none: active, checkpoint, unreadable."""
    transaction = await transaction_by_id(world, session)
    if transaction is None:
        return "unreadable"
    try:
        made = await assemble(world, proofs, transaction, billing_party=False)
        return made.reason if isinstance(made, NotYet) else made.encode()
    except (WattsealError, KeyError):
        return "unreadable"


async def session_row(world: World, session: str, evidence: str) -> Row | None:
    """Return everything about a session. What of its records cannot be read any more is left out and said."""
    transaction = await transaction_by_id(world, session)
    if transaction is None:
        return None
    row = plain(TRANSACTION, transaction)
    site = await site_of(world, transaction.station_id)
    bill = await bill_in_force(world, session)
    row |= {
        "energy_wh": None if transaction.energy_wh is None else format(transaction.energy_wh, "f"),
        "place": None if site is None else plain("site", site),
        "begun_remotely": await remote_start_of(world, transaction) is not None,
        "bill": None if bill is None else bill.id,
        "charged": None if bill is None else format(charged(bill), "f"),
        "currency": None if bill is None else bill.currency,
        "evidence": evidence,
    }
    broken = await broken_of(world, session)
    row["broken"] = None if broken is None else plain(BROKEN, broken)
    try:
        row |= await _recorded(world, transaction)
    except (WattsealError, KeyError):
        row["records_unreadable"] = True
    return row


def charged(bill: Bill) -> Decimal:
    """Return what a bill comes to, taxes included."""
    return bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax


async def _recorded(world: World, transaction: Transaction) -> Row:
    """Return what only the records say: the card, the readings, the price step by step, people's decisions."""
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id)))
    records = [
        {
            "kind": Kind(one.item.kind).name.lower(),
            "at_ms": one.item.recorded_at_ms,
            "hash": one.item.payload_hash.hex(),
            "log_index": one.log_index,
        }
        for one in kept
    ]
    decisions = [
        {
            "at_ms": at_ms,
            "record": record,
            "verdict": ruling.verdict.value,
            "why": ruling.text,
            "reasons": list(ruling.reasons),
        }
        for record, at_ms, ruling in await rulings_of(world, transaction.id)
    ]
    card = await charged_token(world, transaction)
    readings = await readings_of(world, transaction)
    tariff = await tariff_record(world, await others_of(world, transaction))
    pricing = None if tariff is None else await price_of(world, transaction, tariff)
    return {
        "card": None if card is None else plain("token", card),
        "readings": [{"at_ms": p.ms, "register_wh": _digits(p.register_wh)} for p in readings],
        "price_steps": [] if pricing is None else [_step(line) for line in pricing.priced.trace],
        "decisions": decisions,
        "records": records,
    }


def _digits(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _step(line: object) -> Any:
    """Return a line of a price; an amount that has no end in decimals stays a fraction, as text."""
    return msgspec.to_builtins(line, enc_hook=str)
