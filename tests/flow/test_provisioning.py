"""Boot: stations accepted, pending, rejected, and what each of them may say meanwhile."""

from typing import Any

import pytest
from tests.support.cpo_world import Talker, add_token, enrol, make_world, transactions

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.flow.documents import read
from wattseal.flow.fleet.enrol import enrol_station
from wattseal.flow.stations import provisioning
from wattseal.flow.stations.provisioning import BOOT, MAX_BOOTS, Boot
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.message import Asked
from wattseal.model.remote import TriggerRequested
from wattseal.model.station import BootPolicy, Station
from wattseal.wire.ocpp.version import Fault, Refusal, Version

BOOT16 = {"chargePointVendor": "V", "chargePointModel": "M", "firmwareVersion": "1.0"}
BOOT2X = {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V", "firmwareVersion": "1.0"}}
STATUS16 = {"connectorId": 1, "errorCode": "NoError", "status": "Available"}
STATUS2X = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": "2027-01-15T08:00:00Z"}
VERSIONS = [(Version.V16, BOOT16, STATUS16), (Version.V201, BOOT2X, STATUS2X), (Version.V21, BOOT2X, STATUS2X)]


async def waiting(status: str, version: Version) -> tuple[World, Talker]:
    world = make_world()
    await enrol(world, Station(id="S", boot=BootPolicy(status, 30)))
    return world, Talker(world, "S", version)


async def boots(world: World) -> list[Boot]:
    found = await world.journal.documents(world.tenant, BOOT, station_id=StationId("S"), limit=1000)
    return [read(document, Boot) for document in found]


@pytest.mark.parametrize(("version", "boot", "status"), VERSIONS)
@pytest.mark.parametrize("word", ["Pending", "Rejected"])
async def test_a_station_not_accepted_may_say_nothing_but_boot(
    version: Version, boot: dict[str, Any], status: dict[str, Any], word: str
) -> None:
    _, station = await waiting(word, version)
    for _ in range(2):
        told = await station.call("BootNotification", boot)
        assert (told["status"], told["interval"]) == (word, 30)
        refused = await station.raw("StatusNotification", status)
        assert isinstance(refused, Refusal)
        assert refused.fault is Fault.SECURITY


@pytest.mark.parametrize(("version", "boot", "status"), VERSIONS)
async def test_a_pending_station_is_accepted_at_its_next_boot(
    version: Version, boot: dict[str, Any], status: dict[str, Any]
) -> None:
    world, station = await waiting("Pending", version)
    await station.call("BootNotification", boot)
    await enrol_station(world, Station(id="S", boot=BootPolicy("Accepted", 600)), None)
    assert isinstance(await station.raw("StatusNotification", status), Refusal), "it has not been told yet"
    told = await station.call("BootNotification", boot)
    assert (told["status"], told["interval"]) == ("Accepted", 600)
    assert await station.call("StatusNotification", status) == {}


async def test_what_a_pending_station_was_asked_to_send_is_taken_once() -> None:
    world, station = await waiting("Pending", Version.V201)
    await station.call("BootNotification", BOOT2X)
    memory = await remember_station(world, StationId("S"))
    assert memory is not None
    provisioning.expect(memory, TriggerRequested("StatusNotification"))
    assert await station.call("StatusNotification", STATUS2X) == {}
    assert isinstance(await station.raw("StatusNotification", STATUS2X), Refusal)
    report = {"requestId": 1, "generatedAt": "2027-01-15T08:00:00Z", "seqNo": 0}
    assert await station.call("NotifyReport", report) == {}, "reports are asked of pending stations"


async def test_a_rejected_station_is_sent_nothing_but_triggers() -> None:
    world, station = await waiting("Rejected", Version.V201)
    await station.call("BootNotification", BOOT2X)
    memory = await remember_station(world, StationId("S"))
    assert memory is not None
    provisioning.expect(memory, TriggerRequested("BootNotification"))
    with pytest.raises(InputError) as refused:
        provisioning.expect(memory, Asked("ClearCache"))
    assert refused.value.code == "station_rejected"


@pytest.mark.parametrize("word", ["Pending", "Rejected"])
async def test_transactions_of_a_station_not_accepted_are_not_lost(word: str) -> None:
    world, station = await waiting(word, Version.V16)
    await add_token(world, "CARD")
    await station.call("BootNotification", BOOT16)
    number = await station.start()
    await station.meter(number, 1500)
    await station.stop(number, 2000)
    (kept,) = await transactions(world, "S")
    assert kept.energy_wh == 1000


async def test_boots_are_remembered_the_oldest_forgotten() -> None:
    world, station = await waiting("Accepted", Version.V201)
    for number in range(MAX_BOOTS + 3):
        boot = {
            "reason": "Watchdog",
            "chargingStation": {"model": "M", "vendorName": "V", "firmwareVersion": str(number)},
        }
        await station.call("BootNotification", boot)
    found = await boots(world)
    assert [boot.firmware for boot in found] == [str(number) for number in range(3, MAX_BOOTS + 3)]
    assert {(boot.reason, boot.status) for boot in found} == {("Watchdog", "Accepted")}
    world.forget()
    await station.call("BootNotification", BOOT2X)
    assert len(await boots(world)) == MAX_BOOTS, "also after a restart"
