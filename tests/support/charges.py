"""Charges for tests: a seeded writer, chains of a transaction, readers."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import ClockQuality, Group, Item, Kind
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer

LOG = "CPO/log"
ORIGIN = "CPO/CS001"
START_MS = 1_800_000_000_000


def seeded(seed: str) -> Callable[[int], bytes]:
    """Return a repeatable source of bytes."""
    counter = 0

    def draw(n: int) -> bytes:
        nonlocal counter
        counter += 1
        return hashlib.shake_256(f"{seed}/{counter}".encode()).digest(n)

    return draw


def signing_key(name: str, algorithm: Algorithm = Algorithm.ESP256) -> SigningKey:
    return SigningKey.from_seed(algorithm, hashlib.sha256(name.encode()).digest())


def seal_key(name: str) -> SealPrivateKey:
    return SealPrivateKey.from_seed(hashlib.sha256(b"seal" + name.encode()).digest())


EMSP = seal_key("MSP")
ARBITER = seal_key("ARB")
CPO = seal_key("CPO")
STRANGER = seal_key("stranger")
METER_READERS = (Reader("MSP", EMSP.public), Reader("ARB", ARBITER.public))


@dataclass
class Pen:
    """A writer with its chain, one stream."""

    writer: Writer
    stream: int = 1
    head: ChainHead = NO_HEAD
    items: list[Item] = field(default_factory=list)

    def write(self, kind: Kind, ms: int, subject: SubjectKeys | None = None, **draft: Any) -> Item:
        made = Draft(kind, ms, ClockQuality.SYNCHRONISED, **draft)
        item, self.head = self.writer.append(self.head, self.stream, made, subject)
        self.items.append(item)
        return item


def pen(origin: str = ORIGIN, *, key: SigningKey | None = None, stream: int = 1, seed: str = "pen") -> Pen:
    return Pen(Writer.new(origin, LOG, key or signing_key("edge"), seeded(seed)), stream)


def meter(wh: str, *, sealed: bool = True, **more: Any) -> GroupDraft:
    fields = Meter(Decimal(wh), **more).to_fields()
    return GroupDraft(fields, METER_READERS if sealed else ())


def charge(
    p: Pen,
    *,
    sealed: bool = True,
    readings: int = 3,
    start_wh: int = 1000,
    step_wh: int = 500,
    at_ms: int = START_MS,
    seed: str = "tx",
    refs: tuple[bytes, ...] = (),
    registers: Sequence[int] | None = None,
) -> list[Item]:
    """Write started, readings and ended of one transaction; returns its items. `registers` are all of them, in Wh."""
    told = registers or [start_wh + n * step_wh for n in range(readings + 2)]
    subject = SubjectKeys.new(seeded(seed))
    if p.head is NO_HEAD:
        p.write(Kind.BOOT, at_ms - 1000)
    readers = (Reader("CPO", CPO.public), *METER_READERS) if sealed else ()
    ops = {Group.OPS: GroupDraft(Ops(transaction_id="42", evse_id=p.stream).to_fields(), readers)}
    items = [
        p.write(
            Kind.STARTED, at_ms, subject, groups={Group.METER: meter(str(told[0]), sealed=sealed), **ops}, refs=refs
        )
    ]
    for n, register in enumerate(told[1:-1], start=1):
        groups = {Group.METER: meter(str(register), sealed=sealed)}
        items.append(p.write(Kind.READING, at_ms + n * 30_000, subject, groups=groups))
    end = {Group.METER: meter(str(told[-1]), sealed=sealed), **ops}
    items.append(p.write(Kind.ENDED, at_ms + (len(told) - 1) * 30_000, subject, groups=end))
    return items
