"""A driver who tops up his account and takes money back, at a provider that loses and delays what it is asked."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.simulation.driver import Pause
from tests.support.fault_provider import NAME, Fault, FaultProvider

from wattseal.flow.documents import read
from wattseal.flow.money.accounts import open_account
from wattseal.flow.money.payment_care import due, look_after
from wattseal.flow.money.payment_events import hear
from wattseal.flow.money.payments import PAYMENT, is_open
from wattseal.flow.money.wallets import give_back, top_up
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind
from wattseal.model.payment import Payment

ASKED = frozenset({"preauthorise", "capture", "cancel", "refund", "look_up"})


class Slow:
    """A provider over a network: a question waits on its way there, and its answer on the way back."""

    def __init__(self, payer: "Payer") -> None:
        self.payer = payer

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.payer.provider, name)
        if name not in ASKED:
            return found

        async def asked(*args: Any) -> Any:
            await Pause()
            lost = self.payer.storm.faults.drawn(self.payer.storm.weather.lose)
            self.payer.provider.faults = [self.payer.dice.choice(tuple(Fault))] if lost else []
            answer = await found(*args)
            await Pause()
            return answer

        return asked


class Payer(Actor):
    """What the provider took is on the account once, and what it gave back is off it once."""

    name = "payer"
    left = 16

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.provider = FaultProvider()
        self.account = ""

    async def prepare(self, world: World) -> None:
        """Open his account."""
        self.account = (await open_account(world, Account("", AccountKind.PREPAID, "EUR", Decimal(0)), "test")).id

    def began(self) -> None:
        """Have the process reach the provider."""
        self.storm.world.providers = {NAME: Slow(self)}

    def jobs(self) -> list[tuple[str, Callable[[], Any]]]:
        """Look after payments by the clock."""
        return [("payments", self._round)]

    async def _round(self) -> None:
        if self.storm.calm:
            self.provider.catch_up()
        for payment_id in await due(self.storm.world):
            await look_after(self.storm.world, payment_id)

    def act(self) -> None:
        """Pay, press the button, take money back; or the provider tells something, once more."""
        if not self.idle or self.dice.random() < 0.5:
            return
        self.left -= 1
        self.provider.driver(approves=self.dice.random() < 0.8)
        if self.dice.random() < 0.4:
            self.ask(top_up(self.storm.world, self.account, "10.00"), self._told)
        elif self.dice.random() < 0.3:
            self.ask(give_back(self.storm.world, self.account, "3.00"), self._told)
        elif self.provider.events:
            body = str(self.dice.randrange(len(self.provider.events))).encode()
            self.ask(hear(self.storm.world, NAME, body, {"signed": "yes"}), self._told)
        if self.dice.random() < 0.3:
            self.provider.catch_up()

    def _told(self, came_to: Any) -> None:
        self.did[f"payer told {type(came_to).__name__}"] += 1

    async def hold(self, world: World) -> None:
        """Compare the account, the payments and what the provider did."""
        if twice := [one for one, count in Counter(one for one, _ in self.provider.captures).items() if count > 1]:
            broken(2, f"payments {twice} were taken twice")
        kept = [read(d, Payment) for d in self.storm.documents(PAYMENT)]
        mine = f"customer/{self.account}"
        await world.books.ready("EUR", (mine,))
        there, due_there = world.books.balance(mine, "EUR"), sum(one.captured - one.refunded for one in kept)
        if there != due_there:
            broken(4, f"{there} cent are on the payer's account, {due_there} were paid and not given back")
        for one in kept:
            known = self.provider.kept.get(one.id)
            sure = not is_open(one) and one.open_refund is None
            if sure and known is not None and (known.captured, known.refunded) != (one.captured, one.refunded):
                broken(4, f"the provider says {known}, we say {one}")
