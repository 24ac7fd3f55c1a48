"""What was issued: found by number, by account, by series, and its files."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from wattseal.flow.documents import put, read
from wattseal.flow.money.kept_files import read_file, referred
from wattseal.flow.ports import Put
from wattseal.flow.world import World
from wattseal.model.invoice import Issued
from wattseal.rules.retention import RetentionPolicy, kept_from

INVOICE, INVOICE_OF_ACCOUNT, INVOICE_UNTIL, INVOICE_SERIES = (
    "invoice",
    "invoice_of_account",
    "invoice_until",
    "invoice_series",
)
"""Kinds of documents: what was issued, by number; pointers to it by account and by when its copies may go; the last
number of each series."""


@dataclass(frozen=True, slots=True)
class Series:
    """Document: how many numbers of a series have been used."""

    count: int


@dataclass(frozen=True, slots=True)
class Numbered:
    """Document: which invoice it is."""

    number: str


async def used(world: World, series: str) -> int:
    """Return how many numbers of a series have been used."""
    document = await world.journal.document(world.tenant, INVOICE_SERIES, series)
    return 0 if document is None else read(document, Series).count


def documents_of(issued: Issued, time_zone: str, policy: RetentionPolicy) -> tuple[Put, ...]:
    """Return the documents of an invoice just issued, to be committed with its record."""
    number, now_ms = Numbered(issued.number), issued.at_ms
    until_ms = kept_until_ms(issued, time_zone, policy)
    return (
        put(INVOICE_SERIES, issued.series, Series(issued.count), now_ms),
        put(INVOICE, issued.number, issued, now_ms, active=True),
        put(INVOICE_OF_ACCOUNT, f"{issued.account}/{issued.at_ms:015d}-{issued.number}", number, now_ms),
        put(INVOICE_UNTIL, f"{until_ms:015d}-{issued.number}", number, now_ms),
        referred(issued.xml, now_ms),
        referred(issued.pdf, now_ms),
    )


def kept_until_ms(issued: Issued, time_zone: str, policy: RetentionPolicy) -> int:
    """Return until when its copies are kept: so many years from the end of the year that its business year ends in."""
    year = kept_from(date.fromisoformat(issued.on), policy.business_year_ends) + policy.invoices_years + 1
    return int(datetime(year, 1, 1, tzinfo=ZoneInfo(time_zone)).timestamp() * 1000)


async def find_invoice(world: World, number: str) -> Issued | None:
    """Return what was issued under a number."""
    document = await world.journal.document(world.tenant, INVOICE, number)
    return None if document is None else read(document, Issued)


async def list_invoices(
    world: World, *, account: str | None, after: str, limit: int
) -> tuple[list[Issued], str | None]:
    """Return a page, in the order of numbers or, of one account, of time; and the cursor of the next one."""
    if account is None:
        page = await world.journal.documents(world.tenant, INVOICE, after=after, limit=limit)
        return [read(d, Issued) for d in page], page[-1].key if len(page) == limit else None
    prefix = f"{account}/"
    page = await world.journal.documents(world.tenant, INVOICE_OF_ACCOUNT, after=max(prefix, after), limit=limit)
    mine = [d for d in page if d.key.startswith(prefix)]
    found = [await find_invoice(world, read(d, Numbered).number) for d in mine]
    return [one for one in found if one is not None], mine[-1].key if len(mine) == limit else None


async def invoices_of_account(world: World, account: str) -> AsyncIterator[Issued]:
    """Yield all that was issued to an account, in the order of time."""
    after: str | None = ""
    while after is not None:
        page, after = await list_invoices(world, account=account, after=after, limit=500)
        for one in page:
            yield one


async def file_of(world: World, issued: Issued, name: str) -> bytes | None:
    """Return the `pdf` or `xml` that was issued; None where its time was over and it was removed."""
    return await read_file(world, issued.pdf if name == "pdf" else issued.xml)
