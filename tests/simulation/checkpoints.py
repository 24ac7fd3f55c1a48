"""The log of a storm: the real keeper on real files, driven by hand, and a witness who never forgets."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, cast

from tests.simulation.disk import Disk
from tests.simulation.driver import Pause
from tests.support.cpo_world import TENANT, SeededRandom
from tests.support.proved import Proved
from tests.support.worlds import LOG_KEY, WITNESSES, MemoryLog

from wattseal.app.log_keeper import LogKeeper
from wattseal.dial.witness import Asked, Outcome, WitnessClient, WitnessPeer
from wattseal.flow.ports import Clock, Journal
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import cosignatures
from wattseal.log.merkle import Tree, inclusion_proof, leaf_hash
from wattseal.log.proof import TlogProof
from wattseal.log.witness import SIZE, AddCheckpoint, Witness, logs_by_origin

BATCH = 4
COSIGNED_S = 2
"""So long after an entry was there it is cosigned."""
KEY = WITNESSES["DSO"]


async def _in_line(work: Callable[..., Any], *args: Any) -> Any:
    await Pause()
    done = work(*args)
    await Pause()
    return done


IN_LINE = SimpleNamespace(to_thread=_in_line)
"""What the keeper has in the place of `asyncio`: what a thread would do is done between two waits."""


@dataclass
class Seen(Proved):
    """Proofs of what is on a storm's disk: witnesses have clocks of their own, which are right."""

    journal: Disk

    async def proof(self, index: int) -> bytes | None:
        log, at_s = MemoryLog(list(self.journal.log)), self.journal.seen_ms[index] // 1000 + COSIGNED_S
        hashes = inclusion_proof(index, len(log.entries), log.node)
        return TlogProof(index, hashes, log.checkpoint(at_s=at_s)).encode()

    async def cosigners(self, index: int) -> dict[str, int] | None:
        at_ms = (self.journal.seen_ms[index] // 1000 + COSIGNED_S) * 1000
        return {"MSP": at_ms, "DSO": at_ms}


@dataclass
class Log:
    """What outlives processes: the files, the witness, and all checkpoints that were ever shown to it."""

    folder: Path
    clock: Clock
    shown: list[SignedCheckpoint] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    latest: dict[str, SignedCheckpoint] = field(default_factory=dict)
    lives: int = 0

    def process(self, journal: Journal, dice: Random) -> "Process":
        """Return the log's part of a process that begins."""
        self.lives += 1
        return Process(self, journal, dice, SeededRandom(f"log {self.lives}"))

    def forks(self, entries: list[bytes]) -> list[str]:
        """Return the checkpoints that are none of the tree of `entries`: a second history was signed."""
        tree, wrong = Tree(), []
        for signed in sorted(self.shown, key=lambda one: one.checkpoint.size):
            size = signed.checkpoint.size
            tree.extend(leaf_hash(entry) for entry in entries[tree.size : size])
            if (tree.size, tree.root()) != (size, signed.checkpoint.root):
                wrong.append(f"checkpoint of {size} entries")
        return wrong


@dataclass
class Process:
    """The keeper of one process; opened at its first step."""

    log: Log
    journal: Journal
    dice: Random
    random: SeededRandom
    keeper: LogKeeper | None = None

    async def step(self) -> None:
        """Publish what there is."""
        if self.keeper is None:
            self.keeper = await LogKeeper.open(
                self.log.folder,
                LOG_KEY,
                tenant=TENANT,
                journal=self.journal,
                witnesses=cast("WitnessClient", self),
                clock=self.log.clock,
                random=self.random,
            )
        result = await self.keeper.step(BATCH)
        self.log.outcomes.extend(one.outcome for one in result.asked)

    async def collect(
        self, signed: SignedCheckpoint, proofs: Callable[[int, int], tuple[bytes, ...]]
    ) -> tuple[Asked, ...]:
        """Ask the witness, as `WitnessClient` does over a network that may take long."""
        log, size = self.log, signed.checkpoint.size
        log.shown.append(signed)
        peer = WitnessPeer("http://witness", KEY.verifier)
        witness = Witness(KEY, logs_by_origin([LOG_KEY.verifier]))
        await Pause()
        known = log.latest.get(signed.checkpoint.origin)
        old = 0 if known is None else known.checkpoint.size
        if old > size:
            return (Asked(peer, Outcome.AHEAD, size=old),)
        body = AddCheckpoint(old, proofs(old, size), signed).encode()
        answer = witness.add_checkpoint(body, log.latest.get, int(self.log.clock.now().timestamp()))
        if answer.update is None:
            await Pause()
            return (Asked(peer, Outcome.INCONSISTENT if answer.content_type != SIZE else Outcome.AHEAD),)
        log.latest[signed.checkpoint.origin] = answer.update
        await Pause()
        (found,) = cosignatures(answer.update.note, [KEY.verifier])
        return (Asked(peer, Outcome.COSIGNED, found),)
