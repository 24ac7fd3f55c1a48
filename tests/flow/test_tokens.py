"""Tokens: every status in each version's words, expiry, groups, the master pass, and one charge at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world, transactions
from tests.support.proving import troubles

from wattseal.flow.documents import put_token
from wattseal.flow.ports import Batch
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.token import AllowedAt, IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Billing
from wattseal.rules.authorize import OnePer
from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version
FAMILY = IdToken("FAMILY", "Central")
POLICE = IdToken("POLICE", "Central")


async def seed(world: World, value: str, status: TokenStatus = TokenStatus.ACCEPTED, **more: Any) -> None:
    record = TokenRecord(IdToken(value, "ISO14443"), status, **more)
    world.tokens.pop(record.id_token.key(), None)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(record, 0),)))


@pytest.fixture
async def world() -> World:
    made = make_world(settings=Settings(master_group="police"))
    for station in ("ST1", "ST2"):
        await enrol(made, station)
    return made


async def asked(world: World, version: Version, card: str, station: str = "ST1") -> dict[str, Any]:
    talker = Talker(world, station, version)
    if version is V16:
        told = await talker.call("Authorize", {"idTag": card})
        return dict(told["idTagInfo"])
    told = await talker.call("Authorize", {"idToken": {"idToken": card, "type": "ISO14443"}})
    return dict(told["idTokenInfo"])


def event(kind: str, seq: int, card: str | None = None, tx: str = "T1", evse: int = 1, **more: Any) -> dict[str, Any]:
    """Return a TransactionEvent; `trigger` and what else it holds may be given."""
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": (AT + timedelta(minutes=seq)).isoformat(),
        "triggerReason": more.pop("trigger", "Authorized"),
        "seqNo": seq,
        "transactionInfo": {"transactionId": tx} | more.pop("info", {}),
        "evse": {"id": evse, "connectorId": 1},
        "meterValue": [
            {
                "timestamp": (AT + timedelta(minutes=seq)).isoformat(),
                "sampledValue": [{"value": 1000 + 100 * seq, "measurand": "Energy.Active.Import.Register"}],
            }
        ],
    }
    if card is not None:
        payload["idToken"] = {"idToken": card, "type": "ISO14443"}
    return payload | more


@pytest.mark.parametrize("status", TokenStatus)
async def test_a_tokens_status_is_told_in_the_words_of_2x(world: World, status: TokenStatus) -> None:
    await seed(world, "CARD", status)
    for version in (V201, V21):
        assert (await asked(world, version, "CARD"))["status"] == status.value


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (TokenStatus.ACCEPTED, "Accepted"),
        (TokenStatus.BLOCKED, "Blocked"),
        (TokenStatus.EXPIRED, "Expired"),
        (TokenStatus.INVALID, "Invalid"),
        (TokenStatus.CONCURRENT_TX, "ConcurrentTx"),
        (TokenStatus.UNKNOWN, "Invalid"),
        (TokenStatus.NO_CREDIT, "Blocked"),
        (TokenStatus.NOT_ALLOWED_TYPE_EVSE, "Blocked"),
        (TokenStatus.NOT_AT_THIS_LOCATION, "Blocked"),
        (TokenStatus.NOT_AT_THIS_TIME, "Blocked"),
    ],
)
async def test_a_tokens_status_is_told_in_the_words_of_16(world: World, status: TokenStatus, word: str) -> None:
    await seed(world, "CARD", status)
    assert (await asked(world, V16, "CARD"))["status"] == word


async def test_nobodys_token_is_unknown_in_2x_and_invalid_in_16(world: World) -> None:
    assert [(await asked(world, v, "NOBODY"))["status"] for v in Version] == ["Invalid", "Unknown", "Unknown"]


async def test_a_token_expires(world: World) -> None:
    await seed(world, "OLD", expires_at=AT - timedelta(days=1))
    await seed(world, "NEW", expires_at=datetime(2030, 1, 1, tzinfo=UTC))
    for version in Version:
        assert (await asked(world, version, "OLD"))["status"] == "Expired"
        told = await asked(world, version, "NEW")
        until = told["expiryDate" if version is V16 else "cacheExpiryDateTime"]
        assert (told["status"], until) == ("Accepted", "2030-01-01T00:00:00Z")


async def test_what_is_known_of_a_token_is_told(world: World) -> None:
    await seed(world, "CARD", group=FAMILY, language="de-AT", priority=3, message="Hello")
    assert (await asked(world, V16, "CARD"))["parentIdTag"] == "FAMILY"
    for version in (V201, V21):
        told = await asked(world, version, "CARD")
        assert told["groupIdToken"] == {"idToken": "FAMILY", "type": "Central"}
        assert (told["language1"], told["chargingPriority"]) == ("de-AT", 3)
        assert told["personalMessage"] == {"format": "UTF8", "content": "Hello"}


async def test_a_group_too_long_for_16_is_left_out_there(world: World) -> None:
    await seed(world, "CARD", group=IdToken("G" * 30, "Central"))
    assert "parentIdTag" not in await asked(world, V16, "CARD")
    assert "groupIdToken" in await asked(world, V201, "CARD")


async def test_a_token_for_some_places_is_refused_at_the_others(world: World) -> None:
    await seed(world, "CARD", evses=(AllowedAt("st1", (2, 1)),))
    here = await asked(world, V201, "CARD")
    assert (here["status"], here["evseId"]) == ("Accepted", [1, 2])
    assert (await asked(world, V201, "CARD", "ST2"))["status"] == "NotAtThisLocation"
    station = Talker(world, "ST1", V201)
    told = await station.call("TransactionEvent", event("Started", 0, "CARD", evse=3))
    assert told["idTokenInfo"]["status"] == "NotAtThisLocation"
    told = await station.call("TransactionEvent", event("Started", 0, "CARD", "T2", evse=2))
    assert told["idTokenInfo"]["status"] == "Accepted"


async def test_a_token_blocked_after_it_was_authorised_starts_nothing(world: World) -> None:
    await seed(world, "CARD")
    assert (await asked(world, V16, "CARD"))["status"] == "Accepted"
    await seed(world, "CARD", TokenStatus.BLOCKED)
    told = await Talker(world, "ST1").call(
        "StartTransaction", {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": AT.isoformat()}
    )
    assert told["idTagInfo"]["status"] == "Blocked"
    (found,) = await transactions(world)
    assert found.authorization is TokenStatus.BLOCKED
    assert found.decision is not None
    assert (found.billing, await troubles(world)) == (Billing.PENDING, [])


async def test_a_card_shown_when_the_cable_is_plugged_in_is_its_sessions_by_record_and_projection(world: World) -> None:
    await seed(world, "CARD")
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, trigger="CablePluggedIn"))
    assert (await asked(world, V201, "CARD"))["status"] == "Accepted"
    assert (await asked(world, V201, "CARD"))["status"] == "Accepted"
    (found,) = await transactions(world)
    assert (found.authorization, await troubles(world)) == (TokenStatus.ACCEPTED, [])
    await station.call("TransactionEvent", event("Updated", 1, "CARD"))
    await station.call("TransactionEvent", event("Ended", 2, trigger="EVDeparted"))
    (found,) = await transactions(world)
    assert (found.billing, await troubles(world)) == (Billing.BILLED, [])


async def test_where_the_station_names_another_card_than_the_one_shown_nobody_is_billed(world: World) -> None:
    await seed(world, "CARD")
    await seed(world, "SECOND")
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, trigger="CablePluggedIn"))
    await asked(world, V201, "CARD")
    await station.call("TransactionEvent", event("Updated", 1, "SECOND"))
    await station.call("TransactionEvent", event("Ended", 2, trigger="EVDeparted"))
    (found,) = await transactions(world)
    assert (found.billing, found.reason) == (Billing.QUARANTINED, "charged_by_another")
    assert await troubles(world) == []


async def test_what_was_granted_for_a_session_that_has_ended_begins_no_other(world: World) -> None:
    await seed(world, "CARD")
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, trigger="CablePluggedIn"))
    await asked(world, V201, "CARD")
    await station.call("TransactionEvent", event("Ended", 1, trigger="EVDeparted"))
    await station.call("TransactionEvent", event("Started", 0, "CARD", tx="T2"))
    assert {found.transaction_id for found in await transactions(world)} == {"T1", "T2"}
    assert await troubles(world) == []


async def stopped_by(world: World, card: str, **more: Any) -> tuple[dict[str, Any], Billing, str | None]:
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, "CARD"))
    info = {"stoppedReason": more.pop("reason", "Local")}
    told = await station.call("TransactionEvent", event("Ended", 1, card, trigger="StopAuthorized", info=info))
    (found,) = await transactions(world)
    return told["idTokenInfo"], found.billing, found.reason


async def test_the_same_group_may_stop(world: World) -> None:
    await seed(world, "CARD", group=FAMILY)
    await seed(world, "SECOND", group=FAMILY)
    told, billing, _ = await stopped_by(world, "SECOND")
    assert (told["status"], told["groupIdToken"]["idToken"]) == ("Accepted", "FAMILY")
    assert billing is Billing.BILLED


@pytest.mark.parametrize("group", [None, POLICE.value, "OTHERS"])
async def test_another_groups_stop_is_kept_and_not_billed(world: World, group: str | None) -> None:
    await seed(world, "CARD", group=FAMILY)
    await seed(
        world,
        "STRANGER",
        TokenStatus.BLOCKED if group == POLICE.value else TokenStatus.ACCEPTED,
        group=group and IdToken(group, "Central"),
    )
    _, billing, reason = await stopped_by(world, "STRANGER")
    assert (billing, reason) == (Billing.QUARANTINED, "stopped_by_another")


async def test_a_16_stop_by_another_card_is_told_apart_after_a_restart_too(world: World) -> None:
    await seed(world, "CARD")
    await seed(world, "STRANGER")
    station = Talker(world, "ST1")
    number = await station.start()
    world.forget()
    stop = {"transactionId": number, "meterStop": 2000, "timestamp": station.at(60), "idTag": "STRANGER"}
    assert (await station.call("StopTransaction", stop))["idTagInfo"]["status"] == "Accepted"
    (found,) = await transactions(world)
    assert found.reason == "stopped_by_another"


async def test_a_master_pass_stops_any_transaction_and_starts_none(world: World) -> None:
    await seed(world, "CARD")
    await seed(world, "BADGE", group=POLICE)
    told = await asked(world, V201, "BADGE")
    assert (told["status"], told["groupIdToken"]["idToken"]) == ("Accepted", "POLICE")
    assert (await asked(world, V16, "BADGE"))["status"] == "Invalid"
    ended, billing, _ = await stopped_by(world, "BADGE", reason="MasterPass")
    assert (ended["status"], ended["groupIdToken"]["idToken"]) == ("Accepted", "POLICE")
    assert billing is Billing.BILLED
    begun = await Talker(world, "ST1", V201).call("TransactionEvent", event("Started", 0, "BADGE", "T2"))
    assert begun["idTokenInfo"]["status"] == "Invalid"


async def test_an_update_is_told_what_holds_for_its_own_token(world: World) -> None:
    await seed(world, "CARD", group=FAMILY)
    await seed(world, "LOST", TokenStatus.BLOCKED, group=FAMILY)
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, "CARD"))
    told = await station.call("TransactionEvent", event("Updated", 1, "LOST", trigger="StopAuthorized"))
    assert told["idTokenInfo"]["status"] == "Blocked"
    told = await station.call("TransactionEvent", event("Updated", 2, "CARD", trigger="StopAuthorized"))
    assert told["idTokenInfo"]["status"] == "Accepted"
    assert "idTokenInfo" not in await station.call("TransactionEvent", event("Updated", 3))


@pytest.mark.parametrize(("allowed", "billing"), [(True, Billing.BILLED), (False, Billing.QUARANTINED)])
@pytest.mark.parametrize("version", [V201, V21])
async def test_a_start_button_is_accepted_and_billed_where_the_operator_says_so(
    version: Version, *, allowed: bool, billing: Billing
) -> None:
    world = make_world(settings=Settings(start_button=allowed, one_per=OnePer.TOKEN))
    button = {"idToken": {"idToken": "", "type": "NoAuthorization"}}
    for name in ("ST1", "ST2"):
        await enrol(world, name)
        told = await Talker(world, name, version).call("TransactionEvent", event("Started", 0) | button)
        assert told["idTokenInfo"]["status"] == "Accepted"
    await Talker(world, "ST1", version).call("TransactionEvent", event("Ended", 1) | button)
    (found,) = await transactions(world, "ST1")
    assert (found.billing, found.authorization is not None) == (billing, allowed)
    assert ("start_button" in {f.code for f in found.findings}) is not allowed


async def test_a_stop_button_ends_what_a_card_began(world: World) -> None:
    await seed(world, "CARD")
    station = Talker(world, "ST1", V201)
    await station.call("TransactionEvent", event("Started", 0, "CARD"))
    button = {"idToken": {"idToken": "", "type": "NoAuthorization"}}
    told = await station.call("TransactionEvent", event("Ended", 1, trigger="StopAuthorized") | button)
    assert told["idTokenInfo"]["status"] == "Accepted"
    (found,) = await transactions(world)
    assert found.billing is Billing.BILLED


async def test_without_a_limit_a_token_charges_twice(world: World) -> None:
    await seed(world, "CARD")
    await Talker(world, "ST1").start()
    assert (await asked(world, V201, "CARD", "ST2"))["status"] == "Accepted"


@pytest.mark.parametrize("one_per", [OnePer.TOKEN, OnePer.GROUP])
async def test_one_charge_at_a_time(one_per: OnePer) -> None:
    world = make_world(settings=Settings(one_per=one_per))
    for station in ("ST1", "ST2"):
        await enrol(world, station)
    await seed(world, "CARD", group=FAMILY)
    await seed(world, "SECOND", group=FAMILY)
    number = await Talker(world, "ST1").start()
    second = "Accepted" if one_per is OnePer.TOKEN else "ConcurrentTx"
    assert (await asked(world, V16, "CARD", "ST2"))["status"] == "ConcurrentTx"
    assert (await asked(world, V16, "SECOND", "ST2"))["status"] == second
    assert (await asked(world, V16, "CARD", "ST1"))["status"] == "Accepted"
    told = await Talker(world, "ST2", V201).call("TransactionEvent", event("Started", 0, "CARD"))
    assert told["idTokenInfo"]["status"] == "ConcurrentTx"
    await Talker(world, "ST1").stop(number, 2000)
    assert (await asked(world, V16, "CARD", "ST2"))["status"] == "Accepted"
    assert [t.authorization for t in await transactions(world, "ST2")] == [TokenStatus.CONCURRENT_TX]


async def test_a_retried_start_is_not_a_second_one() -> None:
    world = make_world(settings=Settings(one_per=OnePer.TOKEN))
    await enrol(world, "ST1")
    await add_token(world, "CARD")
    station = Talker(world, "ST1", V201)
    for _ in range(2):
        told = await station.call("TransactionEvent", event("Started", 0, "CARD"))
        assert told["idTokenInfo"]["status"] == "Accepted"
    assert len(await transactions(world)) == 1
