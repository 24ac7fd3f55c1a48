"""Sessions told twice, late, newest first or behind a new meter: what is an attack, and what has an honest reason."""

import base64
from datetime import timedelta
from decimal import Decimal

from tests.support.answering import OPERATOR
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.meters import transaction
from tests.support.proving import troubles
from tests.watch.test_attacks import PLAIN, SIGNING, charged, codes, event, refused

from wattseal.evidence.ocmf_build import MeterState
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Billing
from wattseal.wire.ocpp.version import Version


async def test_one_charge_told_again_in_another_version_with_other_ids_and_figures_is_billed_once() -> None:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    await charged(Talker(world, "ST1"), 1000, 4002, 0, 3)
    later = Talker(world, "ST1", Version.V201)
    for told in (event("Started", 0, 1001), event("Updated", 1, 2000), event("Ended", 3, 4001)):
        await later.call("TransactionEvent", told)
    found = await transactions(world)
    assert sorted(t.billing for t in found) == [Billing.BILLED, Billing.QUARANTINED]
    assert await troubles(world) == []


async def replaced(world: World, evse: EvseEnrolment) -> None:
    """Have a person say that the meter is another one."""
    await enrol(world, Station(id="ST1", evses=(evse,)))
    world.forget()


async def test_a_new_meter_serial_begins_the_register_anew() -> None:
    world = make_world()
    await enrol(world, Station(id="ST1", evses=(EvseEnrolment(id=1, meter_serial="OLD"),)))
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    await charged(station, 50_000, 55_000)
    await replaced(world, EvseEnrolment(id=1, meter_serial="NEW"))
    await charged(station, 3, 5000, 70, 130)
    assert codes(await transactions(world)) == set()
    await charged(station, 100, 3000, 140, 200)
    assert refused(await transactions(world)) == {"register_rolled_back"}


async def test_an_evse_whose_sessions_begin_at_0_is_enrolled_so() -> None:
    world = make_world()
    await enrol(world, Station(id="ST1", evses=(EvseEnrolment(id=1, register_per_session=True),)))
    await add_token(world, "CARD")
    for number in range(3):
        await charged(Talker(world, "ST1"), 0, 5000, 70 * number, 70 * number + 60)
    found = await transactions(world)
    assert (codes(found), {t.billing for t in found}) == (set(), {Billing.BILLED})


async def test_a_session_delivered_after_a_later_one_finds_its_place() -> None:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    await charged(station, 1000, 5000)
    await charged(station, 9000, 12_000, 140, 200)
    await charged(station, 5000, 9000, 70, 130)
    await charged(station, 12_000, 13_000, 210, 260)
    found = await transactions(world)
    assert refused(found) == set()
    assert codes(found) - {"time_differs", "held_back"} == {"unaccounted_energy", "unaccounted_session"}


async def test_a_queue_that_comes_newest_first_is_billed_whole() -> None:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    for start, stop, at in ((9000, 12_000, 140), (5000, 9000, 70), (1000, 5000, 0)):
        await charged(station, start, stop, at, at + 60)
    found = await transactions(world)
    assert (refused(found), {t.billing for t in found}) == (set(), {Billing.BILLED})


async def test_a_charge_that_runs_says_nothing_of_the_time_before_it() -> None:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    later = await station.start(wh=5000, minutes=61)
    await charged(station, 1000, 5000, 0, 60)
    await station.stop(later, 9000, 120)
    assert refused(await transactions(world)) == set()


async def test_nothing_comes_before_sessions_of_which_older_ones_are_forgotten() -> None:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    for number in range(9):
        await charged(station, 20_000 + 1000 * number, 21_000 + 1000 * number, 70 * number + 70, 70 * number + 130)
    await charged(station, 1000, 5000, 0, 60)
    assert refused(await transactions(world)) == {"register_rolled_back"}


async def test_what_a_bogus_end_told_is_not_held_against_the_next_session() -> None:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    await charged(station, 1000, 900_000)
    await charged(station, 5000, 9000, 70, 130)
    found = await transactions(world)
    assert {t.reason for t in found} == {None, "energy_beyond_rating"}


async def test_a_stop_that_comes_late_mends_the_missing_one() -> None:
    world = make_world()
    await enrol(world, PLAIN)
    await add_token(world, "CARD")
    station = Talker(world, "ST1")
    first = await station.start()
    second = await station.start(wh=5000, minutes=70)
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(minutes=6)
    await OpenKeeper(world, OPERATOR).round()
    await station.stop(first, 5000, minutes=60)
    await station.stop(second, 9000, minutes=130)
    found = await transactions(world)
    assert {t.billing for t in found} == {Billing.BILLED}
    assert {t.energy_wh for t in found} == {Decimal(4000)}
    assert codes(found) == {"missing_stop", "time_differs"}


async def test_signed_values_of_2_x_are_pages_too() -> None:
    world = make_world()
    await enrol(world, SIGNING)
    await add_token(world, "CARD")
    record = base64.b64encode(transaction(MeterState("METER-1", page=3), "1000", "2000")).decode()
    value = {"signedMeterData": record, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": ""}
    station = Talker(world, "ST1", Version.V201)
    for transaction_id in ("T1", "T2"):
        for told in (
            event("Started", 0, 1000),
            event("Ended", 4, 2000, signedMeterValue=value, context="Transaction.End"),
        ):
            told["transactionInfo"] = {"transactionId": transaction_id}
            told["seqNo"] = min(told["seqNo"], 1)
            await station.call("TransactionEvent", told)
    assert refused(await transactions(world)) == {"evidence_replayed"}
