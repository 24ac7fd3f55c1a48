from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs
from tests.emsp.emsp_world import CONTRACT, TOKEN, World, bundled, open_world, read_decision, subject, summary
from tests.support.charges import LOG, START_MS, charge, pen, seeded, signing_key
from tests.support.worlds import (
    CSMS_KEY,
    EDGE_KEY,
    MemoryLog,
    enrolled,
    entries,
    entry,
    tariff,
    tariff_record,
    trust,
)

from wattseal.base.errors import InputError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome
from wattseal.crypto.keys import Algorithm
from wattseal.model.provider import ChargeStatus, HoldState
from wattseal.model.token import TokenStatus
from wattseal.model.verdict import Grade
from wattseal.rules.settlement import Contract
from wattseal.seal.fields import Decision, SettlementVerdict
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Role
from wattseal.seal.writer import SubjectKeys


async def finished(world: World, seed: str = "tx", **how: int) -> tuple[list[Item], list[Item]]:
    """Authorise and charge; return the charge's items and what they refer to."""
    request, decision = await world.authorised(seed)
    return world.charged(decision, seed, **how), [request, decision, tariff_record()]


async def test_an_honest_sealed_charge_is_accepted_at_g4_and_paid_from_its_hold(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        said = await world.billed(bundled(items, others))
        assert said.verdict is SettlementVerdict.ACCEPTED
        assert (said.energy_wh, said.grade, said.source) == (Decimal(2000), 4, "edge")
        # 2 kWh at 0.42 and a fee of 0.50, 20 % VAT
        assert (said.total_excl_vat, said.total_incl_vat, said.currency) == (Decimal("1.34"), Decimal("1.61"), "EUR")
        account = await world.account()
        assert (account.held, account.captured, account.available) == (Decimal(0), Decimal("1.61"), Decimal("98.39"))
        known = await world.charge_of()
        assert known.status is ChargeStatus.SETTLED
        assert known.hold is not None
        assert known.hold.state is HoldState.CAPTURED
        await world.emsp.start()


async def test_the_same_bundle_gets_the_same_answer_and_is_paid_once_even_after_a_restart(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        data = bundled(items, others).encode()
        first = await world.emsp.receive_bundle(CONTRACT, data)
        assert await world.emsp.receive_bundle(CONTRACT, data) == first
    async with open_world(tmp_path) as world:
        assert await world.emsp.receive_bundle(CONTRACT, data) == first
        assert (await world.account()).captured == Decimal("1.61")


async def test_the_same_charge_with_more_cosignatures_is_the_same_charge(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        first = await world.emsp.receive_bundle(CONTRACT, bundled(items, others).encode())
        log = MemoryLog([bytes([n]) * 32 for n in range(9)])
        later = bundled(items, others, log=log).encode()
        assert await world.emsp.receive_bundle(CONTRACT, later) == first


async def test_a_bundle_without_its_witnesses_is_disputed_and_accepted_when_they_have_signed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        said = await world.billed(bundled(items, others, parties=["MSP"]))
        assert (said.verdict, said.step) == (SettlementVerdict.DISPUTED, 9)
        assert (await world.account()).held == Decimal(50)
        said = await world.billed(bundled(items, others))
        assert said.verdict is SettlementVerdict.ACCEPTED
        assert (await world.account()).captured == Decimal("1.61")


def lowered(items: list[Item]) -> list[Item]:
    """The stop item with one bit of its payload changed."""
    last = items[-1]
    payload = structs.replace(last.payload, ms=last.payload.ms + 1)
    return [*items[:-1], Item(payload, payload.encode(), last.signature, last.boxes)]


async def test_a_tampered_stop_is_disputed_at_the_signature_and_the_genuine_one_accepted_after(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        said = await world.billed(bundled(lowered(items), others))
        assert (said.verdict, said.step, said.reason) == (SettlementVerdict.DISPUTED, 3, "signature_invalid")
        known = await world.charge_of()
        assert known.dispute is not None
        assert "CPO/CS001 stream 1" in known.dispute.record
        assert (await world.billed(bundled(items, others))).verdict is SettlementVerdict.ACCEPTED


async def test_a_missing_reading_is_disputed_at_the_chain(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        said = await world.billed(bundled([items[0], *items[2:]], others))
        assert (said.verdict, said.step) == (SettlementVerdict.DISPUTED, 4)


async def test_a_cpo_that_asks_for_more_than_its_records_say_is_disputed_at_the_price(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        greedy = replace(summary(items, 2000), total_excl_vat=Decimal("9.99"))
        said = await world.billed(replace(bundled(items, others), cdr=greedy.to_value()))
        assert (said.verdict, said.step, said.reason) == (SettlementVerdict.DISPUTED, 11, "cdr_differs")
        assert said.energy_wh is None or said.energy_wh == Decimal(2000)


async def test_a_tariff_raised_after_the_decision_is_disputed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, (request, decision, _) = await finished(world)
        dearer = tariff_record(tariff("9.99"))
        cdr = replace(summary(items, 2000), tariff=dearer.hash).to_value()
        said = await world.billed(replace(bundled(items, [request, decision, dearer]), cdr=cdr))
        assert (said.verdict, said.step) == (SettlementVerdict.DISPUTED, 11)
        known = await world.charge_of()
        assert known.bill is None


async def test_a_bundle_without_a_cdr_is_priced_by_the_agreed_tariff(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        said = await world.billed(bundled(items, others, energy_wh=None))
        assert (said.verdict, said.total_incl_vat) == (SettlementVerdict.ACCEPTED, Decimal("1.61"))


async def test_a_charge_that_nobody_here_authorised_is_disputed_and_kept(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        invented = charge(pen(key=EDGE_KEY), seed="invented", refs=(others[1].hash,))
        said = await world.billed(bundled(invented, others))
        assert (said.verdict, said.step) == (SettlementVerdict.DISPUTED, 10)
        assert (await world.charge_of("invented")).status is ChargeStatus.DISPUTED
        assert (await world.account()).captured == 0
        assert items


async def test_a_decision_pays_for_one_charge_only(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        assert (await world.billed(bundled(items, others))).verdict is SettlementVerdict.ACCEPTED
        again = world.charged(others[1], start_wh=5000)
        said = await world.billed(bundled(again, others))
        assert (said.verdict, said.reason) == (SettlementVerdict.DISPUTED, "conflicts_with_settled_charge")
        known = await world.charge_of()
        assert (known.status, known.alarms) == (ChargeStatus.SETTLED, ("conflicting_bundle",))
        assert (await world.account()).captured == Decimal("1.61")


async def test_a_tampered_copy_of_a_settled_bundle_is_disputed_and_changes_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        await world.billed(bundled(items, others))
        said = await world.billed(bundled(lowered(items), others))
        assert (said.verdict, said.step) == (SettlementVerdict.DISPUTED, 3)
        known = await world.charge_of()
        assert (known.status, known.bill is not None) == (ChargeStatus.SETTLED, True)


async def test_a_start_long_after_the_authorisation_ran_out_is_disputed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        late = read_decision(decision).expires_ms + 120_000
        items = charge(world.charge_pen, refs=(decision.hash,), at_ms=late)
        bundle = bundled(items, [request, decision, tariff_record()], energy_wh=None)
        said = await world.billed(bundle)
        assert (said.step, said.reason) == (10, "authorisation_expired")


async def test_more_than_the_cap_is_disputed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world, readings=250)
        said = await world.billed(bundled(items, others, energy_wh=None))
        assert (said.step, said.reason) == (10, "cap_exceeded")


async def test_a_stranger_to_the_trust_file_proves_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        items = charge(pen(key=signing_key("stranger")), refs=(decision.hash,))
        said = await world.billed(bundled(items, [request, decision, tariff_record()]))
        assert (said.verdict, said.step) == (SettlementVerdict.DISPUTED, 2)


async def test_two_histories_of_one_station_are_a_fork_with_both_records_kept(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        assert (await world.billed(bundled(items, others))).verdict is SettlementVerdict.ACCEPTED
        request, decision = await world.authorised("second")
        forked = charge(pen(key=EDGE_KEY, seed="fork"), refs=(decision.hash,), seed="second")
        assert forked[0].payload.place == items[0].payload.place
        said = await world.billed(bundled(forked, [request, decision, tariff_record()]))
        assert (said.step, said.reason) == (4, "fork")
        detail = (await world.charge_of("second")).dispute
        assert detail is not None
        assert items[0].hash.hex() in detail.detail


async def test_a_log_that_shows_two_trees_of_one_size_is_disputed_and_both_roots_named(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        await world.billed(bundled(items, others))
        more, more_others = await finished(world, "second", start_wh=3000)
        log = MemoryLog([bytes([n + 50]) * 32 for n in range(5)])
        extra = sum(i.signature is not None for i in items) - sum(i.signature is not None for i in more)
        assert extra == 0
        said = await world.billed(bundled(more, more_others, log=log))
        assert (said.step, said.reason) == (9, "log_shows_two_roots")


async def test_what_was_relayed_live_and_what_is_billed_cannot_differ(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        relayed = world.charged(decision)
        await world.send(*relayed)
        billed = charge(pen(key=EDGE_KEY, seed="other"), refs=(decision.hash,), step_wh=900)
        said = await world.billed(bundled(billed, [request, decision, tariff_record()], energy_wh=None))
        assert (said.step, said.reason) == (4, "fork")


async def test_a_charge_is_metered_while_it_runs(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, _ = await finished(world)
        await world.send(*items[:3])
        known = await world.charge_of()
        assert known.status is ChargeStatus.CHARGING
        assert (known.metered.start_wh, known.metered.register_wh) == (Decimal(1000), Decimal(2000))
        await world.send(*items[3:])
        assert (await world.charge_of()).status is ChargeStatus.ENDED


async def test_a_charge_that_outgrows_its_hold_raises_an_alarm(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, _ = await finished(world, readings=250)
        for item in (items[0], items[-1]):
            await world.send(item)
        assert set((await world.charge_of()).alarms) == {"cap_exceeded", "hold_exceeded"}


async def test_a_relayed_record_that_is_not_believed_is_kept_and_flagged(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, _ = await finished(world)
        await world.send(items[0], lowered(items)[-1])
        known = await world.charge_of()
        assert (known.status, known.alarms) == (ChargeStatus.CHARGING, ("record_signature_invalid",))


async def direct(world: World) -> Bundle:
    """A charge of a stock station that the CSMS itself recorded: no signing source."""
    request, decision = await world.authorised()
    csms = pen("CPO/CS001", key=CSMS_KEY, seed="csms")
    items = charge(csms, refs=(decision.hash,))
    return bundled(items, [request, decision, tariff_record()])


async def test_a_g1_charge_is_below_the_pin_unless_the_contract_takes_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        said = await world.billed(await direct(world))
        assert (said.verdict, said.step, said.reason) == (SettlementVerdict.DISPUTED, 12, "grade_below_pin")
    pinned = Contract("CPO", LOG, pins={"CS001": Grade.G1})
    (tmp_path / "pinned").mkdir()
    async with open_world(tmp_path / "pinned", contract=pinned) as world:
        said = await world.billed(await direct(world))
        assert (said.verdict, said.grade, said.source) == (SettlementVerdict.ACCEPTED, 1, "csms")


async def test_leaving_out_an_enrolled_edges_signature_does_not_make_it_a_g1_station(tmp_path: Path) -> None:
    async with open_world(tmp_path, contract=Contract("CPO", LOG, accept_g1=True)) as world:
        said = await world.billed(await direct(world))
        assert (said.verdict, said.reason) == (SettlementVerdict.DISPUTED, "grade_below_pin")


async def test_another_partners_bundle_is_none_of_its_business(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        with pytest.raises(InputError):
            await world.emsp.receive_bundle(Contract("OTHER", "OTHER/log"), bundled(items, others).encode())


@pytest.mark.parametrize("data", [b"", b"\xff" * 20, b"\xa1\x00dwsb1"])
async def test_garbage_is_refused_and_leaves_no_trace(tmp_path: Path, data: bytes) -> None:
    async with open_world(tmp_path) as world:
        with pytest.raises(InputError):
            await world.emsp.receive_bundle(CONTRACT, data)
        assert await world.emsp.charges() == []


async def test_the_archived_bundle_verifies_for_anybody_and_shows_no_driver(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        await world.billed(bundled(items, others))
        data = await world.emsp.opened_bundle(subject())
        assert data is not None
        report = check_bundle(data, trust())
        assert (report.verdict, report.grade, report.energy_wh) == (Outcome.VALID, Grade.G4, Decimal(2000))
        assert TOKEN.value.encode() not in data


async def test_a_settlement_tells_outsiders_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        settlement = await world.emsp.receive_bundle(CONTRACT, bundled(items, others).encode())
        assert b"EUR" not in settlement
        assert b"edge" not in settlement


async def test_a_disputed_bundle_sent_again_and_again_grows_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        data = bundled(lowered(items), others).encode()
        first = await world.emsp.receive_bundle(CONTRACT, data)
        assert await world.emsp.receive_bundle(CONTRACT, data) == first


async def test_a_partner_cannot_touch_a_charge_of_another(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await finished(world)
        theirs = charge(pen("OTHER/CS001", key=signing_key("stranger")))
        with pytest.raises(InputError, match="another"):
            await world.emsp.receive_bundle(Contract("OTHER", LOG), bundled(theirs, []).encode())
        assert (await world.charge_of()).status is ChargeStatus.AUTHORISED


async def test_a_disputed_hold_is_given_back_by_a_person_and_a_proof_that_comes_later_is_still_paid(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        with pytest.raises(InputError, match="disputed"):
            await world.emsp.release_hold(subject())
        await world.billed(bundled(items, others, parties=["MSP"]))
        released = await world.emsp.release_hold(subject())
        assert released is not None
        assert (await world.account()).held == 0
        assert (await world.billed(bundled(items, others))).verdict is SettlementVerdict.ACCEPTED
        assert (await world.account()).captured == Decimal("1.61")
        await world.emsp.start()


async def test_control_an_emsp_that_saw_only_one_history_accepts_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised("second")
        forked = charge(pen(key=EDGE_KEY, seed="fork"), refs=(decision.hash,), seed="second")
        said = await world.billed(bundled(forked, [request, decision, tariff_record()]))
        assert said.verdict is SettlementVerdict.ACCEPTED


async def test_control_an_emsp_that_saw_only_one_of_two_trees_accepts_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        items, others = await finished(world)
        log = MemoryLog([bytes([n + 50]) * 32 for n in range(5)])
        assert (await world.billed(bundled(items, others, log=log))).verdict is SettlementVerdict.ACCEPTED


async def test_control_the_dearer_tariff_is_paid_where_the_decision_names_it(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        dearer = tariff_record(tariff("9.99"))
        await world.send(dearer)
        request, decision = await world.authorised()
        items = world.charged(decision)
        said = await world.billed(bundled(items, [request, decision, dearer], energy_wh=None))
        assert (said.verdict, said.total_excl_vat) == (SettlementVerdict.ACCEPTED, Decimal("20.48"))


async def test_a_session_the_cpo_invents_with_its_own_billing_key_verifies_and_is_not_paid(tmp_path: Path) -> None:
    """The verifier alone cannot know who the driver's provider is; the provider does."""
    billing = signing_key("billing", Algorithm.ED25519)
    enrolment = enrolled(entry(Role.BILLING, "CPO", billing.public.spki, "CPO/billing"))
    async with open_world(tmp_path) as world:
        world.emsp.desk.trust = trust(entries=(*entries(), enrolment))
        request = world.request("invented")
        desk = pen("CPO/billing", key=billing, stream=0, seed="billing")
        desk.write(Kind.BOOT, START_MS - 3500)
        public = Decision(TokenStatus.ACCEPTED, bytes(16), START_MS + 3_600_000).to_public()
        keys = SubjectKeys.new(seeded("invented"))
        refs = (request.hash, tariff_record().hash)
        decision = desk.write(Kind.DECISION, START_MS - 3000, keys, refs=refs, public=public)
        items = charge(pen(key=EDGE_KEY), refs=(decision.hash,), seed="invented")
        bundle = bundled(items, [request, decision, tariff_record()])
        report = check_bundle(bundle.encode(), world.emsp.desk.trust, [world.emsp.desk.keys.seal])
        assert report.verdict is Outcome.VALID
        said = await world.billed(bundle)
        assert (said.verdict, said.step, said.reason) == (SettlementVerdict.DISPUTED, 10, "not_authorised_here")
