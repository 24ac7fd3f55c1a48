"""Availability: connectors' states outlive a restart, are written when they change, and say what 1.6 adds."""

from tests.support.cpo_world import Talker, enrol, make_world
from tests.support.memory_journal import MemoryJournal

from wattseal.base.ids import EvseId, StationId
from wattseal.flow.documents import ALARM, read
from wattseal.flow.orders import Answered
from wattseal.flow.stations import availability
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.remote import AvailabilityRequested, Responded
from wattseal.rules.clock_drift import drift_ms
from wattseal.wire.ocpp.version import Version

S = StationId("S")


async def made(version: Version) -> tuple[World, MemoryJournal, Talker]:
    journal = MemoryJournal()
    world = make_world(journal)
    await enrol(world, "S")
    return world, journal, Talker(world, "S", version)


async def test_a_fault_of_a_16_station_is_kept_with_all_it_said() -> None:
    world, _, station = await made(Version.V16)
    told = {
        "connectorId": 2,
        "status": "Faulted",
        "errorCode": "GroundFailure",
        "info": "relay",
        "vendorId": "V",
        "vendorErrorCode": "E17",
        "timestamp": "2027-01-15T07:59:00Z",
    }
    await station.call("StatusNotification", told)
    world.forget()
    (state,) = await availability.connectors(world, S)
    assert (state.evse_id, state.connector_id, state.status, state.detail) == (2, 1, "Faulted", "Faulted")
    assert (state.error_code, state.info, state.vendor_id, state.vendor_error_code) == (
        "GroundFailure",
        "relay",
        "V",
        "E17",
    )


async def test_only_a_change_is_written() -> None:
    world, journal, station = await made(Version.V16)
    told = {"connectorId": 1, "status": "Charging", "errorCode": "NoError"}
    await station.call("StatusNotification", told)
    before = journal.commits
    for _ in range(3):
        await station.call("StatusNotification", told)
    assert journal.commits == before
    world.forget()
    await station.call("StatusNotification", told)
    assert journal.commits == before, "also after a restart"
    await station.call("StatusNotification", {**told, "status": "SuspendedEV"})
    (state,) = await availability.connectors(world, S)
    assert (state.status, state.detail) == ("Occupied", "SuspendedEV")


async def test_the_stations_clock_is_compared_with_ours() -> None:
    world, _, station = await made(Version.V201)
    late = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": "2027-01-15T07:50:00Z"}
    await station.call("StatusNotification", late)
    memory = await remember_station(world, S)
    assert memory is not None
    drift = drift_ms(memory.clock)
    assert drift is not None
    assert -601_000 <= drift <= -600_000


async def test_a_clock_that_stays_off_raises_one_alarm() -> None:
    world, _, station = await made(Version.V201)
    late = {"evseId": 1, "connectorId": 1, "connectorStatus": "Available", "timestamp": "2027-01-15T07:50:00Z"}
    for _ in range(6):
        await station.call("StatusNotification", late)
    found = await world.journal.documents(world.tenant, ALARM)
    assert [read(document, Alarm).code for document in found] == ["clock_drift"]


async def test_a_station_with_endless_connectors_fills_no_disk() -> None:
    world, _, station = await made(Version.V201)
    for number in range(availability.MAX_CONNECTORS + 5):
        told = {"evseId": number, "connectorId": 1, "connectorStatus": "Available", "timestamp": "2027-01-15T08:00:00Z"}
        assert await station.call("StatusNotification", told) == {}
    assert len(await availability.connectors(world, S)) == availability.MAX_CONNECTORS
    assert world.counters["connectors_beyond_limit"] == 5


async def test_being_put_off_until_the_charge_ends_is_remembered() -> None:
    world, _, _ = await made(Version.V201)
    memory = await remember_station(world, S)
    assert memory is not None
    step = Step(world, "S", world.now_ms())
    command, answer = AvailabilityRequested(operational=False, evse_id=EvseId(1)), Responded("Scheduled")
    await availability.change(Answered(world, memory, step, Version.V201, command, answer, "admin"), command, answer)
    await step.commit()
    (order,) = await availability.service_orders(world, S)
    assert (order.evse_id, order.operational, order.answer, order.asked_by) == (1, False, "Scheduled", "admin")
