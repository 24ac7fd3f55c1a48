"""What leaves the outbox: bundles to be settled, settlements taken back, CDRs; nothing that is quarantined."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.pricing.prices import element, energy, hourly, parking
from tests.support.cpo_world import (
    LOG,
    SeededRandom,
    Talker,
    TestPartners,
    add_token,
    enrol,
    make_world,
    signing_key,
    transactions,
)
from tests.support.memory_journal import MemoryJournal

from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.flow.courier import Courier, Delivery
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.world import World
from wattseal.model.cdr import Cdr
from wattseal.model.station import Station
from wattseal.model.tariff import Price, PriceComponent, Tariff, TariffElement
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Billing
from wattseal.model.verdict import EvidencePin, Grade, Source
from wattseal.pricing import Priced, price
from wattseal.seal import dcbor
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import Decision, Settlement, SettlementVerdict
from wattseal.seal.item import ClockQuality, Group, Item, Kind, parse_item
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer
from wattseal.wire.ocpi.v2_2_1.cdrs import decode_cdr

MSP = signing_key("msp")
TARIFF = Tariff(
    country_code="DE",
    party_id="CPO",
    id="T1",
    currency="EUR",
    elements=(TariffElement((PriceComponent("ENERGY", Decimal("0.30"), Decimal(19), 1),)),),
    last_updated=datetime(2026, 1, 1, tzinfo=UTC),
)


@dataclass
class Proofs:
    """A log whose checkpoints come when told."""

    ready: bool = True
    parties: dict[str, int] = field(default_factory=dict)

    async def proof(self, index: int) -> bytes | None:
        return b"proof %d" % index if self.ready else None

    async def cosigners(self, index: int) -> dict[str, int] | None:
        del index
        return self.parties if self.ready else None

    def state(self) -> int:
        return int(self.ready)


@dataclass
class Msp:
    """An eMSP: decides, settles as told, and remembers what came."""

    world: World
    verdict: SettlementVerdict = SettlementVerdict.ACCEPTED
    signer: str = "msp"
    reachable: bool = True
    total: tuple[str, str] = ("0.30", "0.36")
    posted: list[tuple[str, bytes]] = field(default_factory=list)

    def write(self, kind: Kind, about: Item, *, ref: bytes, sealed: Settlement | None = None) -> bytes:
        writer = Writer.new("MSP/words", LOG, signing_key(self.signer), SeededRandom(f"{kind}").bytes)
        boot, head = writer.append(NO_HEAD, 0, Draft(Kind.BOOT, 1, ClockQuality.SYNCHRONISED), None)
        del boot
        decision = Decision(TokenStatus.ACCEPTED, b"a" * 16, 2_000_000_000_000)
        groups = {}
        if sealed is not None:
            reader = Reader("CPO", self.world.seal_key.public)
            groups = {Group.OPS: GroupDraft(sealed.to_fields(), (reader,))}
        book = self.world.tariff_book
        records = [version.record for listed in book.listed.values() for version in listed.versions]
        refs = (ref, *map(bytes.fromhex, records)) if sealed is None else (ref,)
        draft = Draft(kind, 1, ClockQuality.SYNCHRONISED, groups, refs, decision.to_public() if sealed is None else {})
        keys = SubjectKeys(about.payload.subject or b"", bytes(32))
        return writer.append(head, 0, draft, keys)[0].encode()

    async def decide(self, party: str, items: tuple[bytes, ...]) -> tuple[bytes, ...]:
        del party
        request = parse_item(items[0])
        return (self.write(Kind.DECISION, request, ref=request.hash),)

    async def post(self, party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        del content_type
        assert party == "MSP"
        if not self.reachable:
            return Delivery.LATER, b""
        self.posted.append((path, body))
        if not path.endswith("/bundles"):
            return Delivery.DONE, dcbor.encode([])
        bundle = parse_bundle(body)
        ended = next(i for i in bundle.items if i.payload.kind == Kind.ENDED)
        accepted = self.verdict is SettlementVerdict.ACCEPTED
        told = Settlement(
            self.verdict,
            Decimal(1000) if accepted else None,
            "EUR" if accepted else None,
            Decimal(self.total[0]) if accepted else None,
            Decimal(self.total[1]) if accepted else None,
            1,
            "csms",
            None if accepted else 6,
            None if accepted else "evidence_value_differs",
        )
        return Delivery.DONE, self.write(Kind.SETTLEMENT, ended, ref=ended.hash, sealed=told)

    def bundles(self) -> list[Bundle]:
        return [parse_bundle(body) for path, body in self.posted if path.endswith("/bundles")]

    def cdrs(self) -> list[bytes]:
        return [body for path, body in self.posted if path.endswith("/cdrs")]


@pytest.fixture
async def world() -> World:
    made = make_world()
    made.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", MSP.public.spki, Use.SIGN, 0))
    await enrol(made, "ST1")
    await enrol(made, Station(id="PINNED", pin=EvidencePin(Grade.G2, Source.METER)))
    await enrol(made, Station(id="LOGGED", pin=EvidencePin(Grade.G1, Source.CSMS)))
    await add_token(made, "CARD", party="MSP")
    return made


async def charged(
    world: World, msp: Msp, station: str = "ST1", tariff: Tariff = TARIFF, read: Sequence[tuple[int, int]] = ()
) -> None:
    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = msp.decide  # type: ignore[assignment] # takes the tuple it is given
    await set_tariff(world, tariff)
    talker = Talker(world, station)
    number = await talker.start(wh=1000)
    for minutes, wh in read:
        await talker.meter(number, wh, minutes)
    await talker.stop(number, 2000)


async def test_an_accepted_settlement_is_recorded_and_billed_by_a_cdr(world: World) -> None:
    msp = Msp(world)
    await charged(world, msp)
    courier = Courier(world, Proofs(), msp.post)
    while await courier.round():
        pass
    (found,) = await transactions(world)
    assert found.settled is not None
    assert (found.settled.accepted, found.billing, found.party) == (True, Billing.BILLED, "MSP")
    (raw,) = msp.cdrs()
    cdr = decode_cdr(raw)
    assert (cdr.total_energy_kwh, cdr.total_cost.before_tax, cdr.session_id) == (Decimal(1), Decimal("0.30"), found.id)
    assert b"CARD" not in raw
    (bundle,) = msp.bundles()
    assert {i.payload.kind for i in bundle.others} == {Kind.REQUEST, Kind.DECISION, Kind.TARIFF}


BY_TIME = replace(TARIFF, elements=(element(energy("0.30", "19"), hourly("6", "19"), parking("12", "19")),))


async def settled(world: World, total: tuple[str, str]) -> Cdr:
    """Charge for ten minutes, stand for fifty, settle for so much, and return the CDR."""
    msp = Msp(world, total=total)
    await charged(world, msp, tariff=BY_TIME, read=((10, 2000), (30, 2000)))
    courier = Courier(world, Proofs(), msp.post)
    while await courier.round():
        pass
    (raw,) = msp.cdrs()
    return decode_cdr(raw)


async def test_a_cdr_tells_in_periods_and_costs_how_its_total_came_about(world: World) -> None:
    cdr = await settled(world, ("11.30", "13.45"))
    told = [{d.type: str(d.volume) for d in period.dimensions} for period in cdr.periods]
    assert told == [{"ENERGY": "1", "TIME": "0.1666667"}, {"ENERGY": "0", "PARKING_TIME": "0.8333333"}]
    assert (cdr.total_time_h, cdr.total_parking_time_h) == (Decimal(1), Decimal("0.8333333"))
    assert cdr.total_energy_cost == Price(Decimal("0.3000"), Decimal("0.3570"))
    assert cdr.total_time_cost == Price(Decimal("1.0000"), Decimal("1.1900"))
    assert cdr.total_parking_cost == Price(Decimal("10.0000"), Decimal("11.9000"))
    assert cdr.total_fixed_cost is None
    again = price(cdr.tariffs[0], cdr.periods, UTC)
    assert isinstance(again, Priced)
    assert again.total == cdr.total_cost


async def test_a_cdr_of_what_the_cpo_cannot_follow_tells_only_what_was_settled(world: World) -> None:
    cdr = await settled(world, ("11.31", "13.46"))
    assert [[d.type for d in period.dimensions] for period in cdr.periods] == [["ENERGY"]]
    assert (cdr.total_cost.before_tax, cdr.total_time_cost, cdr.total_parking_time_h) == (Decimal("11.31"), None, None)


async def test_a_dispute_quarantines_and_no_cdr_is_sent(world: World) -> None:
    msp = Msp(world, SettlementVerdict.DISPUTED)
    await charged(world, msp)
    courier = Courier(world, Proofs(), msp.post)
    while await courier.round():
        pass
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "disputed")
    assert msp.cdrs() == []


async def test_a_settlement_nobody_entitled_signed_settles_nothing(world: World) -> None:
    msp = Msp(world)
    await charged(world, msp)
    msp.signer = "thief"
    await Courier(world, Proofs(), msp.post).round()
    (found,) = await transactions(world)
    assert found.settled is None
    assert world.counters["settlement_unusable"] == 1


async def test_what_is_below_its_pin_is_never_sent_for_settlement(world: World) -> None:
    msp = Msp(world)
    await charged(world, msp, "PINNED")
    while await Courier(world, Proofs(), msp.post).round():
        pass
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "evidence_below_pin")
    assert msp.bundles() == []
    assert world.counters["not_billed_evidence_below_pin"] == 1


async def test_a_pin_on_the_log_waits_for_a_witness(world: World) -> None:
    msp = Msp(world)
    await charged(world, msp, "LOGGED")
    proofs = Proofs()
    courier = Courier(world, proofs, msp.post)
    await courier.round()
    assert msp.bundles() == []
    proofs.parties = {"DSO": world.now_ms()}
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    while await courier.round():
        pass
    assert len(msp.bundles()) == 1


async def test_an_unreachable_provider_is_tried_again(world: World) -> None:
    msp = Msp(world)
    await charged(world, msp)
    msp.reachable = False
    courier = Courier(world, Proofs(), msp.post)
    assert await courier.round() == 0
    msp.reachable = True
    while await courier.round():
        pass
    assert len(msp.bundles()) == 1


async def test_no_bundle_goes_out_before_its_checkpoint(world: World) -> None:
    msp = Msp(world)
    await charged(world, msp)
    proofs = Proofs(ready=False)
    courier = Courier(world, proofs, msp.post)
    await courier.round()
    assert msp.bundles() == []
    proofs.ready = True
    while await courier.round():
        pass
    assert len(msp.bundles()) == 1
