"""Records from an edge: kept as they came, receipted, relayed; what does not verify is kept apart, never an error."""

import base64
import dataclasses
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from tests.support.cpo_world import (
    LOG,
    SeededRandom,
    Talker,
    TestPartners,
    enrol,
    make_world,
    seal_key,
    signing_key,
    transactions,
)
from tests.support.memory_journal import MemoryJournal

from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Billing
from wattseal.model.verdict import EvidencePin, Grade, Source
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.fields import Decision, Identity, Meter, Ops
from wattseal.seal.item import ClockQuality, Group, Item, Kind, parse_item
from wattseal.seal.receipt import contents
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.signed import parse
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer

EDGE, MSP = signing_key("edge"), signing_key("msp")
MSP_SEAL = seal_key("msp")
READERS = (Reader("MSP", MSP_SEAL.public),)
SECRET_WH = Decimal(987_654_321)


class Edge:
    """Writes the records of one sealed charge on EVSE 1."""

    def __init__(self, seed: str = "edge") -> None:
        random = SeededRandom(seed)
        self.writer = Writer.new("CPO/EDGED", LOG, EDGE, random.bytes)
        self.heads: dict[int, ChainHead] = {}
        self.subject = SubjectKeys.new(random.bytes)
        self.ms = 1_800_000_000_000

    def write(self, kind: Kind, groups: dict[Group, GroupDraft], refs: tuple[bytes, ...] = (), stream: int = 1) -> Item:
        self.ms += 1000
        head = self.heads.get(stream, NO_HEAD)
        draft = Draft(kind, self.ms, ClockQuality.INFORMATIVE, groups, refs)
        item, self.heads[stream] = self.writer.append(head, stream, draft, None if kind is Kind.BOOT else self.subject)
        return item

    def boot(self) -> Item:
        return self.write(Kind.BOOT, {})

    def request(self) -> Item:
        identity = GroupDraft(Identity("CARD", "ISO14443").to_fields(), READERS)
        ops = GroupDraft(Ops(route="MSP", evse_id=1, nonce=bytes(16)).to_fields())
        return self.write(Kind.REQUEST, {Group.IDENTITY: identity, Group.OPS: ops})

    def register(self, kind: Kind, wh: Decimal, ops: Ops, refs: tuple[bytes, ...] = ()) -> Item:
        meter = GroupDraft(Meter(wh).to_fields(), READERS)
        return self.write(kind, {Group.METER: meter, Group.OPS: GroupDraft(ops.to_fields())}, refs)


class Provider:
    """An eMSP that accepts every request."""

    def __init__(self) -> None:
        self.writer = Writer.new("MSP/authorisation", LOG, MSP, SeededRandom("msp").bytes)
        self.head = NO_HEAD

    async def answer(self, party: str, items: Sequence[bytes]) -> tuple[bytes, ...]:
        assert party == "MSP"
        if self.head is NO_HEAD:
            _, self.head = self.writer.append(self.head, 0, Draft(Kind.BOOT, 1, ClockQuality.SYNCHRONISED), None)
        answers = []
        for data in items:
            request = parse_item(data)
            if request.payload.kind != Kind.REQUEST:
                continue
            decision = Decision(TokenStatus.ACCEPTED, b"a" * 16, 2_000_000_000_000)
            keys = SubjectKeys(request.payload.subject or b"", bytes(32))
            draft = Draft(
                Kind.DECISION, 1, ClockQuality.SYNCHRONISED, refs=(request.hash,), public=decision.to_public()
            )
            item, self.head = self.writer.append(self.head, 0, draft, keys)
            answers.append(item.encode())
        return tuple(answers)


@pytest.fixture
async def world() -> World:
    made = make_world()
    partners = made.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = Provider().answer
    made.registry.trust(Entry(1, "CPO/EDGED", Role.EDGE, "SITE", "SITE", EDGE.public.spki, Use.SIGN, 0))
    made.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", MSP.public.spki, Use.SIGN, 0))
    await enrol(made, Station(id="EDGED", pin=EvidencePin(Grade.G4, Source.EDGE)))
    return made


