"""People who decide: on what is quarantined (rulings), and on bills that somebody disputes."""

from dataclasses import replace
from decimal import Decimal
from typing import Any, ClassVar

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.simulation.checkpoints import Seen

from wattseal.base.errors import InputError
from wattseal.bundle.format import Bundle
from wattseal.flow.charges.bundling import assemble
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.money.bills import BILL
from wattseal.flow.money.disputes import DISPUTE, Verdict, decide, open_dispute
from wattseal.flow.money.rulings import Decided, rule, rulings_of
from wattseal.flow.turn import transaction_by_id
from wattseal.flow.world import World
from wattseal.model.billing import Bill, BillState
from wattseal.model.dispute import Claim, Dispute, DisputeVerdict
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Billing, Transaction


class Judges(Actor):
    """What they were told is decided stays decided, once; a bill that was taken back whole is owed no more."""

    name = "judges"
    left = 8
    opener: ClassVar[str] = "MSP"

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.ruled: dict[str, tuple[str, RulingVerdict]] = {}
        self.opened: dict[str, Dispute] = {}
        self.decided: dict[str, DisputeVerdict] = {}

    def act(self) -> None:
        """Rule, dispute or decide."""
        if self.idle and self.dice.random() < 0.2:
            waits = len(self.opened) > len(self.decided)
            self.dice.choice((self._decide, self._decide) if waits else (self._rule, self._dispute))()

    def _rule(self) -> None:
        found = [read(d, Transaction) for d in self.storm.documents(TRANSACTION)]
        waiting = [one for one in found if one.billing is Billing.QUARANTINED and one.ruling is None]
        if not waiting:
            return
        self.left -= 1
        one, verdict = self.dice.choice(waiting), self.dice.choice((RulingVerdict.BILL, RulingVerdict.WAIVE))
        text = f"ruling {self.left}"

        def told(came_to: Any) -> None:
            if not isinstance(came_to, InputError):
                self.ruled[text] = (one.id, verdict)
                self.did[f"ruled {verdict}"] += 1

        self.ask(rule(self.storm.world, Seen(self.storm.disk), one.id, Decided(verdict, "Ruth", text)), told)

    def _dispute(self) -> None:
        billed = [read(d, Bill) for d in self.storm.documents(BILL)]
        standing = [bill for bill in billed if bill.state is BillState.BILLED and bill.corrects is None]
        if not standing:
            return
        self.left -= 1

        def told(came_to: Any) -> None:
            if isinstance(came_to, Dispute):
                self.opened[came_to.id] = came_to
                self.did["disputed"] += 1

        self.ask(self._opened(self.dice.choice(standing).id), told)

    async def _opened(self, transaction_id: str) -> Dispute | None:
        world = self.storm.world
        transaction = await transaction_by_id(world, transaction_id)
        assert transaction is not None
        bundle = await assemble(world, Seen(self.storm.disk), transaction, billing_party=True)
        if not isinstance(bundle, Bundle):
            return None
        return (await open_dispute(world, self.opener, bundle.encode(), Claim("too_much")))[0]

    def _decide(self) -> None:
        undecided = [one for one in self.opened.values() if one.id not in self.decided]
        if not undecided:
            return
        self.left -= 1
        one, verdict = self.dice.choice(undecided), self.dice.choice(tuple(DisputeVerdict))
        bills = [read(d, Bill) for d in self.storm.documents(BILL) if d.key == one.transaction]
        half = tuple(replace(part, net=_half(part.net), tax=_half(part.tax)) for bill in bills for part in bill.taxes)

        def told(came_to: Any) -> None:
            if isinstance(came_to, Dispute):
                self.decided[one.id] = verdict
                self.did[f"dispute {verdict}"] += 1

        amounts = half if verdict is DisputeVerdict.PARTLY else ()
        self.ask(decide(self.storm.world, one, Verdict(verdict, "Ruth", "decided", amounts)), told)

    async def hold(self, world: World) -> None:
        """Find each decision on record, once, and what it did to the bill."""
        for text, (transaction_id, verdict) in self.ruled.items():
            said = [one for _, _, one in await rulings_of(world, transaction_id) if one.text == text]
            if [one.verdict for one in said] != [verdict]:
                broken(1, f"{text} on {transaction_id} was acknowledged and is recorded as {said}")
        kept = {d.key: read(d, Dispute) for d in self.storm.documents(DISPUTE)}
        bills = [read(d, Bill) for d in self.storm.documents(BILL)]
        for dispute_id, dispute in self.opened.items():
            if dispute_id not in kept:
                broken(1, f"dispute {dispute_id} was acknowledged and is lost")
            decided, told = kept[dispute_id].decided, self.decided.get(dispute_id)
            if told is not None and (decided is None or decided.verdict is not told):
                broken(1, f"dispute {dispute_id} was decided {told} and is kept as {decided}")
            if told is DisputeVerdict.REJECTED or told is None:
                continue
            mine = [bill for bill in bills if bill.id.partition("-")[0] == dispute.transaction]
            standing = [bill for bill in mine if bill.state is BillState.BILLED]
            if len(standing) != (told is DisputeVerdict.PARTLY):
                broken(2, f"dispute {dispute_id} was {told}; of its bills stand {standing}")


def _half(amount: Decimal) -> Decimal:
    return (amount / 2).quantize(Decimal("0.01"))
