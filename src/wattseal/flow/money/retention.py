"""What the law has kept, and no longer: when an invoice's time is over its files go, its numbers stay."""

from dataclasses import replace

from wattseal.base.errors import InputError
from wattseal.flow.documents import put, read, removal
from wattseal.flow.money.accounts import erase_payer
from wattseal.flow.money.invoice_due import has_open_bills
from wattseal.flow.money.invoice_list import INVOICE, INVOICE_UNTIL, Numbered, find_invoice, kept_until_ms
from wattseal.flow.money.kept_files import remove_file, sweep
from wattseal.flow.ports import Batch, Put
from wattseal.flow.world import World
from wattseal.model.invoice import Issued

AT_ONCE = 100
"""Invoices looked at in one round; the rest wait for the next one."""


async def erase(world: World, account_id: str) -> bool:
    """Erase who an account's payer is; false where nothing was known. Invoices issued keep their copies.

    `InputError` `not_yet_invoiced` while sessions of the account are to be invoiced or credited: those name the payer.
    Where no legal entity is configured nothing is invoiced here.
    """
    if world.settings.billing.entities and await has_open_bills(world, account_id):
        text = "sessions of this account are still to be invoiced; issue those invoices first"
        raise InputError(text, code="not_yet_invoiced", subject="account")
    return await erase_payer(world, account_id)


async def forget(world: World) -> int:
    """Remove the files of invoices whose time is over, and files that nothing refers to; return how many invoices.

    A time made longer holds for what was issued before as well, one made shorter for what is issued from then on.
    """
    await sweep(world)
    now = f"{world.now_ms():015d}"
    done = 0
    for document in await world.journal.documents(world.tenant, INVOICE_UNTIL, limit=AT_ONCE):
        if document.key >= now:
            break
        issued = await find_invoice(world, read(document, Numbered).number)
        later = "" if issued is None else _until(world, issued)
        if later > now:
            await _keep_on(world, document, later)
            continue
        puts = [removal(INVOICE_UNTIL, document.key, world.now_ms())]
        if issued is not None:
            await remove_file(world, issued.xml)
            await remove_file(world, issued.pdf)
            puts.append(put(INVOICE, issued.number, replace(issued, kept=False), world.now_ms(), active=False))
        await world.journal.commit(Batch(world.tenant, puts=tuple(puts)))
        world.count("invoice_forgotten")
        done += 1
    return done


def _until(world: World, issued: Issued) -> str:
    """Return until when an invoice would be kept had it been issued under the settings of today."""
    return f"{kept_until_ms(issued, 'UTC', world.settings.retention):015d}"


async def _keep_on(world: World, pointer: Put, until: str) -> None:
    now_ms = world.now_ms()
    number = read(pointer, Numbered)
    puts = (removal(INVOICE_UNTIL, pointer.key, now_ms), put(INVOICE_UNTIL, f"{until}-{number.number}", number, now_ms))
    await world.journal.commit(Batch(world.tenant, puts=puts))
