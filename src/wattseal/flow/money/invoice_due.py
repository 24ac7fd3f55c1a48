"""What is to go on invoices and credit notes: open bills, put together by who pays, who sells, currency and country."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from wattseal.flow.documents import read
from wattseal.flow.fleet.sites import site_of
from wattseal.flow.money.bills import BILL_OPEN, LATEST_MS, PAGE, Pointer, bill_of
from wattseal.flow.money.invoice_list import find_invoice
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.site import Site
from wattseal.rules.invoicing import MAX_LINES, seller_of, wants_credit, wants_invoice


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose bills: of one account or all, of sessions that ended from `since_ms` on and before `until_ms`."""

    account: str | None = None
    since_ms: int = 0
    until_ms: int = LATEST_MS
    currency: str | None = None
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Bills that go on one document: `original` is the number of the invoice that a credit note takes back."""

    account: str
    entity: str
    currency: str
    country: str
    original: str | None
    bills: tuple[Bill, ...]


@dataclass(slots=True)
class Places:
    """The sites of stations, each read once."""

    world: World
    known: dict[str, Site | None] = field(default_factory=dict)

    async def of(self, station_id: str) -> Site | None:
        """Return where a station stands."""
        if station_id not in self.known:
            self.known[station_id] = await site_of(self.world, station_id)
        return self.known[station_id]


async def groups(world: World, wanted: Wanted, *, after: str = "") -> AsyncIterator[Group]:
    """Yield what is to be issued, account by account in the order of their ids, those after `after`."""
    places = Places(world)
    async for bills in _by_account(world, wanted, after):
        found: dict[tuple[str, str, str, str], list[Bill]] = {}
        for bill in bills:
            entity = await _seller(world, places, bill)
            key = (entity, bill.currency, bill.country, bill.invoice or "")
            if wanted.entity in {None, entity} and wanted.currency in {None, bill.currency}:
                found.setdefault(key, []).append(bill)
        for (entity, currency, country, original), mine in sorted(found.items()):
            for n in range(0, len(mine), MAX_LINES):
                part = tuple(mine[n : n + MAX_LINES])
                yield Group(bills[0].account, entity, currency, country, original or None, part)


async def _seller(world: World, places: Places, bill: Bill) -> str:
    """Return who sells a charge: whoever its site belongs to; what was invoiced is credited by whoever invoiced it."""
    original = None if bill.invoice is None else await find_invoice(world, bill.invoice)
    if original is not None:
        return original.entity
    site = await places.of(bill.station_id)
    return seller_of(world.settings.billing.entities, None if site is None else site.id).id


async def _by_account(world: World, wanted: Wanted, after: str) -> AsyncIterator[list[Bill]]:
    """Yield the open bills of one account after the other."""
    prefix = "" if wanted.account is None else f"{wanted.account}/"
    cursor = prefix or (f"{after}/~" if after else "")
    mine: list[Bill] = []
    while page := await world.journal.documents(world.tenant, BILL_OPEN, after=cursor, limit=PAGE):
        for document in page:
            if not document.key.startswith(prefix):
                break
            bill = await bill_of(world, read(document, Pointer).bill)
            if bill is None or not _in_period(bill, wanted):
                continue
            if mine and mine[0].account != bill.account:
                yield mine
                mine = []
            mine.append(bill)
        cursor = page[-1].key
        if not cursor.startswith(prefix):
            break
    if mine:
        yield mine


def _in_period(bill: Bill, wanted: Wanted) -> bool:
    """Return whether a bill is asked for; a credit is due whenever its session was."""
    if wants_credit(bill):
        return bill.ended_ms < wanted.until_ms
    return wants_invoice(bill) and wanted.since_ms <= bill.ended_ms < wanted.until_ms


async def has_open_bills(world: World, account: str) -> bool:
    """Return whether anything of an account is still to be invoiced or credited."""
    prefix = f"{account}/"
    page = await world.journal.documents(world.tenant, BILL_OPEN, after=prefix, limit=1)
    return bool(page) and page[0].key.startswith(prefix)
