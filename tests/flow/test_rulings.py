"""Rulings: what a person decides is a signed record, covers what was known, and is rebuilt from records alone."""

import pytest
from msgspec.structs import replace
from tests.support.cpo_world import Talker, add_token, enrol, make_world, transactions
from tests.support.no_proofs import NoProofs
from tests.support.proving import troubles

from wattseal.base.errors import InputError
from wattseal.flow.charges.standing import case_of
from wattseal.flow.money.rulings import Decided, rule, rulings_of
from wattseal.flow.world import World
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Finding
from wattseal.rules.billing import bill
from wattseal.seal.item import Kind, parse_item

BILL = Decided(RulingVerdict.BILL, "Jo Doe", "the driver confirms it")
WAIVE = Decided(RulingVerdict.WAIVE, "Jo Doe", "goodwill")


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


async def rolled_back(world: World) -> Transaction:
    """Charge twice; the second time the register begins below where it ended."""
    station = Talker(world, "ST1")
    await station.stop(await station.start(wh=1000), 9000)
    await station.stop(await station.start(wh=5000, minutes=100), 12000, minutes=160)
    found = [t for t in await transactions(world) if t.start_wh == 5000]
    return found[0]


async def charged(world: World) -> Transaction:
    station = Talker(world, "ST1")
    await station.stop(await station.start(), 9000)
    (found,) = await transactions(world)
    return found


async def refused(world: World, transaction_id: str, decided: Decided) -> str:
    with pytest.raises(InputError) as told:
        await rule(world, NoProofs(), transaction_id, decided)
    return told.value.code


async def test_a_ruling_has_a_quarantined_session_billed_and_refers_to_its_evidence(world: World) -> None:
    before = await rolled_back(world)
    assert (before.billing, before.reason) == (Billing.QUARANTINED, "register_rolled_back")
    after = await rule(world, NoProofs(), before.id, BILL)
    assert (after.billing, after.reason, after.ruled) == (Billing.BILLED, None, RulingVerdict.BILL)
    ((record, _, ruling),) = await rulings_of(world, before.id)
    assert (record, ruling.person, ruling.text) == (after.ruling, BILL.person, BILL.text)
    assert ruling.reasons == ("register_rolled_back",)
    kept = await world.journal.replay(world.tenant, 0, 1000)
    item = next(parse_item(k.item.item) for k in kept if k.item.kind == Kind.RULING)
    assert [h.hex() for h in item.payload.refs] == [before.ended, before.started]
    assert await troubles(world) == []


async def test_a_waived_session_is_free_and_never_billed(world: World) -> None:
    before = await rolled_back(world)
    after = await rule(world, NoProofs(), before.id, WAIVE)
    assert (after.billing, after.reason) == (Billing.FREE, "waived")
    assert await troubles(world) == []


async def test_deciding_twice_needs_the_ruling_it_supersedes(world: World) -> None:
    before = await rolled_back(world)
    first = await rule(world, NoProofs(), before.id, WAIVE)
    assert await refused(world, before.id, BILL) == "already_decided"
    wrong = Decided(BILL.verdict, BILL.person, BILL.text, supersedes="00" * 32)
    assert await refused(world, before.id, wrong) == "not_the_ruling"
    second = Decided(BILL.verdict, BILL.person, BILL.text, supersedes=first.ruling)
    assert (await rule(world, NoProofs(), before.id, second)).billing is Billing.BILLED
    assert len(await rulings_of(world, before.id)) == 2
    assert await troubles(world) == []


async def test_what_is_not_quarantined_is_not_decided(world: World) -> None:
    fine = await charged(world)
    assert fine.billing is Billing.BILLED
    assert await refused(world, fine.id, WAIVE) == "not_quarantined"
    assert await refused(world, "ab" * 16, WAIVE) == "no_session"


async def test_a_session_without_energy_cannot_be_billed_by_anybody(world: World) -> None:
    station = Talker(world, "ST1")
    await station.stop(await station.start(wh=9000), 5000)
    (found,) = await transactions(world)
    assert found.billing is Billing.QUARANTINED
    assert await refused(world, found.id, BILL) == "nothing_to_bill"
    assert (await rule(world, NoProofs(), found.id, WAIVE)).reason == "waived"


async def test_what_is_found_out_after_a_ruling_quarantines_again(world: World) -> None:
    before = await rolled_back(world)
    after = await rule(world, NoProofs(), before.id, BILL)
    found_later = replace(after, alarms=(*after.alarms, Finding("evidence_invalid")))
    assert bill(found_later) == (Billing.QUARANTINED, "evidence_invalid")


async def test_a_ruling_raises_no_grade(world: World) -> None:
    before = await rolled_back(world)
    grade = (await case_of(world, NoProofs(), before)).grade
    after = await rule(world, NoProofs(), before.id, BILL)
    case = await case_of(world, NoProofs(), after)
    assert case.grade == grade
    assert case.standing == (Billing.BILLED, None)
    assert case.reasons == ("register_rolled_back",)
