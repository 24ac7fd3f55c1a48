"""A CPO that sells, its customers, and bills that wait for invoices."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

from tests.support.bills import GMBH
from tests.support.cpo_world import TestClock, make_world
from tests.support.memory_journal import MemoryJournal
from tests.support.no_proofs import NoProofs

from wattseal.base.errors import StoreError
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.bills import put_bill
from wattseal.flow.money.invoice_due import Group, Wanted, groups
from wattseal.flow.money.invoice_list import list_invoices
from wattseal.flow.money.invoices import Desk, issue
from wattseal.flow.ports import Batch, Committed
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind, Payer
from wattseal.model.billing import Bill
from wattseal.model.invoice import Invoice, Issued
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.wire.einvoice.render import Rendered, render

AT = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
AG = replace(GMBH, id="ag", name="Ladewerk Süd AG", series="AG-", credit_series="AGG-", sites=frozenset({"SOUTH"}))
PAYER = Payer("Jürgen Groß", "Lindenstraße 7", "53111", "Bonn", "DE", email="jg@mail.example")


@dataclass
class SlowRenderer:
    """Renders while others have their turn, and counts how often."""

    turns: int = 3
    rendered: list[str] = field(default_factory=list)

    async def render(self, invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
        for _ in range(self.turns):
            await asyncio.sleep(0)
        self.rendered.append(invoice.number)
        return render(invoice, bundles)


@dataclass
class Stub:
    """Gives bytes that are no invoice, at once: for tests of numbers, not of files."""

    async def render(self, invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
        await asyncio.sleep(0)
        text = f"{invoice.number} {[line.bill for line in invoice.lines]} {len(bundles)}".encode()
        return Rendered(text + b" xml", text + b" pdf")


class FlakyJournal(MemoryJournal):
    """Fails commits by their number from now on: True before anything is kept, False after it was kept."""

    def __init__(self) -> None:
        super().__init__()
        self.failing: dict[int, bool] = {}
        self.asked = 0

    async def commit(self, batch: Batch) -> Committed:
        self.asked += 1
        lost = self.failing.get(self.asked)
        await asyncio.sleep(0)
        if lost is True:
            raise StoreError("the disk is full", code="disk_full")
        done = await super().commit(batch)
        if lost is False:
            raise StoreError("nobody knows", code="disk_lost")
        return done


def selling_world(journal: MemoryJournal | None = None, public_url: str | None = "https://csms.example") -> World:
    settings = Settings(billing=BillingPolicy(entities=(GMBH, AG)), public_url=public_url)
    world = make_world(journal or MemoryJournal(), settings)
    assert isinstance(world.clock, TestClock)
    world.clock.at = AT
    return world


def desk_of(world: World, renderer: SlowRenderer | Stub | None = None) -> Desk:
    return Desk(world, NoProofs(), renderer or Stub())


async def customer(world: World, kind: AccountKind = AccountKind.CREDIT, payer: Payer | None = PAYER) -> str:
    limit = Decimal(0) if kind in {AccountKind.PREPAID, AccountKind.AD_HOC} else Decimal(1000)
    opened = await open_account(world, Account("", kind, "EUR", limit), "test", payer=payer)
    return opened.id


async def put_bills(world: World, *bills: Bill) -> None:
    for bill in bills:
        await world.journal.commit(Batch(world.tenant, puts=put_bill(bill, world.now_ms())))


async def due(world: World, wanted: Wanted | None = None) -> list[Group]:
    return [group async for group in groups(world, wanted or Wanted())]


async def issue_all(desk: Desk) -> list[Issued]:
    return [await issue(desk, group) for group in await due(desk.world)]


async def issued(world: World) -> list[Issued]:
    page, _ = await list_invoices(world, account=None, after="", limit=1000)
    return page
