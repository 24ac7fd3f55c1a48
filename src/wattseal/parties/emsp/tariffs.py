"""Tariffs that CPOs have signed, and this side's own price of a charge under them."""

from dataclasses import dataclass
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.bundle.cdr import price_charge
from wattseal.bundle.tariff import tariff_from_value
from wattseal.model.provider import Charge
from wattseal.model.tariff import Tariff
from wattseal.parties.emsp.books import CurrentTariff, Entries
from wattseal.parties.emsp.desk import Desk
from wattseal.pricing import Incomplete, Priced
from wattseal.rules.settlement import Contract
from wattseal.seal.item import Item, Kind, parse_item

TARIFF_FIELD = 1
"""Public field of a TARIFF record that holds the tariff."""


class DistrustError(InputError):
    """A record whose signer is not believed at present; enrolment may change that, so it may be sent again."""

    code = "not_believed"


@dataclass(frozen=True, slots=True)
class SignedTariff:
    """A tariff and the hash of the record in which the CPO signed it."""

    record: bytes
    tariff: Tariff


@dataclass(frozen=True, slots=True)
class KeptTariff:
    """A tariff record as received, base64."""

    cpo: str
    item: bytes


def read_tariff(item: Item) -> Tariff:
    """Return the tariff of a TARIFF record; a wrong kind or shape is an `InputError`."""
    if item.payload.kind != Kind.TARIFF:
        raise InputError("not a tariff record", code="not_a_tariff", subject="kind")
    return tariff_from_value(item.payload.public.get(TARIFF_FIELD))


async def receive_tariff(desk: Desk, contract: Contract, item: Item) -> None:
    """Keep a CPO's tariff record; from now on decisions name it. An older one than the current changes nothing."""
    distrust = desk.distrusts(item, contract)
    if distrust is not None:
        raise DistrustError("this tariff is not its CPO's, as far as is known here", code=distrust, subject="tariff")
    read_tariff(item)
    books, record, place = desk.books, item.hash.hex(), (item.payload.epoch, item.payload.seq)
    current = await books.get("current_tariff", contract.party, CurrentTariff)
    entries = Entries([books.keep(item)], [books.put("tariff", record, KeptTariff(contract.party, item.encode()))])
    if current is None or place > (current.epoch, current.seq):
        entries.puts.append(books.put("current_tariff", contract.party, CurrentTariff(record, *place)))
    await books.commit(entries)


async def current_tariff(desk: Desk, cpo: str) -> SignedTariff | None:
    """Return the tariff decisions for this CPO name now."""
    current = await desk.books.get("current_tariff", cpo, CurrentTariff)
    return None if current is None else await _kept(desk, current.record)


async def tariff_of(desk: Desk, charge: Charge) -> Tariff | None:
    """Return the tariff that was agreed for a charge."""
    found = None if charge.tariff is None else await _kept(desk, charge.tariff)
    return None if found is None else found.tariff


async def _kept(desk: Desk, record: str) -> SignedTariff | None:
    kept = await desk.books.get("tariff", record, KeptTariff)
    return None if kept is None else SignedTariff(bytes.fromhex(record), read_tariff(parse_item(kept.item)))


def cost_of(tariff: Tariff, energy_wh: Decimal, start_ms: int) -> Decimal | None:
    """Return what that comes to with tax, None where the tariff cannot be priced or the register fell."""
    priced = price_charge(tariff, energy_wh, start_ms)
    return None if isinstance(priced, Incomplete) else with_tax(priced)


def with_tax(priced: Priced) -> Decimal:
    """Return the total with tax."""
    return priced.total.before_tax if priced.total.after_tax is None else priced.total.after_tax


def affordable_wh(tariff: Tariff | None, amount: Decimal, most_wh: int, start_ms: int) -> int:
    """Return the most whole Wh, `most_wh` at most, that cost no more than `amount`; all of it where nothing is priced.

    Costs never fall with energy, so halving finds it whatever the tariff's elements are.
    """
    if tariff is None or cost_of(tariff, Decimal(0), start_ms) is None:
        return most_wh
    low, high = 0, most_wh
    while low < high:
        middle = (low + high + 1) // 2
        cost = cost_of(tariff, Decimal(middle), start_ms)
        if cost is not None and cost <= amount:
            low = middle
        else:
            high = middle - 1
    return low