def journal(world: World) -> MemoryJournal:
    assert isinstance(world.journal, MemoryJournal)
    return world.journal


async def send(world: World, *items: Item | bytes) -> list[bytes]:
    """Send items the 1.6 way and return what came back."""
    encoded = [base64.b64encode(i if isinstance(i, bytes) else i.encode()).decode() for i in items]
    data = json.dumps({"items": encoded})
    payload = {"vendorId": "wattseal", "messageId": "items", "data": data}
    told: dict[str, Any] = await Talker(world, "EDGED").call("DataTransfer", payload)
    assert told["status"] == "Accepted"
    return [base64.b64decode(text) for text in json.loads(told["data"])["items"]]


async def charge(world: World, edge: Edge) -> tuple[Item, ...]:
    boot, request = edge.boot(), edge.request()
    _, _, decision = await send(world, boot, request)
    ops = Ops(transaction_id="4711", station_ms=edge.ms)
    started = edge.register(Kind.STARTED, SECRET_WH, ops, (parse_item(decision).hash,))
    reading = edge.register(Kind.READING, SECRET_WH + 5, Ops(station_ms=edge.ms))
    ended = edge.register(Kind.ENDED, SECRET_WH + 10, Ops(transaction_id="4711", station_ms=edge.ms, reason="Local"))
    await send(world, started)
    await send(world, reading)
    await send(world, ended)
    return boot, request, started, reading, ended


async def test_a_sealed_charge_is_kept_as_it_came_and_its_energy_stays_unknown(world: World) -> None:
    written = await charge(world, Edge())
    kept = [k.item.item for k in journal(world).kept if k.item.origin == "CPO/EDGED"]
    assert kept == [item.encode() for item in written]
    (found,) = await transactions(world)
    assert (found.sealed, found.energy_wh, found.source, found.party) == (True, None, Source.EDGE, "MSP")
    assert (found.billing, found.reason) == (Billing.PENDING, "awaiting_settlement")
    assert found.alarms == ()


async def test_neither_register_nor_token_is_anywhere_in_what_the_cpo_keeps(world: World) -> None:
    await charge(world, Edge())
    everything = b"".join(k.item.item for k in journal(world).kept)
    everything += b"".join(put.body for put in journal(world).documents_by_key.values())
    everything += b"".join(message.body for message in journal(world).messages.values())
    for wh in (SECRET_WH, SECRET_WH + 5, SECRET_WH + 10):
        for spelt in (str(wh).encode(), int(wh).to_bytes(4), int(wh).to_bytes(4, "little")):
            assert spelt not in everything
    assert b"CARD" not in everything


async def test_each_signed_record_gets_a_receipt_that_names_its_log_entry(world: World) -> None:
    edge = Edge()
    boot = edge.boot()
    (receipt,) = await send(world, boot)
    said = contents(parse(receipt))
    assert (said.head, said.leaf) == (boot.hash, boot.leaf_entry())
    assert journal(world).log[said.index] == said.leaf
    (again,) = await send(world, boot)
    assert contents(parse(again)).index == said.index
    assert len(journal(world).kept) == 1


