"""Those who invoice: every bill in force once, numbers without a gap."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.simulation.checkpoints import Seen
from tests.simulation.driver import Pause

from wattseal.base.errors import InputError
from wattseal.flow.money.bills import BILL_OPEN
from wattseal.flow.money.invoice_due import Wanted, groups
from wattseal.flow.money.invoice_list import list_invoices
from wattseal.flow.money.invoices import Desk, issue
from wattseal.flow.world import World
from wattseal.model.invoice import Invoice, InvoiceKind
from wattseal.wire.einvoice.render import Rendered


class Slow:
    """Renders no file, but takes its time: what is drawn is whether anything changes meanwhile."""

    async def render(self, invoice: Invoice, bundles: Mapping[int, bytes]) -> Rendered:
        """Return bytes that name the invoice."""
        await Pause()
        text = f"{invoice.number} of {len(bundles)}".encode()
        await Pause()
        return Rendered(text + b" xml", text + b" pdf")


class Office(Actor):
    """It issues whatever is due, several at it at once."""

    name = "office"

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.numbers: list[str] = []

    def act(self) -> None:
        """Issue."""
        if not self.storm.documents(BILL_OPEN):
            return
        second = f"{self.name} two"
        if self.idle:
            self.left -= 1
            self.ask(self._issue(), self._told)
        elif self.left > 0 and not self.storm.driver.busy(second):
            self.left -= 1
            self.ask(self._issue(), self._told, second)

    def _told(self, came_to: Any) -> None:
        if not isinstance(came_to, InputError):
            self.numbers += came_to
            self.did["invoices"] += len(came_to)

    async def _issue(self) -> list[str]:
        world, issued = self.storm.world, []
        desk = Desk(world, Seen(self.storm.disk), Slow())
        for group in [group async for group in groups(world, Wanted())]:
            try:
                issued.append((await issue(desk, group)).number)
            except InputError as error:
                self.storm.texts.append(str(error))
        return issued

    async def hold(self, world: World) -> None:
        """Find all numbers that were given, none missing, and no bill on two invoices."""
        page, _ = await list_invoices(world, account=None, after="", limit=1000)
        if lost := set(self.numbers) - {one.number for one in page}:
            broken(1, f"invoices {lost} were issued and are lost")
        for series in {one.series for one in page}:
            counts = sorted(one.count for one in page if one.series == series)
            if counts != list(range(1, len(counts) + 1)):
                broken(2, f"series {series} has the numbers {counts}")
        for kind in InvoiceKind:
            lines = Counter(bill for one in page if one.kind is kind for bill in one.bills)
            if twice := [bill for bill, count in lines.items() if count > 1]:
                broken(2, f"bills {twice} are on two documents of the kind {kind}")
