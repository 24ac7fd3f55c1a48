"""A CPO in memory whose records a stranger can check: a log with real proofs and witnesses."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tests.support.cpo_world import signing_key
from tests.support.memory_journal import MemoryJournal
from tests.support.worlds import CSMS_KEY, MemoryLog, enrolled, entry

from wattseal.bundle.format import Bundle
from wattseal.flow.charges.bundling import assemble
from wattseal.flow.documents import ENTRY, put
from wattseal.flow.fleet.enrol import KeptStatement
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.log.merkle import inclusion_proof
from wattseal.log.proof import TlogProof
from wattseal.model.transaction import Transaction
from wattseal.seal.item import parse_item
from wattseal.seal.registry import Entry, Role, entry_from
from wattseal.seal.signed import Statement

AT_MS = 1_800_003_600_000
OWN = (
    entry(Role.CSMS, "CPO", CSMS_KEY.public.spki, "CPO/*"),
    entry(Role.BILLING, "CPO", signing_key("billing").public.spki, "CPO/billing"),
)


@dataclass
class Proved:
    """The log of a journal as it stands: every entry has its proof, and two parties have cosigned."""

    journal: MemoryJournal

    async def proof(self, index: int) -> bytes | None:
        log = MemoryLog(list(self.journal.log), _latest_ms(self.journal))
        hashes = inclusion_proof(index, len(log.entries), log.node)
        return TlogProof(index, hashes, log.checkpoint()).encode()

    async def cosigners(self, index: int) -> dict[str, int] | None:
        del index
        at_ms = _latest_ms(self.journal)
        return {"MSP": at_ms, "DSO": at_ms}

    def state(self) -> int:
        return 1 + len(self.journal.log)


def _latest_ms(journal: MemoryJournal) -> int:
    """Return when the latest record was made: witnesses see none before that."""
    return max(parse_item(kept.item.item).payload.ms for kept in journal.kept if kept.item.leaf is not None)


def statements(*more: Entry) -> tuple[Statement, ...]:
    """Return what the registry has signed about the CPO itself, and more."""
    return tuple(enrolled(replace(one, from_ms=0)) for one in (*OWN, *more))


async def register(world: World, *more: Entry) -> None:
    """Give the CPO the registry's entries, for its bundles."""
    known: Sequence[Statement] = statements(*more)
    keyed = ((entry_from(one).kid.hex(), one) for one in known)
    puts = tuple(put(ENTRY, f"{kid}/1", KeptStatement(one.encode()), 0) for kid, one in keyed)
    await world.journal.commit(Batch(world.tenant, puts=puts))


async def bundle_of(world: World, transaction: Transaction, *, billing_party: bool = True) -> Bundle:
    """Return the bundle of an ended transaction, with its proofs."""
    assert isinstance(world.journal, MemoryJournal)
    made = await assemble(world, Proved(world.journal), transaction, billing_party=billing_party)
    assert isinstance(made, Bundle), made
    return made
