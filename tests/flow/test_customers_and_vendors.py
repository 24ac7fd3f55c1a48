"""Customers' data: taken only when asked for, forgotten soon. Vendors' messages: by a registry, or kept, or unknown."""

import json
from typing import Any

import pytest
from tests.support.cpo_world import AT as NOW
from tests.support.cpo_world import Talker, add_token, enrol, make_world
from tests.support.effects import commanded

from wattseal.app.vendors import load_vendors
from wattseal.base.errors import ConfigError
from wattseal.base.ids import StationId
from wattseal.flow.documents import read
from wattseal.flow.drivers import customers
from wattseal.flow.drivers.customers import CUSTOMER
from wattseal.flow.drivers.plug_and_charge16 import VENDOR
from wattseal.flow.settings import Settings
from wattseal.flow.stations import device
from wattseal.flow.stations.network_profiles import PROFILE
from wattseal.flow.stations.vendors import MAX_MESSAGES, VENDOR_MESSAGE, KeptMessage
from wattseal.flow.turn import Turn, remember_station
from wattseal.flow.world import World
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.customer import CustomerAsked, KeptCustomer
from wattseal.model.facts import DataTransferred
from wattseal.rules.secrets import without_secrets
from wattseal.wire.ocpp.version import Version

S = StationId("S")
AT = NOW.isoformat().replace("+00:00", "Z")


async def made(version: Version = Version.V201, settings: Settings | None = None) -> tuple[World, Talker]:
    world = make_world(settings=settings)
    await enrol(world, "S")
    return world, Talker(world, "S", version)


def part(number: int, text: str, *, tbc: bool = False, request_id: int = 5) -> dict[str, Any]:
    return {"requestId": request_id, "generatedAt": AT, "seqNo": number, "data": text, "tbc": tbc}


async def about(world: World) -> None:
    memory = await remember_station(world, S)
    assert memory is not None
    device.expect(memory, CustomerAsked(5, report=True, clear=False, customer_identifier="Jane"), world.now_ms())


async def reports(world: World) -> list[KeptCustomer]:
    found = await world.journal.documents(world.tenant, CUSTOMER, station_id=S)
    return [read(document, KeptCustomer) for document in found]


async def test_a_report_that_was_asked_for_is_put_together() -> None:
    world, station = await made()
    await about(world)
    await station.call("NotifyCustomerInformation", part(1, "Doe"))
    ask = {"requestId": 5, "report": True, "clear": False, "customerIdentifier": "Jane"}
    await commanded(world, Version.V201, "CustomerInformation", ask, {"status": "Accepted"})
    (one,) = await reports(world)
    assert (one.complete, one.asked_by, one.answer) == (False, "admin", "Accepted")
    await station.call("NotifyCustomerInformation", part(0, "Jane ", tbc=True))
    (one,) = await reports(world)
    assert (one.complete, one.parts) == (True, {0: "Jane ", 1: "Doe"})


async def test_personal_data_nobody_asked_for_is_not_kept() -> None:
    world, station = await made()
    assert await station.call("NotifyCustomerInformation", part(0, "Jane Doe")) == {}
    assert await reports(world) == []
    assert world.counters["customer_report_unasked"] == 1


async def test_personal_data_is_forgotten_by_itself_and_on_demand() -> None:
    world, station = await made()
    await about(world)
    await station.call("NotifyCustomerInformation", part(0, "Jane Doe"))
    assert await customers.forget_old(world, 3_600_000) == 0
    assert await customers.forget_old(world, 0) == 1
    assert await reports(world) == []
    await about(world)
    await station.call("NotifyCustomerInformation", part(0, "Jane Doe"))
    memory = await remember_station(world, S)
    assert memory is not None
    assert await customers.forget(world, memory, 5)
    assert not await customers.forget(world, memory, 5)
    assert await reports(world) == []


def test_the_record_of_asking_does_not_say_about_whom() -> None:
    ask = {
        "requestId": 5,
        "report": True,
        "customerIdentifier": "Jane",
        "idToken": {"idToken": "CARD", "type": "Local"},
    }
    for action in ("CustomerInformation", "CustomerInformation-Signed"):
        body = {"payload": "SmFuZQ", "protected": "", "signature": ""} if "Signed" in action else ask
        kept = without_secrets(action, json.dumps(body).encode())
        assert b"Jane" not in kept
        assert b"CARD" not in kept
        assert b"SmFuZQ" not in kept


async def answered(turn: Turn, fact: DataTransferred) -> DataTransferAnswer:
    return DataTransferAnswer("Accepted", f"{turn.station.id}: {fact.data}")


