"""Whether a world's journal proves what its projections say."""

from tests.support.memory_journal import MemoryJournal

from wattseal.flow.replay import Replayer, compare_projections, replay
from wattseal.flow.replay_accounts import compare_accounts
from wattseal.flow.replay_ledger import compare_ledger
from wattseal.flow.replay_people import compare_people
from wattseal.flow.replay_rollups import compare_rollups
from wattseal.flow.world import World
from wattseal.model.verdict import Finding


async def troubles(world: World) -> list[Finding]:
    """Return what replaying the journal finds wrong."""
    assert isinstance(world.journal, MemoryJournal)
    replayer = Replayer(world.tenant, world.party, world.log_origin, world.registry, world.seal_key)
    replayed = await replay(world.journal, replayer)
    await compare_projections(world.journal, world.tenant, replayed)
    replayed.findings.extend(await compare_ledger(world.journal, world.tenant, replayed.ledger))
    replayed.findings.extend(await compare_accounts(world.journal, world.tenant, replayed.accounts, replayed.ledger))
    replayed.findings.extend(await compare_people(world.journal, world.tenant, replayed.people))
    await compare_rollups(world.journal, world.tenant, replayed)
    return replayed.findings
