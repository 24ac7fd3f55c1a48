"""What meters signed about erased people goes when the invoices that rest on it are gone; everything still proves."""

import base64
from decimal import Decimal

import pytest
from tests.flow.test_account_export import STAFF
from tests.support.cpo_world import Talker, TestClock, enrol, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.meters import METER, METER_KEY, METER_SPKI, NOON, reading
from tests.support.no_proofs import NoProofs
from tests.support.paying import account, bill, paying_world
from tests.support.proved import bundle_of, register
from tests.support.proving import troubles
from tests.support.worlds import trust

from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome
from wattseal.evidence.ocmf_build import build
from wattseal.flow.charges.reproof import prove_again
from wattseal.flow.money import bookkeeping
from wattseal.flow.money.held import open_holds
from wattseal.flow.money.holds import release_by_hand
from wattseal.flow.money.invoice_list import documents_of
from wattseal.flow.money.retention import forget
from wattseal.flow.ports import Batch
from wattseal.flow.privacy.erasing import erase_person, plan_erasure
from wattseal.flow.privacy.meter_names import ERASED_ACCOUNT, cut_of, forget_meter_names
from wattseal.flow.world import World
from wattseal.model.invoice import InvoiceKind, Issued
from wattseal.model.ledger import PostingKind
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.verdict import Verdict
from wattseal.rules.bookkeeping import Wanted
from wattseal.rules.retention import DEFAULT_RETENTION

CARD = b"ANN-CARD"
AT = NOON.isoformat().replace("+00:00", "Z")


async def charged(world: World, card: str) -> str:
    """Have a card charge under a meter that writes it beside what it signs; return the account."""
    made = await account(world, 1000, card=card)
    station = Talker(world, "ST1")
    start = {"connectorId": 1, "idTag": card, "meterStart": 1000, "timestamp": AT}
    number = (await station.call("StartTransaction", start))["transactionId"]
    text = base64.b64encode(
        build(METER, [reading("B", "1000.0"), reading("E", "13345.6", 30)], METER_KEY, card)
    ).decode()
    sample = {"value": text, "format": "SignedData", "context": "Transaction.End"}
    stop = {"transactionId": number, "meterStop": 13346, "timestamp": AT}
    stop["transactionData"] = [{"timestamp": AT, "sampledValue": [sample]}]
    await station.call("StopTransaction", stop)
    await bill(world)
    return made.id


@pytest.fixture
async def world() -> World:
    made = await paying_world()
    evse = EvseEnrolment(id=1, meter_serial="METER-1", meter_public_key=METER_SPKI)
    await enrol(made, Station(id="ST1", evses=(evse,)))
    return made


async def erase(world: World, account_id: str) -> None:
    for held in await open_holds(world, account_id):
        await release_by_hand(world, account_id, held.id, "test")
    balance = world.books.balance(f"customer/{account_id}", "EUR")
    out = Wanted(PostingKind.PAYOUT, f"customer/{account_id}", Decimal(balance) / 100, "EUR", STAFF, "paid out", "out")
    await bookkeeping.post_by_hand(world, out)
    plan = await plan_erasure(world, account_id)
    assert plan.blocked == ()
    await erase_person(world, account_id, plan.code, STAFF)


def said(world: World) -> bytes:
    assert isinstance(world.journal, MemoryJournal)
    return b"".join(kept.item.item for kept in world.journal.kept)


def in_year(world: World, year: int) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at = world.clock.at.replace(year=year, month=1, day=2)


async def test_what_a_meter_signed_about_an_erased_person_goes_with_the_invoices_and_all_proves(world: World) -> None:
    await register(world)
    first = await charged(world, "ANN-CARD")
    (session,) = await transactions(world)
    old = (await bundle_of(world, session)).encode()
    assert session.verdicts[0].verdict is Verdict.VALID
    await erase(world, first)
    assert CARD in said(world)
    in_year(world, NOON.year + 10)
    assert await forget_meter_names(world) == 0
    assert CARD in said(world)
    in_year(world, NOON.year + 11)
    assert await forget_meter_names(world) == 1
    assert CARD not in said(world)
    assert await troubles(world) == []
    assert await prove_again(world, NoProofs(), session.id) == ()
    (after,) = await transactions(world)
    assert after.energy_wh == session.energy_wh
    new = (await bundle_of(world, after)).encode()
    assert check_bundle(old, trust()).verdict is Outcome.VALID
    assert CARD not in new
    report = check_bundle(new, trust())
    assert report.verdict is Outcome.INCOMPLETE
    assert report.failure is not None
    assert report.failure.field == "meter"
    assert await forget_meter_names(world) == 0
    assert await world.journal.documents(world.tenant, ERASED_ACCOUNT) == ()


async def test_while_an_invoice_is_kept_so_is_what_it_rests_on(world: World) -> None:
    first = await charged(world, "ANN-CARD")
    await erase(world, first)
    made = Issued(
        number="I-1",
        kind=InvoiceKind.INVOICE,
        entity="gmbh",
        series="I-",
        count=1,
        on="2030-01-01",
        at_ms=1,
        account=first,
        currency="EUR",
        net=Decimal(1),
        tax=Decimal(0),
        rounding=Decimal(0),
        paid=Decimal(0),
        started_ms=1,
        ended_ms=2,
        bills=(),
        xml="",
        pdf="",
        record="",
    )
    await world.journal.commit(Batch(world.tenant, puts=documents_of(made, "UTC", DEFAULT_RETENTION)))
    in_year(world, NOON.year + 11)
    assert await forget_meter_names(world) == 0
    in_year(world, 2041)
    assert await forget(world) == 1
    assert await forget_meter_names(world) == 1


async def test_of_people_who_were_not_erased_nothing_goes(world: World) -> None:
    await charged(world, "ANN-CARD")
    in_year(world, world.clock.now().year + 30)
    assert await forget_meter_names(world) == 0
    assert CARD in said(world)


async def test_negative_control_evidence_that_went_without_a_record_of_it_is_found(world: World) -> None:
    first = await charged(world, "ANN-CARD")
    await erase(world, first)
    assert isinstance(world.journal, MemoryJournal)
    for kept in world.journal.kept:
        found = cut_of(kept)
        if found is not None:
            await world.journal.commit(Batch(world.tenant, erased=(found[0],)))
    assert "content_missing" in {finding.code for finding in await troubles(world)}
