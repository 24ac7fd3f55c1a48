"""What an ended session comes to: where it stands at the gate and, where it is to be billed, for how much and to whom.

Everything follows from records: the gate's verdict, the tariff that the decision refers to, the registers, and for an
eMSP's drivers the settlement that the eMSP has signed. The same function serves billing and whoever audits it.
"""

from dataclasses import dataclass
from decimal import Decimal

from wattseal.bundle.tariff import tariff_from_value
from wattseal.flow.charges.bundling import Proofs, others_of, price_of, tariff_record
from wattseal.flow.charges.settling import settlement_of
from wattseal.flow.charges.standing import Case, gate
from wattseal.flow.money.accounts import paying
from wattseal.flow.world import World
from wattseal.model.billing import TaxShare
from wattseal.model.tariff import Price, Tariff
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Grade, Source, attainable
from wattseal.pricing.price import Priced
from wattseal.rules.billing import (
    AWAITING_CHECKPOINT,
    AWAITING_SETTLEMENT,
    NO_TARIFF,
    NOT_PRICED,
    SETTLEMENT_DIFFERS,
    Standing,
)
from wattseal.rules.charge_posting import is_postable
from wattseal.rules.signed_taxes import taxes_signed
from wattseal.seal.fields import Settlement, SettlementVerdict
from wattseal.seal.item import Item


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be billed: `account` pays `total` for `energy_wh` under the tariff record `tariff` (hash)."""

    account: str
    currency: str
    total: Price
    taxes: tuple[TaxShare, ...]
    energy_wh: Decimal
    tariff: Tariff
    record: bytes
    grade: Grade
    source: Source


async def due_of(world: World, proofs: Proofs, transaction: Transaction, waited_ms: int) -> Due | Standing:
    """Return what is due for an ended transaction, or where it stands: pending, free or quarantined, and why.

    `waited_ms` is for how long it has been looked at: evidence that can still rise in grade is waited for, so that the
    bill prints what it will rest on. It is less than nothing where the clock was put back; by more than the wait, there
    is no waiting any more.
    """
    case = await gate(world, proofs, transaction)
    if case.standing[0] is not Billing.BILLED:
        return case.standing
    settled = transaction.party not in {None, world.party}
    if settled and transaction.settlement is None:
        return Billing.PENDING, AWAITING_SETTLEMENT
    best = attainable(transaction.source, sealed=transaction.sealed)
    if not settled and (case.grade or Grade.G0) < best and abs(waited_ms) < world.settings.billing.wait_ms:
        return Billing.PENDING, AWAITING_CHECKPOINT
    record = await tariff_record(world, await others_of(world, transaction))
    if record is None:
        return Billing.FREE, NO_TARIFF
    due = await (_as_settled if settled else _as_measured)(world, case, transaction, record)
    if isinstance(due, Due) and not is_postable(due.total, due.taxes, due.currency):
        return Billing.QUARANTINED, NOT_PRICED
    return due


async def _as_measured(world: World, case: Case, transaction: Transaction, record: Item) -> Due | Standing:
    pricing = await price_of(world, transaction, record)
    if pricing is None or transaction.energy_wh is None:
        return Billing.QUARANTINED, NOT_PRICED
    return _due(await paying(world, transaction), case, transaction, record, pricing.priced)


async def _as_settled(world: World, case: Case, transaction: Transaction, record: Item) -> Due | Standing:
    """Bill what the eMSP has signed; where this CPO can read the registers its own price must be the same."""
    settlement = await settlement_of(world, transaction)
    if settlement is None or settlement.verdict is not SettlementVerdict.ACCEPTED:
        return Billing.QUARANTINED, "disputed"
    signed = _signed_total(settlement)
    if signed is None:
        return Billing.QUARANTINED, NOT_PRICED
    account = await paying(world, transaction)
    if transaction.sealed:
        return _sealed(account, case, settlement, signed, record)
    pricing = await price_of(world, transaction, record)
    if pricing is None:
        return Billing.QUARANTINED, NOT_PRICED
    ours = _due(account, case, transaction, record, pricing.priced)
    if (ours.currency, ours.total, ours.energy_wh) != (settlement.currency, signed, settlement.energy_wh):
        return Billing.QUARANTINED, SETTLEMENT_DIFFERS
    return ours


def _due(account: str, case: Case, transaction: Transaction, record: Item, priced: Priced) -> Due:
    before_tax, after_tax = priced.total.before_tax, priced.total.after_tax
    return Due(
        account=account,
        currency=priced.currency,
        total=Price(before_tax, before_tax if after_tax is None else after_tax),
        taxes=priced.taxes,
        energy_wh=transaction.energy_wh or Decimal(0),
        tariff=tariff_from_value(record.payload.public.get(1)),
        record=record.hash,
        grade=case.grade or Grade.G0,
        source=transaction.source,
    )


def _signed_total(settlement: Settlement) -> Price | None:
    if settlement.total_excl_vat is None or settlement.currency is None or settlement.energy_wh is None:
        return None
    after_tax = settlement.total_incl_vat
    return Price(settlement.total_excl_vat, settlement.total_excl_vat if after_tax is None else after_tax)


def _sealed(account: str, case: Case, settlement: Settlement, signed: Price, record: Item) -> Due | Standing:
    """Bill a session this CPO cannot read: energy, total, grade and source are those of the eMSP's settlement.

    What can be held against the tariff without the registers is: the currency, and the taxes on the total.
    """
    tariff = tariff_from_value(record.payload.public.get(1))
    taxes = taxes_signed(tariff, signed, settlement.taxes)
    if settlement.currency != tariff.currency or taxes is None:
        return Billing.QUARANTINED, SETTLEMENT_DIFFERS
    return Due(
        account=account,
        currency=tariff.currency,
        total=signed,
        taxes=taxes,
        energy_wh=settlement.energy_wh or Decimal(0),
        tariff=tariff,
        record=record.hash,
        grade=case.grade or Grade.G0,
        source=Source(settlement.source) if settlement.source else Source.CSMS,
    )