@pytest.mark.parametrize("version", list(Version))
async def test_vendors_messages_go_to_their_handlers(version: Version) -> None:
    world, station = await made(version, Settings(vendors=frozenset({"org.kept"})))
    world.vendors = {("org.known", "hello"): answered, ("org.all", None): answered}

    async def status(vendor: str, message: str | None = None) -> str:
        told = {"vendorId": vendor, "data": "x", **({} if message is None else {"messageId": message})}
        answer = await station.call("DataTransfer", told)
        assert answer.get("data") in {None, "S: x"}
        return str(answer["status"])

    assert await status("org.known", "hello") == "Accepted"
    assert await status("org.known", "other") == "UnknownMessageId"
    assert await status("org.all", "whatever") == "Accepted"
    assert await status("org.kept", "note") == "Accepted"
    assert await status("org.nobody") == "UnknownVendorId"
    assert await status("wattseal", "other") == "UnknownMessageId"
    (kept,) = await world.journal.documents(world.tenant, VENDOR_MESSAGE, station_id=S)
    assert read(kept, KeptMessage).data == "x"


async def test_an_accepted_vendor_fills_no_disk() -> None:
    _, station = await made(settings=Settings(vendors=frozenset({"org.kept"})))
    told: dict[str, Any] = {}
    for number in range(MAX_MESSAGES + 1):
        told = await station.call("DataTransfer", {"vendorId": "org.kept", "messageId": str(number)})
    assert told["status"] == "Rejected"


def test_only_installed_plugins_are_loaded() -> None:
    assert load_vendors(()) == {}
    with pytest.raises(ConfigError) as missing:
        load_vendors(("nowhere",))
    assert missing.value.code == "no_vendor_plugin"


async def test_plug_and_charge_over_16_is_understood_as_2_0_1_is() -> None:
    world, station = await made(Version.V16)
    await add_token(world, "DE*ABC*C00001")

    async def told(message: str, data: Any) -> dict[str, Any]:
        text = data if isinstance(data, str) else json.dumps(data)
        return await station.call("DataTransfer", {"vendorId": VENDOR, "messageId": message, "data": text})

    answer = await told("Authorize", {"idToken": {"idToken": "NOBODY", "type": "eMAID"}})
    assert answer["status"] == "Accepted"
    assert json.loads(answer["data"])["idTokenInfo"]["status"] in {"Invalid", "Unknown"}
    request = {
        "iso15118SchemaVersion": "urn:iso:15118:2:2013:MsgDef",
        "action": "Install",
        "exiRequest": "AAAA",
    }
    answer = await told("Get15118EVCertificate", request)
    assert answer["status"] == "Accepted"
    assert "status" in json.loads(answer["data"])
    for bad in ("not json", "{}", "[]"):
        assert (await told("Authorize", bad))["status"] == "Rejected"
    assert (await told("TransactionEvent", {}))["status"] == "UnknownMessageId"
    assert (await station.call("DataTransfer", {"vendorId": VENDOR, "messageId": "Authorize"}))["status"] == "Rejected"


async def test_plug_and_charge_over_16_is_nothing_to_a_2x_station() -> None:
    _, station = await made(Version.V201)
    told = await station.call("DataTransfer", {"vendorId": VENDOR, "messageId": "Authorize", "data": "{}"})
    assert told["status"] == "UnknownVendorId"


async def test_a_network_profile_is_kept_without_its_passwords() -> None:
    world, _ = await made()
    connection = {
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "ocppCsmsUrl": "wss://csms.example",
        "messageTimeout": 30,
        "securityProfile": 2,
        "ocppInterface": "Wired0",
        "apn": {"apn": "x", "apnAuthentication": "PAP", "apnPassword": "hunter2", "simPin": 4711},
        "vpn": {"server": "vpn.example", "user": "u", "password": "hunter2", "key": "hunter2", "type": "IKEv2"},
    }
    ask = {"configurationSlot": 2, "connectionData": connection}
    await commanded(world, Version.V201, "SetNetworkProfile", ask, {"status": "Rejected"})
    assert await world.journal.documents(world.tenant, PROFILE, station_id=S) == ()
    await commanded(world, Version.V201, "SetNetworkProfile", ask, {"status": "Accepted"})
    (kept,) = await world.journal.documents(world.tenant, PROFILE, station_id=S)
    assert b"wss://csms.example" in kept.body
    assert b"hunter2" not in kept.body
    assert b"4711" not in kept.body
    recorded = without_secrets("SetNetworkProfile", json.dumps(ask).encode())
    assert b"hunter2" not in recorded
    assert b"4711" not in recorded
