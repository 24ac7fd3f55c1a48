"""Makes the statement that this process lives and tells its alarms; made by the timer that looks after them."""

from dataclasses import dataclass

from wattseal.app.log_keeper import HEAD, read_checkpoint
from wattseal.crypto.hashes import sha256
from wattseal.flow.alarm_keeper import AlarmKeeper
from wattseal.log.alive import Alive
from wattseal.log.keys import SigningKey
from wattseal.seal.alarm import AlarmEvent


@dataclass(slots=True)
class Statements:
    """The latest one; where the timer stands still it grows old, which is what others look for."""

    alarms: AlarmKeeper
    key: SigningKey
    every_s: float
    latest: bytes | None = None

    async def step(self) -> None:
        """Look after the alarms, and make a new one."""
        await self.alarms.round()
        await self.alarms.look()
        world, book = self.alarms.world, self.alarms.world.alarms
        head = await world.journal.document(world.tenant, HEAD, "log")
        log = None if head is None else read_checkpoint(head).checkpoint
        standing = dict.fromkeys(book.recorded.values(), 0)
        for severity in book.recorded.values():
            standing[severity] += 1
        totals, restored = dict(book.totals), book.restored
        told = Alive(
            origin=world.log_origin,
            at_ms=world.now_ms(),
            every_ms=int(self.every_s * 1000),
            size=0 if log is None else log.size,
            root=sha256(b"") if log is None else log.root,
            standing=standing,
            opened=totals[AlarmEvent.OPENED],
            closed=totals[AlarmEvent.CLOSED],
            cleared=totals[AlarmEvent.CLEARED],
            restored=restored,
            chain=await self.alarms.chain(),
        )
        self.latest = told.sign(self.key).encode()