async def test_the_records_are_relayed_to_the_party_that_decided(world: World) -> None:
    written = await charge(world, Edge())
    relayed = [m for m in journal(world).messages.values() if m.kind == "relay"]
    assert len(relayed) == 3
    assert {m.kind for m in journal(world).messages.values()} == {"relay", "settle"}
    assert written[-1].payload.kind == Kind.ENDED


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_a_record_whose_signature_fails_is_kept_apart_without_receipt(world: World, at: int) -> None:
    edge = Edge()
    good = edge.boot()
    assert good.signature is not None
    forged = {
        0: dataclasses.replace(good, signature=dataclasses.replace(good.signature, signature=bytes(64))),
        1: Writer.new("CPO/EDGED", LOG, signing_key("thief"), SeededRandom("thief").bytes).append(
            NO_HEAD, 1, Draft(Kind.BOOT, edge.ms, ClockQuality.UNKNOWN), None
        )[0],
        2: Writer.new("CPO/OTHER", LOG, EDGE, SeededRandom("other").bytes).append(
            NO_HEAD, 1, Draft(Kind.BOOT, edge.ms, ClockQuality.UNKNOWN), None
        )[0],
    }[at]
    assert await send(world, forged) == []
    assert journal(world).kept == []
    kinds = [kind for kind, _ in journal(world).documents_by_key]
    assert {"rejected_item", "alarm"} <= set(kinds)
    assert len(await send(world, good)) == 1


async def test_garbage_among_items_changes_nothing(world: World) -> None:
    assert await send(world, b"\xff\x00", b"", b"\x82") == []
    assert journal(world).kept == []


async def test_a_missing_record_quarantines_the_charge(world: World) -> None:
    edge = Edge()
    boot, request = edge.boot(), edge.request()
    decision = (await send(world, boot, request))[-1]
    ops = Ops(transaction_id="4711", station_ms=edge.ms)
    await send(world, edge.register(Kind.STARTED, Decimal(1), ops, (parse_item(decision).hash,)))
    edge.register(Kind.READING, Decimal(2), Ops())
    await send(world, edge.register(Kind.ENDED, Decimal(3), ops))
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "chain_gap")


async def test_two_histories_at_one_place_are_both_kept_and_alarmed(world: World) -> None:
    edge, other = Edge(), Edge("other")
    boot, request = edge.boot(), edge.request()
    decision = (await send(world, boot, request))[-1]
    refs = (parse_item(decision).hash,)
    other.heads, other.subject = dict(edge.heads), edge.subject
    ops = Ops(transaction_id="4711", station_ms=edge.ms)
    one = edge.register(Kind.STARTED, Decimal(1), ops, refs)
    two = other.register(Kind.STARTED, Decimal(2), ops, refs)
    await send(world, one)
    await send(world, two)
    assert [k.item.payload_hash for k in journal(world).kept if k.item.kind == Kind.STARTED] == [one.hash, two.hash]
    alarms = [p for (kind, _), p in journal(world).documents_by_key.items() if kind == "alarm"]
    assert any(b"chain_fork" in p.body for p in alarms)


async def test_a_plain_stop_at_a_signed_station_is_recorded_beside_and_never_billed(world: World) -> None:
    await charge(world, Edge())
    station = Talker(world, "EDGED")
    await station.stop(await station.start(wh=1), 50)
    beside = [t for t in await transactions(world) if t.origin == "CPO/EDGED~csms"]
    assert [(t.billing, t.reason) for t in beside] == [(Billing.QUARANTINED, "plain_at_signed_station")]


async def test_an_unreachable_provider_means_no_decision_and_the_request_is_kept(world: World) -> None:
    async def silent(party: str, items: Sequence[bytes]) -> None:
        del party, items

    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = silent
    edge = Edge()
    answered = await send(world, edge.boot(), edge.request())
    assert len(answered) == 2
    assert [k.item.kind for k in journal(world).kept] == [Kind.BOOT, Kind.REQUEST]


async def test_a_decision_by_another_party_is_no_decision(world: World) -> None:
    async def impostor(party: str, items: Sequence[bytes]) -> tuple[bytes, ...]:
        provider = Provider()
        provider.writer = Writer.new("MSP/authorisation", LOG, signing_key("thief"), SeededRandom("thief").bytes)
        return await provider.answer(party, items)

    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = impostor
    edge = Edge()
    answered = await send(world, edge.boot(), edge.request())
    assert len(answered) == 2
