"""What must be true of a CPO's money after whatever happened: each thing once, nothing lost, all of it proved."""

from collections import Counter
from collections.abc import Iterable

from tests.support.cpo_world import TENANT, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.no_proofs import NoProofs
from tests.support.proving import troubles

from wattseal.flow.audit import audit
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.charges.standing import standing_of
from wattseal.flow.documents import every_document, read
from wattseal.flow.money.bills import BILL, bill_of
from wattseal.flow.replay import Replayer, replay
from wattseal.flow.world import World
from wattseal.model.audit import Audited, Period
from wattseal.model.billing import Bill, BillState
from wattseal.model.transaction import Billing

EVER = Period(0, 2**53)


async def audited(world: World, proofs: Proofs | None = None, period: Period = EVER) -> Audited:
    """Return what an audit of all sessions finds, as `wattseal audit` does it: from the journal alone."""
    assert isinstance(world.journal, MemoryJournal)
    replayer = Replayer(TENANT, world.party, world.log_origin, world.registry, world.seal_key)
    return await audit(world, proofs or NoProofs(), await replay(world.journal, replayer), period)


async def came_to(world: World, proofs: Proofs | None = None) -> Counter[str]:
    """Return how many sessions are billed, free, pending or quarantined."""
    found: Counter[str] = Counter()
    for transaction in await transactions(world):
        if await bill_of(world, transaction.id) is not None:
            found[Billing.BILLED.value] += 1
        else:
            (billing, _), _ = await standing_of(world, proofs or NoProofs(), transaction)
            found[billing.value] += 1
    return found


async def bills_in(world: World) -> list[Bill]:
    """Return all bills there are, taken back or not."""
    return [read(d, Bill) async for d in every_document(world.journal, world.tenant, BILL)]


async def assert_sound(world: World, *told: str, proofs: Proofs | None = None) -> None:
    """Hold the books against all promises; `told` are the codes of what an audit is to find."""
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    bills = await bills_in(world)
    assert not _twice(bill.evidence for bill in bills if bill.state is BillState.BILLED), "no evidence is billed twice"
    assert not _twice(bill.evidence for bill in bills if bill.corrects is None), "nor was it ever"
    sums: Counter[str] = Counter()
    for balance in await journal.balances(world.tenant, limit=10_000):
        sums[balance.currency] += balance.debits - balance.credits
    assert not any(sums.values()), "each currency adds up to nothing"
    received = await transactions(world)
    counted = await came_to(world, proofs)
    assert sum(counted.values()) == len(received), "no session is lost"
    assert counted[Billing.BILLED.value] == len({bill.id.partition("-")[0] for bill in bills})
    assert await troubles(world) == []
    found = await audited(world, proofs)
    assert sorted({fault.code for fault in found.faults}) == sorted(told)
    for currency, total in found.sums.items():
        assert total.due == total.posted, currency


def _twice(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
