"""A CPO's real charge at its eMSP, which has its trust file, the tariffs it was sent, the bundle, and nothing else."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.emsp.emsp_world import CONTRACT, open_world
from tests.emsp.emsp_world import World as Msp
from tests.pricing.prices import element, energy, flat, parking
from tests.support.charges import CPO, EMSP
from tests.support.cpo_world import (
    AT,
    Talker,
    TestClock,
    TestPartners,
    add_token,
    enrol,
    make_world,
    signing_key,
    transactions,
)
from tests.support.memory_journal import MemoryJournal
from tests.support.money import AT_ONCE, balances
from tests.support.no_proofs import NoProofs
from tests.support.proved import Proved, register
from tests.support.sound import assert_sound
from tests.support.worlds import EMSP_KEY, entries, entry, trust

from wattseal.bundle.cdr import CdrSummary
from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.flow.charges.standing import standing_of
from wattseal.flow.courier import Courier, Delivery
from wattseal.flow.money.billing import Biller, Round
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.flow.money.tariffs import tariff_item
from wattseal.flow.world import World
from wattseal.model.provider import Charge, ChargeStatus
from wattseal.model.tariff import Tariff
from wattseal.model.token import IdToken
from wattseal.model.transaction import Billing, Transaction
from wattseal.seal import dcbor
from wattseal.seal.item import Group, Kind
from wattseal.seal.registry import Entry, Role, Use
from wattseal.wire.ocpi.v2_2_1.cdrs import decode_cdr

G1 = replace(CONTRACT, accept_g1=True)
"""The CSMS signs what its stations tell: the contract takes such charges where no meter is enrolled."""
NIGHT_AND_IDLE = Tariff(
    "ZZ",
    "CPO",
    "T1",
    "EUR",
    (
        element(energy("0.20", "20"), start_time="22:00", end_time="06:00"),
        element(energy("0.50", "20"), parking("6.00", "20")),
        element(flat("1.00", "10")),
    ),
    datetime(2026, 1, 1, tzinfo=UTC),
    time_zone="Europe/Berlin",
    idle_grace_s=600,
)
BEGIN = datetime(2027, 1, 15, 20, 0, tzinfo=UTC)
"""21:00 in Berlin: an hour until the night begins."""
Spoils = Callable[[Bundle], Bundle]


@dataclass
class Both:
    """A CPO and an eMSP over one clock; `spoils` is what the CPO does to a bundle before it leaves."""

    cpo: World
    msp: Msp
    spoils: Spoils = lambda bundle: bundle
    cdr: Callable[[bytes], bytes] = lambda raw: raw
    sent: list[bytes] = field(default_factory=list)

    def tick(self) -> None:
        self.msp.clock.ms = round(self.cpo.clock.now().timestamp() * 1000)

    async def ask(self, party: str, items: Sequence[bytes]) -> tuple[bytes, ...]:
        assert party == "MSP"
        self.tick()
        return tuple(await self.msp.emsp.receive_items(G1, list(items)))

    async def post(self, party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        del party, content_type
        self.tick()
        if path.endswith("/bundles"):
            self.sent.append(self.spoils(parse_bundle(body)).encode())
            return Delivery.DONE, await self.msp.emsp.receive_bundle(G1, self.sent[-1])
        if path.endswith("/cdrs"):
            raw = self.cdr(body)
            await self.msp.emsp.receive_cdr(G1, decode_cdr(raw), raw)
            return Delivery.DONE, b""
        items: Any = dcbor.decode(body)
        return Delivery.DONE, dcbor.encode(await self.msp.emsp.receive_items(G1, list(items)))

    async def deliver(self) -> None:
        assert isinstance(self.cpo.journal, MemoryJournal)
        courier = Courier(self.cpo, Proved(self.cpo.journal), self.post)
        for _ in range(6):
            await courier.round()

    async def charged(self) -> Transaction:
        """Two hours: 10 kWh by 22:00, 5 more by 22:30, and then the car stands."""
        talker = Talker(self.cpo, "ST1")
        assert isinstance(self.cpo.clock, TestClock)
        first = round((BEGIN - AT).total_seconds() / 60)
        self.cpo.clock.at = BEGIN
        number = await talker.start(minutes=first)
        for after, wh in ((60, 11_000), (90, 16_000), (105, 16_000)):
            self.cpo.clock.at = BEGIN + timedelta(minutes=after)
            await talker.meter(number, wh, minutes=first + after)
        self.cpo.clock.at = BEGIN + timedelta(minutes=120)
        await talker.stop(number, 16_000, minutes=first + 120)
        await self.deliver()
        return await self.transaction()

    async def transaction(self) -> Transaction:
        (found,) = await transactions(self.cpo)
        return found

    async def charge(self) -> Charge:
        found = await self.msp.emsp.desk.books.charge(bytes.fromhex((await self.transaction()).id))
        assert found is not None
        return found

    async def billed(self) -> Round:
        assert isinstance(self.cpo.journal, MemoryJournal)
        return await Biller(self.cpo, Proved(self.cpo.journal)).round()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with open_world(tmp_path, contract=G1, told=False) as msp:
        billing = entry(Role.BILLING, "CPO", signing_key("billing").public.spki, "CPO/billing")
        msp.emsp.desk.trust = trust(entries=entries(billing))
        cpo = make_world(settings=AT_ONCE)
        cpo.seal_key = CPO
        made = Both(cpo, msp)
        assert isinstance(cpo.partners, TestPartners)
        cpo.partners.parties_by_name["MSP"] = made.ask
        cpo.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", EMSP_KEY.public.spki, Use.SIGN, 0))
        cpo.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", EMSP.public.spki, Use.SEAL, 0))
        await register(cpo)
        await enrol(cpo, "ST1")
        await add_token(cpo, "CARD", party="MSP")
        await msp.customer(IdToken("CARD", "ISO14443"))
        await set_tariff(cpo, NIGHT_AND_IDLE)
        await made.deliver()
        yield made


async def test_an_honest_charge_by_the_hour_and_the_standing_comes_to_the_same_cents_on_both_sides(both: Both) -> None:
    """10 kWh at 0.50, 5 at 0.20, 20 minutes beyond the grace at 6.00 an hour, 1.00 flat under another rate."""
    await both.charged()
    charge = await both.charge()
    assert charge.status is ChargeStatus.SETTLED
    assert charge.bill is not None
    assert (charge.bill.total_excl_vat, charge.bill.total_incl_vat) == (Decimal("9.00"), Decimal("10.70"))
    assert {(part.percent, part.net, part.tax) for part in charge.bill.taxes} == {
        (Decimal(20), Decimal("8.00"), Decimal("1.60")),
        (Decimal(10), Decimal("1.00"), Decimal("0.10")),
    }
    assert (charge.cdr_dispute, charge.alarms) == (None, ())
    assert charge.cdr is not None
    assert await both.billed() == Round(billed=1)
    assert (await balances(both.cpo))["customer/MSP"] == 1070
    await assert_sound(both.cpo)


def with_cdr(**changes: Any) -> Spoils:
    def spoil(bundle: Bundle) -> Bundle:
        return replace(bundle, cdr=replace(CdrSummary.read(bundle.cdr), **changes).to_value())

    return spoil


def without_reading(group: Group) -> Spoils:
    """Keep back what one reading between start and end says."""

    def spoil(bundle: Bundle) -> Bundle:
        reading = next(item for item in bundle.items if item.payload.kind == Kind.READING)
        kept = tuple(o for o in bundle.openings if (o.payload_hash, o.gid) != (reading.hash, group))
        assert len(kept) == len(bundle.openings) - 1
        return replace(bundle, openings=kept)

    return spoil


def without_record(bundle: Bundle) -> Bundle:
    """Leave one reading out of the chain, with its proof."""
    at = next(n for n, item in enumerate(bundle.items) if item.payload.kind == Kind.READING)
    items, proofs = list(bundle.items), list(bundle.proofs)
    gone = items.pop(at)
    proofs.pop(at)
    openings = tuple(o for o in bundle.openings if o.payload_hash != gone.hash)
    return replace(bundle, items=tuple(items), proofs=tuple(proofs), openings=openings)


def trace_off_by_one(bundle: Bundle) -> Bundle:
    trace: Any = bundle.price_trace
    line = list(trace[0])
    line[8] = [line[8][0], line[8][1] + 1]
    return replace(bundle, price_trace=[line, *trace[1:]])


def without_price(bundle: Bundle) -> Bundle:
    return replace(bundle, cdr=None, price_trace=None)


DISHONEST: dict[str, tuple[Spoils, int, str]] = {
    "a cent more": (with_cdr(total_incl_vat=Decimal("10.71")), 11, "cdr_differs"),
    "a cent more before tax": (with_cdr(total_excl_vat=Decimal("9.01")), 11, "cdr_differs"),
    "a Wh more": (with_cdr(energy_wh=Decimal(15_001)), 11, "cdr_differs"),
    "an hour earlier": (with_cdr(start_ms=round(BEGIN.timestamp() * 1000) - 3_600_000), 11, "cdr_differs"),
    "another currency": (with_cdr(currency="CHF"), 11, "cdr_differs"),
    "a trace that does not add up": (trace_off_by_one, 11, "price_trace_differs"),
    "a register kept back": (without_reading(Group.METER), 11, "opening"),
    "a time kept back": (without_reading(Group.OPS), 11, "opening"),
    "a record left out": (without_record, 4, "missing_item"),
}


@pytest.mark.parametrize("lie", DISHONEST)
async def test_whatever_a_cpo_asks_for_beyond_its_records_is_disputed_with_the_step_and_billed_by_nobody(
    both: Both, lie: str
) -> None:
    both.spoils, step, reason = DISHONEST[lie]
    found = await both.charged()
    charge = await both.charge()
    assert charge.dispute is not None
    assert (charge.status, charge.dispute.step, charge.dispute.reason) == (ChargeStatus.DISPUTED, step, reason)
    assert (await both.msp.account(IdToken("CARD", "ISO14443"))).captured == 0
    standing, _ = await standing_of(both.cpo, NoProofs(), found)
    assert standing == (Billing.QUARANTINED, "disputed")
    assert await both.billed() == Round(quarantined=1)
    assert await balances(both.cpo) == {}
    await assert_sound(both.cpo)


async def test_the_genuine_bundle_after_a_spoilt_one_is_settled(both: Both) -> None:
    both.spoils = DISHONEST["a cent more"][0]
    await both.charged()
    genuine = parse_bundle(both.sent[-1])
    right = with_cdr(total_incl_vat=Decimal("10.70"))(genuine)
    await both.msp.emsp.receive_bundle(G1, right.encode())
    assert (await both.charge()).status is ChargeStatus.SETTLED


async def test_a_cpo_that_states_no_price_gets_the_emsps(both: Both) -> None:
    both.spoils = without_price
    await both.charged()
    bill = (await both.charge()).bill
    assert bill is not None
    assert bill.total_incl_vat == Decimal("10.70")
    assert await both.billed() == Round(billed=1)


async def test_a_dearer_tariff_in_the_bundle_is_not_the_one_that_was_agreed(both: Both) -> None:
    kept = await set_tariff(both.cpo, replace(NIGHT_AND_IDLE, elements=(element(energy("5.00", "20")),)))
    dearer = await tariff_item(both.cpo, kept.record)
    assert dearer is not None

    def swap(bundle: Bundle) -> Bundle:
        others = tuple(item for item in bundle.others if item.payload.kind != Kind.TARIFF)
        return with_cdr(tariff=dearer.hash)(replace(bundle, others=(*others, dearer)))

    def add(bundle: Bundle) -> Bundle:
        return with_cdr(tariff=dearer.hash)(replace(bundle, others=(*bundle.others, dearer)))

    both.spoils = add
    await both.charged()
    charge = await both.charge()
    assert charge.dispute is not None
    assert (charge.dispute.step, charge.dispute.reason) == (11, "tariff_differs_from_decision")
    said = await both.msp.emsp.receive_bundle(G1, swap(parse_bundle(both.sent[-1])).encode())
    assert said
    assert (await both.charge()).status is ChargeStatus.DISPUTED
    assert await both.billed() == Round(quarantined=1)


async def test_a_tariff_that_was_never_sent_is_not_agreed_to(both: Both) -> None:
    """The CPO raises its price and tells nobody: the decision names the tariff that the eMSP knows, which counts."""
    assert isinstance(both.cpo.journal, MemoryJournal)
    await set_tariff(both.cpo, replace(NIGHT_AND_IDLE, elements=(element(energy("5.00", "20")),)))
    both.cpo.journal.messages.clear()
    await both.charged()
    charge = await both.charge()
    assert charge.status is ChargeStatus.SETTLED
    assert charge.bill is not None
    assert charge.bill.total_incl_vat == Decimal("10.70")
    assert await both.billed() == Round(billed=1)
    assert (await balances(both.cpo))["customer/MSP"] == 1070
    await assert_sound(both.cpo)


def altered(**changes: Any) -> Callable[[bytes], bytes]:
    def alter(raw: bytes) -> bytes:
        return json.dumps(json.loads(raw) | changes).encode()

    return alter


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"total_energy": 15.001}, "total_energy"),
        ({"total_cost": {"excl_vat": 9.01, "incl_vat": 10.70}}, "total_cost excl_vat"),
        ({"total_cost": {"excl_vat": 9.00, "incl_vat": 10.71}}, "total_cost incl_vat"),
        ({"currency": "CHF"}, "currency"),
    ],
)
async def test_a_cdr_that_differs_from_what_was_settled_is_disputed_by_field(
    both: Both, change: dict[str, Any], field: str
) -> None:
    both.cdr = altered(**change)
    await both.charged()
    charge = await both.charge()
    assert charge.status is ChargeStatus.SETTLED
    assert charge.cdr_dispute is not None
    assert (charge.cdr_dispute.reason, charge.cdr_dispute.field) == ("cdr_differs", field)
