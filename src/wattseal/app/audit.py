"""Audit a CPO's directory: replay all records, work a period's revenue out again, compare it with the ledger.

Nothing is changed: the work is done on a copy of the journal, and the process that owns the directory must be stopped.
"""

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path

from wattseal.app.cpo.tenant import TENANT
from wattseal.app.fsck import Opened, opened, reprove
from wattseal.app.log_keeper import CHECKPOINT, read_checkpoint
from wattseal.app.policy import policy_of
from wattseal.app.settings import Settings
from wattseal.app.system import SystemClock, SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.flow.audit import audit
from wattseal.flow.books import Books
from wattseal.flow.chains import Chains
from wattseal.flow.documents import every_document
from wattseal.flow.world import World
from wattseal.log.cosignature import cosignatures
from wattseal.log.keys import VerifierKey
from wattseal.model.audit import Audited, Period


class NoPartners:
    """Nobody is asked anything."""

    def known(self, party: str) -> bool:
        """Return false."""
        del party
        return False

    def parties(self) -> tuple[str, ...]:
        """Return none."""
        return ()

    async def ask(self, party: str, items: object, timeout_s: float) -> None:
        """Return None."""
        del party, items, timeout_s


class KeptProofs:
    """Port `Proofs` out of the checkpoints a journal keeps; each is verified once, however many entries it covers."""

    def __init__(self, covering: list[tuple[int, dict[str, int]]]) -> None:
        self._sizes = [size for size, _ in covering]
        self._cosigned = [parties for _, parties in covering]

    @classmethod
    async def load(cls, found: Opened, witnesses: Mapping[VerifierKey, str], quorum: int) -> "KeptProofs":
        """Read the checkpoints that at least `quorum` of the witnesses' parties have cosigned."""
        kept: list[tuple[int, dict[str, int]]] = []
        async for document in every_document(found.journal, TENANT, CHECKPOINT):
            signed = read_checkpoint(document)
            parties = {witnesses[one.key]: one.time_s * 1000 for one in cosignatures(signed.note, witnesses)}
            if len(parties) >= quorum:
                kept.append((signed.checkpoint.size, parties))
        return cls(kept)

    async def proof(self, index: int) -> bytes | None:
        """Return None: an audit makes no bundles."""
        del index
        return None

    async def cosigners(self, index: int) -> dict[str, int] | None:
        """Return who cosigned the earliest checkpoint that covers an entry."""
        place = bisect_right(self._sizes, index)
        return self._cosigned[place] if place < len(self._sizes) else None

    def state(self) -> int:
        """Return how many checkpoints there are."""
        return len(self._sizes)


async def run_audit(data: Path, settings: Settings, period: Period, *, trust_file: Path | None) -> Audited:
    """Audit a period; `ConfigError` where `data` is no CPO's directory or a process works in it."""
    async with opened(data, trust_file) as found:
        if found is None:
            text = f"{data} does not say whose it is: there is nothing to audit by"
            raise ConfigError(text, code="identity_missing", subject=str(data))
        replayed, _ = await reprove(found)
        witnesses = {} if found.trust is None else {w.key: w.party for w in found.trust.witnesses}
        proofs = await KeptProofs.load(found, witnesses, 0 if found.trust is None else found.trust.quorum)
        return await audit(_world(found, settings), proofs, replayed, period)


def _world(found: Opened, settings: Settings) -> World:
    """Return a world to read in: nobody is connected, nothing is sent."""
    clock, random, journal, identity = SystemClock(), SystemRandom(), found.journal, found.identity
    return World(
        tenant=TENANT,
        party=identity.party,
        log_origin=identity.log_origin,
        journal=journal,
        clock=clock,
        random=random,
        csms_key=found.keys.csms,
        billing_key=found.keys.billing,
        seal_key=found.keys.seal,
        registry=found.registry,
        partners=NoPartners(),
        settings=policy_of(settings),
        chains=Chains(journal, TENANT, identity.log_origin, random),
        books=Books(journal, TENANT),
        trust=found.trust,
    )
