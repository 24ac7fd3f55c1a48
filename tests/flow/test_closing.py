"""Sessions whose stop never came: closed by a person, kept from being billed, and still ended by their station."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.cpo_world import Talker, TestClock, add_token, enrol, make_world, transactions
from tests.support.no_proofs import NoProofs
from tests.support.proving import troubles

from wattseal.base.errors import InputError
from wattseal.flow.charges.closing import close_session
from wattseal.flow.money.rulings import Decided, rule
from wattseal.flow.world import World
from wattseal.model.ruling import RulingVerdict
from wattseal.model.transaction import Billing, Transaction
from wattseal.wire.ocpp.version import Version

WHO = ("Jo Doe", "the station was replaced")


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


async def begun(world: World) -> tuple[Talker, int, str]:
    """Begin a charge whose station falls silent at 3000 Wh."""
    station = Talker(world, "ST1")
    number = await station.start()
    await station.meter(number, 3000, 20)
    later(world, 60)
    (found,) = await transactions(world)
    return station, number, found.id


def later(world: World, minutes: int) -> None:
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(minutes=minutes)


async def the(world: World, transaction_id: str) -> Transaction:
    return next(t for t in await transactions(world) if t.id == transaction_id)


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_closed_session_ends_at_its_last_register_and_waits_for_a_decision(
    world: World, *, restarts: bool
) -> None:
    _, _, session = await begun(world)
    if restarts:
        world.forget()
    closed = await close_session(world, session, *WHO)
    assert closed == await the(world, session)
    assert (closed.active, closed.energy_wh) == (False, Decimal(2000))
    assert (closed.billing, closed.reason) == (Billing.QUARANTINED, "closed_without_stop")
    assert [n.detail for n in closed.findings if n.code == closed.reason] == ["by Jo Doe: the station was replaced"]
    assert closed.started_ms is not None
    assert closed.ended_ms == closed.started_ms + 20 * 60_000
    assert await troubles(world) == []
    billed = await rule(world, NoProofs(), session, Decided(RulingVerdict.BILL, *WHO))
    assert billed.billing is Billing.BILLED


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_stop_that_comes_after_all_takes_the_place_of_the_closing(world: World, *, restarts: bool) -> None:
    station, number, session = await begun(world)
    await close_session(world, session, *WHO)
    if restarts:
        world.forget()
    for _ in range(2):
        await station.stop(number, 5000, 40)
    found = await the(world, session)
    assert (found.energy_wh, found.billing, found.alarms) == (Decimal(4000), Billing.BILLED, ())
    assert await troubles(world) == []


async def test_a_stop_after_the_decision_is_kept_and_changes_nothing(world: World) -> None:
    station, number, session = await begun(world)
    await close_session(world, session, *WHO)
    await rule(world, NoProofs(), session, Decided(RulingVerdict.BILL, *WHO))
    await station.stop(number, 5000, 40)
    found = await the(world, session)
    assert (found.energy_wh, found.billing) == (Decimal(2000), Billing.BILLED)
    assert {a.code for a in found.alarms} == {"conflicting_end"}
    assert await troubles(world) == []


async def test_the_next_session_is_held_against_the_register_of_the_closing(world: World) -> None:
    station, _, session = await begun(world)
    await close_session(world, session, *WHO)
    await station.stop(await station.start(wh=2500, minutes=90), 4000, 120)
    assert {t.reason for t in await transactions(world)} == {"closed_without_stop", "register_rolled_back"}


async def refused(world: World, session: str) -> str:
    with pytest.raises(InputError) as told:
        await close_session(world, session, *WHO)
    return told.value.code


async def test_what_runs_or_has_ended_is_not_closed(world: World) -> None:
    station = Talker(world, "ST1")
    number = await station.start()
    (found,) = await transactions(world)
    assert await refused(world, found.id) == "still_told_of"
    await station.stop(number, 2000)
    assert await refused(world, found.id) == "ended_already"
    assert await refused(world, "00" * 16) == "no_session"
    assert (await the(world, found.id)).billing is Billing.BILLED


async def test_a_session_of_2_x_without_start_or_register_can_be_closed_and_only_waived(world: World) -> None:
    payload = {
        "eventType": "Updated",
        "timestamp": "2027-01-15T08:10:00Z",
        "triggerReason": "ChargingStateChanged",
        "seqNo": 3,
        "transactionInfo": {"transactionId": "T1"},
        "evse": {"id": 1},
        "idToken": {"idToken": "CARD", "type": "ISO14443"},
    }
    await Talker(world, "ST1", Version.V201).call("TransactionEvent", payload)
    later(world, 30)
    (found,) = await transactions(world)
    closed = await close_session(world, found.id, *WHO)
    assert closed.billing is Billing.QUARANTINED
    waived = await rule(world, NoProofs(), found.id, Decided(RulingVerdict.WAIVE, *WHO))
    assert waived.billing is Billing.FREE
    assert await troubles(world) == []
