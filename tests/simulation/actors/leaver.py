"""A driver who charges, has his money paid out, and is erased: nothing recorded before says who it was."""

from decimal import Decimal
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.support.paying import card_of, pay_in

from wattseal.flow.documents import read
from wattseal.flow.money import bookkeeping
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.bills import BILL
from wattseal.flow.money.records import money_ready
from wattseal.flow.privacy.erasing import Plan, erase_person, plan_erasure
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.model.billing import Bill
from wattseal.model.ledger import PostingKind
from wattseal.rules.bookkeeping import Wanted

CARD = "LEAVER"


class Leaver(Actor):
    """He asks until it is done; what comes in after that is nobody's."""

    name = "leaver"
    left = 30

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.account = ""
        self.until: int | None = None

    async def prepare(self, world: World) -> None:
        """Open his account."""
        made = await open_account(world, Account("", AccountKind.PREPAID, "EUR", Decimal(0)), "test")
        await pay_in(world, made, 20)
        await card_of(world, made, CARD)
        self.account = made.id

    def began(self) -> None:
        """Have him come to all stations."""
        for site in self.storm.sites:
            if CARD not in site.tokens:
                site.tokens = (*site.tokens, CARD)

    def act(self) -> None:
        """Leave, once he has been billed for a charge."""
        if self.until is not None or not self.idle or self.dice.random() < 0.6:
            return
        if all(read(put, Bill).account != self.account for put in self.storm.documents(BILL)):
            return
        self.left -= 1
        self.ask(self._leave(), self._told)

    def _told(self, came_to: Any) -> None:
        if isinstance(came_to, Plan) and not came_to.blocked:
            self.until = len(self.storm.disk.kept)
            self.did["erased"] += 1

    async def _leave(self) -> Plan:
        world = self.storm.world
        await money_ready(world)
        purse = f"customer/{self.account}"
        await world.books.ready("EUR", (purse,))
        there = world.books.balance(purse, "EUR")
        if there > 0:
            out = Wanted(PostingKind.PAYOUT, purse, Decimal(there) / 100, "EUR", "test", "paid out", f"out-{self.left}")
            await bookkeeping.post_by_hand(world, out)
        plan = await plan_erasure(world, self.account)
        return plan if plan.blocked else await erase_person(world, self.account, plan.code, "test")

    async def hold(self, world: World) -> None:
        """Look for his card in what was recorded before he was erased."""
        del world
        for kept in self.storm.disk.kept[: self.until or 0]:
            if CARD.encode() in kept.item.item:
                broken(12, f"record {kept.position} of before the erasure names who was erased")
