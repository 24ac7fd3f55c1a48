"""A sealed charge at a CPO in memory, and an eMSP that signs whatever it likes about it."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from tests.support.cpo_world import (
    LOG,
    SeededRandom,
    Talker,
    TestClock,
    TestPartners,
    enrol,
    make_world,
    seal_key,
    signing_key,
    transactions,
)
from tests.support.memory_journal import MemoryJournal
from tests.support.money import AT_ONCE
from tests.support.proved import Proved

from wattseal.flow.courier import Courier, Delivery
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.world import World
from wattseal.model.tariff import Tariff
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.seal import dcbor
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.fields import Decision, Identity, Meter, Ops, Settlement
from wattseal.seal.item import ClockQuality, Group, Item, Kind, parse_item
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer

EDGE, MSP = signing_key("edge"), signing_key("msp")
READERS = (Reader("MSP", seal_key("msp").public),)
TENTH_S = 100


@dataclass
class Settles:
    """An eMSP that accepts every request, and settles every bundle with the fields it is given."""

    world: World
    fields: dict[int, object]
    reader: Reader
    writer: Writer = field(init=False)
    head: ChainHead = NO_HEAD

    def __post_init__(self) -> None:
        self.writer = Writer.new("MSP/words", LOG, MSP, SeededRandom("msp").bytes)
        _, self.head = self.writer.append(NO_HEAD, 0, Draft(Kind.BOOT, 1, ClockQuality.SYNCHRONISED), None)

    def write(self, subject: bytes, draft: Draft) -> Item:
        item, self.head = self.writer.append(self.head, 0, draft, SubjectKeys(subject, bytes(32)))
        return item

    async def ask(self, party: str, items: Sequence[bytes]) -> tuple[bytes, ...]:
        del party
        request = parse_item(items[0])
        book = self.world.tariff_book
        tariffs = [bytes.fromhex(v.record) for listed in book.listed.values() for v in listed.versions]
        public = Decision(TokenStatus.ACCEPTED, b"a" * 16, 2_000_000_000_000).to_public()
        draft = Draft(Kind.DECISION, 1, ClockQuality.SYNCHRONISED, refs=(request.hash, tariffs[-1]), public=public)
        return (self.write(request.payload.subject or b"", draft).encode(),)

    async def post(self, party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        del party, content_type, body
        if not path.endswith("/bundles"):
            return Delivery.DONE, dcbor.encode([])
        (ended,) = [t for t in await transactions(self.world) if t.ended is not None and t.settlement is None]
        group = GroupDraft(self.fields, (self.reader,))
        refs = (bytes.fromhex(ended.ended or ""),)
        draft = Draft(Kind.SETTLEMENT, 1, ClockQuality.SYNCHRONISED, {Group.OPS: group}, refs)
        return Delivery.DONE, self.write(bytes.fromhex(ended.id), draft).encode()


async def sealed_world(tariff: Tariff) -> World:
    """Return a CPO with a station behind an edge, whose drivers are an eMSP's."""
    world = make_world(settings=AT_ONCE)
    world.registry.trust(Entry(1, "CPO/EDGED", Role.EDGE, "SITE", "SITE", EDGE.public.spki, Use.SIGN, 0))
    world.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", MSP.public.spki, Use.SIGN, 0))
    await enrol(world, "EDGED")
    await enrol(world, "ST1")
    await set_tariff(world, tariff)
    return world


async def settled(
    world: World, settlement: Settlement | dict[int, object], reader: Reader | None = None
) -> Transaction:
    """Charge 10 kWh, sealed, and have the eMSP settle it with these fields; return the session.

    The settlement is sealed to the CPO, or to `reader` in its place.
    """
    fields = settlement.to_fields() if isinstance(settlement, Settlement) else settlement
    emsp = Settles(world, fields, reader or Reader("CPO", world.seal_key.public))
    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = emsp.ask
    await _charged(world)
    assert isinstance(world.journal, MemoryJournal)
    courier = Courier(world, Proved(world.journal), emsp.post)
    for _ in range(3):
        await courier.round()
    (found,) = [t for t in await transactions(world) if t.sealed]
    return found


async def _charged(world: World) -> None:
    random = SeededRandom("edge")
    writer = Writer.new("CPO/EDGED", LOG, EDGE, random.bytes)
    subject, heads, ms = SubjectKeys.new(random.bytes), {0: NO_HEAD, 1: NO_HEAD}, 1_800_000_000_000

    def write(kind: Kind, groups: dict[Group, GroupDraft], refs: tuple[bytes, ...] = (), stream: int = 1) -> Item:
        nonlocal ms
        ms += TENTH_S
        draft = Draft(kind, ms, ClockQuality.SYNCHRONISED, groups, refs)
        mine = None if kind is Kind.BOOT else subject
        item, heads[stream] = writer.append(heads[stream], stream, draft, mine)
        return item

    def register(kind: Kind, wh: int, refs: tuple[bytes, ...] = ()) -> Item:
        ops = GroupDraft(Ops(transaction_id="4711", evse_id=1, station_ms=ms).to_fields())
        return write(kind, {Group.METER: GroupDraft(Meter(Decimal(wh)).to_fields(), READERS), Group.OPS: ops}, refs)

    identity = GroupDraft(Identity("DRIVER", "ISO14443").to_fields(), READERS)
    ops = GroupDraft(Ops(route="MSP", evse_id=1, nonce=bytes(16)).to_fields())
    boots = write(Kind.BOOT, {}, stream=0), write(Kind.BOOT, {})
    asked = write(Kind.REQUEST, {Group.IDENTITY: identity, Group.OPS: ops}, stream=0)
    decision = (await _send(world, *boots, asked))[-1]
    await _send(world, register(Kind.STARTED, 1000, (parse_item(decision).hash,)))
    ms += 3_600_000
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(hours=1)
    await _send(world, register(Kind.ENDED, 11_000))


async def _send(world: World, *items: Item) -> list[bytes]:
    data = json.dumps({"items": [base64.b64encode(item.encode()).decode() for item in items]})
    payload = {"vendorId": "wattseal", "messageId": "items", "data": data}
    told = await Talker(world, "EDGED").call("DataTransfer", payload)
    return [base64.b64decode(text) for text in json.loads(told["data"])["items"]]
