"""Nobody could be asked: what is let through at the CPO's own risk, up to where, and what then says so."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.support.cpo_world import AT, Talker, TestClock, TestPartners, enrol, make_world, transactions
from tests.support.proving import troubles

from wattseal.flow.documents import put, put_token
from wattseal.flow.drivers.known_tokens import LOCAL_LIST
from wattseal.flow.ports import Batch
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.local_list import Held, LocalList
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules.billing_policy import BillingPolicy
from wattseal.rules.hold_policy import GroupRisk, HoldPolicy, OwnRisk
from wattseal.seal.fields import Decision
from wattseal.seal.item import Kind, parse_item
from wattseal.wire.ocpp.version import Version

FLEET = IdToken("FLEET", "Central")
V201 = Version.V201


def world_with(policy: HoldPolicy) -> World:
    return make_world(settings=Settings(billing=BillingPolicy(holds=policy)))


async def token(
    world: World, value: str = "CARD", party: str | None = None, group: IdToken | None = None
) -> TokenRecord:
    made = TokenRecord(IdToken(value, "ISO14443"), TokenStatus.ACCEPTED, party, group=group)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(made, 0),)))
    world.tokens.clear()
    return made


async def on_the_list(world: World, value: str) -> None:
    known = LocalList(station_id="ST1", held={IdToken(value, "x").key(): Held(value, "ISO14443", "")})
    await world.journal.commit(Batch(world.tenant, puts=(put(LOCAL_LIST, "st1", known, 0, station_id="ST1"),)))


async def nobody(_party: str, _items: Sequence[bytes]) -> None:
    return None


async def silent_emsp(policy: HoldPolicy, group: IdToken | None = None) -> World:
    world = world_with(policy)
    assert isinstance(world.partners, TestPartners)
    world.partners.parties_by_name["MSP"] = nobody
    await enrol(world, "ST1")
    await token(world, party="MSP", group=group)
    return world


async def decisions(world: World) -> list[Decision]:
    kept = await world.journal.replay(world.tenant)
    items = [parse_item(k.item.item) for k in kept if k.item.kind == Kind.DECISION]
    assert {item.payload.origin for item in items} <= {world.billing_origin}
    return [Decision.read(item.payload.public) for item in items]


async def charge(world: World, *, wh: int = 10_000, late_minutes: int = 0, at_minutes: int = 0) -> Transaction:
    """Charge at ST1 (1.6): begun at `at_minutes`, told `late_minutes` later."""
    station = Talker(world, "ST1")
    assert isinstance(world.clock, TestClock)
    world.clock.at = max(world.clock.at, AT + timedelta(minutes=at_minutes + late_minutes))
    begin_wh = 1000 * (1 + at_minutes)
    number = await station.start(wh=begin_wh, minutes=at_minutes)
    await station.stop(number, begin_wh + wh, minutes=at_minutes + 60)
    return (await transactions(world))[-1]


async def test_a_silent_emsp_is_not_consent_and_the_refusal_is_signed() -> None:
    world = await silent_emsp(HoldPolicy())
    found = await charge(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "not_authorised")
    (refused,) = await decisions(world)
    assert (refused.status, refused.reason) == (TokenStatus.INVALID, "unreachable")
    assert (found.decision is not None, found.party) == (True, "MSP")
    assert await troubles(world) == []


@pytest.mark.parametrize(("wh", "billing"), [(9_000, Billing.BILLED), (9_001, Billing.QUARANTINED)])
async def test_trust_in_a_silent_emsps_customer_ends_at_the_cap(wh: int, billing: Billing) -> None:
    world = await silent_emsp(HoldPolicy(unreachable=OwnRisk.CAPPED, unreachable_cap_wh=9_000))
    found = await charge(world, wh=wh)
    assert found.billing is billing
    assert found.reason == (None if billing is Billing.BILLED else "unreachable_cap_exceeded")
    (given,) = await decisions(world)
    assert (given.status, given.reason, given.cap_wh) == (TokenStatus.ACCEPTED, "unreachable", 9_000)
    assert await troubles(world) == []


async def test_trust_may_stop_at_the_stations_local_list() -> None:
    world = await silent_emsp(HoldPolicy(unreachable=OwnRisk.LOCAL_LIST))
    assert (await charge(world)).reason == "not_authorised"
    await on_the_list(world, "CARD")
    assert (await charge(world, at_minutes=120)).billing is Billing.BILLED


async def test_trust_is_chosen_for_each_group_of_tokens() -> None:
    policy = HoldPolicy(groups={FLEET.key(): GroupRisk(unreachable=OwnRisk.CAPPED, cap_wh=500)})
    world = await silent_emsp(policy)
    assert (await charge(world)).reason == "not_authorised"
    world = await silent_emsp(policy, FLEET)
    assert (await charge(world)).reason == "unreachable_cap_exceeded"
    assert [d.cap_wh for d in await decisions(world)] == [500]


@pytest.mark.parametrize(
    ("policy", "wh", "reason"),
    [
        (HoldPolicy(offline_cap_wh=9_000), 9_000, None),
        (HoldPolicy(offline_cap_wh=9_000), 9_001, "offline_cap_exceeded"),
        (HoldPolicy(offline=OwnRisk.DENY), 100, "not_authorised"),
        (HoldPolicy(offline=OwnRisk.LOCAL_LIST), 100, "not_authorised"),
    ],
)
async def test_a_start_told_late_was_begun_by_the_station_itself(
    policy: HoldPolicy, wh: int, reason: str | None
) -> None:
    world = world_with(policy)
    await enrol(world, "ST1")
    await token(world)
    assert (await charge(world, wh=wh, late_minutes=90)).reason == reason
    assert await troubles(world) == []


async def test_on_the_local_list_it_may() -> None:
    world = world_with(HoldPolicy(offline=OwnRisk.LOCAL_LIST))
    await enrol(world, "ST1")
    await token(world)
    await on_the_list(world, "CARD")
    assert (await charge(world, late_minutes=90)).billing is Billing.BILLED


async def test_a_start_in_time_has_no_such_cap() -> None:
    world = world_with(HoldPolicy(offline_cap_wh=9_000))
    await enrol(world, "ST1")
    await token(world)
    assert (await charge(world, wh=50_000)).billing is Billing.BILLED
    (given,) = await decisions(world)
    assert given.reason is None


async def test_a_slow_clock_is_not_taken_for_a_station_offline() -> None:
    world = world_with(HoldPolicy(offline_cap_wh=9_000))
    await enrol(world, "ST1")
    await token(world)
    station = Talker(world, "ST1")
    assert isinstance(world.clock, TestClock)
    world.clock.at = AT + timedelta(minutes=90)
    told = {"connectorId": 1, "errorCode": "NoError", "status": "Preparing", "timestamp": station.at(0)}
    await station.call("StatusNotification", told)
    assert (await charge(world, wh=50_000, late_minutes=90)).billing is Billing.BILLED
    (given,) = await decisions(world)
    assert given.reason is None


def event(kind: str, seq: int, wh: int, **more: Any) -> dict[str, Any]:
    sample = {"value": float(wh), "measurand": "Energy.Active.Import.Register", "unitOfMeasure": {"unit": "Wh"}}
    context = {"Started": "Transaction.Begin", "Updated": "Sample.Periodic", "Ended": "Transaction.End"}[kind]
    return {
        "eventType": kind,
        "timestamp": (AT + timedelta(minutes=seq)).isoformat(),
        "triggerReason": "Authorized",
        "seqNo": seq,
        "transactionInfo": {"transactionId": "TX1"},
        "evse": {"id": 1},
        "meterValue": [{"timestamp": AT.isoformat(), "sampledValue": [sample | {"context": context}]}],
    } | more


CARD = {"idToken": "CARD", "type": "ISO14443"}


@pytest.mark.parametrize(("offline", "reason"), [(True, "offline_cap_exceeded"), (False, None)])
async def test_a_2x_station_says_that_it_was_offline(offline: bool, reason: str | None) -> None:  # noqa: FBT001
    world = world_with(HoldPolicy(offline_cap_wh=500))
    await enrol(world, "ST1")
    await token(world)
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, 0, idToken=CARD, offline=offline))
    await station.call("TransactionEvent", event("Ended", 1, 501, offline=offline))
    (found,) = await transactions(world)
    assert found.reason == reason


async def test_the_cap_holds_after_a_restart() -> None:
    world = world_with(HoldPolicy(offline_cap_wh=500))
    await enrol(world, "ST1")
    await token(world)
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, 0, idToken=CARD, offline=True))
    world.forget()
    await station.call("TransactionEvent", event("Ended", 1, 501))
    (found,) = await transactions(world)
    assert found.reason == "offline_cap_exceeded"


async def test_another_card_may_pay_where_the_first_one_may_not() -> None:
    world = world_with(HoldPolicy())
    await enrol(world, "ST1")
    await token(world)
    station = Talker(world, "ST1", V201)
    told = await station.call("TransactionEvent", event("Started", 0, 0, idToken=CARD | {"idToken": "NONE"}))
    assert told["idTokenInfo"]["status"] == "Unknown"
    told = await station.call("TransactionEvent", event("Updated", 1, 10, idToken=CARD))
    assert told["idTokenInfo"]["status"] == "Accepted"
    await station.call("TransactionEvent", event("Ended", 2, 501))
    (found,) = await transactions(world)
    assert found.billing is Billing.BILLED
    assert [d.status for d in await decisions(world)] == [TokenStatus.UNKNOWN, TokenStatus.ACCEPTED]
    assert await troubles(world) == []


async def test_a_card_merely_held_to_a_reader_leaves_no_record() -> None:
    world = world_with(HoldPolicy())
    await enrol(world, "ST1")
    told = await Talker(world, "ST1").call("Authorize", {"idTag": "MADE-UP"})
    assert told["idTagInfo"]["status"] == "Invalid"
    assert await world.journal.replay(world.tenant) == ()
