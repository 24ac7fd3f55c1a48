"""Firmware and logs: jobs followed by number or without one, replaced, cancelled, refused, told of unasked."""

import json
from typing import Any

import pytest
from tests.support.cpo_world import Talker, enrol, make_world
from tests.support.effects import commanded

from wattseal.base.ids import StationId
from wattseal.flow.documents import ALARM, read
from wattseal.flow.stations import jobs
from wattseal.flow.stations.jobs import FIRMWARE, LOG, PUBLICATION
from wattseal.flow.stations.security_events import MAX_EVENTS, SECURITY_EVENT, SecurityEvent
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.job import MAX_STEPS, Job
from wattseal.wire.ocpp.version import Version

S = StationId("S")
AT = "2027-01-15T08:00:00Z"
FW16 = {"location": "https://firmware.example/1.bin", "retrieveDate": AT}
FIRMWARE_TYPE = {"location": "https://firmware.example/1.bin", "retrieveDateTime": AT}
SIGNED = {**FIRMWARE_TYPE, "signingCertificate": "PEM", "signature": "c2ln"}


async def made(version: Version) -> tuple[World, Talker]:
    world = make_world()
    await enrol(world, "S")
    return world, Talker(world, "S", version)


async def kept(world: World, kind: str) -> list[Job]:
    return [read(document, Job) for document in await world.journal.documents(world.tenant, kind, station_id=S)]


async def alarms(world: World) -> list[Alarm]:
    return [read(document, Alarm) for document in await world.journal.documents(world.tenant, ALARM)]


def update(number: int) -> dict[str, Any]:
    return {"requestId": number, "firmware": SIGNED}


@pytest.mark.parametrize(
    ("version", "action", "notification"),
    [
        (Version.V16, "SignedUpdateFirmware", "SignedFirmwareStatusNotification"),
        (Version.V201, "UpdateFirmware", "FirmwareStatusNotification"),
        (Version.V21, "UpdateFirmware", "FirmwareStatusNotification"),
    ],
)
async def test_an_update_is_followed_to_its_end(version: Version, action: str, notification: str) -> None:
    world, station = await made(version)
    await commanded(world, version, action, update(5), {"status": "Accepted"})
    words = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "Installing", "Installed"]
    for word in words:
        await station.call(notification, {"status": word, "requestId": 5})
    (job,) = await kept(world, FIRMWARE)
    assert (job.status, job.done, job.asked_by, job.answer) == ("Installed", True, "admin", "Accepted")
    assert [step for _, step in job.steps] == [
        "Downloading",
        "Downloaded",
        "SignatureVerified",
        "Installing",
        "Installed",
    ]
    assert job.details["signed"] == "yes"


async def test_an_update_of_16_without_a_number_is_the_one_under_way() -> None:
    world, station = await made(Version.V16)
    await commanded(world, Version.V16, "UpdateFirmware", FW16, {})
    for word in ("Downloading", "DownloadFailed", "Downloading", "Idle"):
        await station.call("FirmwareStatusNotification", {"status": word})
        world.forget()
    found = await kept(world, FIRMWARE)
    assert [job.status for job in found] == ["DownloadFailed", "Downloading"], "a failed one is over, the retry is new"
    assert found[0].asked_by == "admin"


async def test_what_a_station_tells_before_its_answer_is_processed_belongs_to_the_same_job() -> None:
    world, station = await made(Version.V201)
    await station.call("FirmwareStatusNotification", {"status": "Downloading", "requestId": 5})
    await commanded(world, Version.V201, "UpdateFirmware", update(5), {"status": "Accepted"})
    (job,) = await kept(world, FIRMWARE)
    assert (job.status, job.asked_by) == ("Downloading", "admin")


async def test_a_second_update_ends_the_first() -> None:
    world, station = await made(Version.V201)
    await commanded(world, Version.V201, "UpdateFirmware", update(5), {"status": "Accepted"})
    await station.call("FirmwareStatusNotification", {"status": "Downloading", "requestId": 5})
    await commanded(world, Version.V201, "UpdateFirmware", update(6), {"status": "AcceptedCanceled"})
    await commanded(world, Version.V201, "UpdateFirmware", update(7), {"status": "Accepted"})
    found = {job.request_id: (job.status, job.done) for job in await kept(world, FIRMWARE)}
    assert found == {5: ("Canceled", True), 6: ("Superseded", True), 7: ("Requested", False)}


@pytest.mark.parametrize("word", ["Rejected", "InvalidCertificate", "RevokedCertificate"])
async def test_a_refused_update_leaves_the_one_under_way_alone(word: str) -> None:
    world, _ = await made(Version.V201)
    await commanded(world, Version.V201, "UpdateFirmware", update(5), {"status": "Accepted"})
    await commanded(world, Version.V201, "UpdateFirmware", update(6), {"status": word})
    found = {job.request_id: (job.status, job.done) for job in await kept(world, FIRMWARE)}
    assert found == {5: ("Requested", False), 6: (word, True)}


async def test_firmware_with_a_bad_signature_raises_an_alarm() -> None:
    world, station = await made(Version.V201)
    await commanded(world, Version.V201, "UpdateFirmware", update(5), {"status": "Accepted"})
    await station.call("FirmwareStatusNotification", {"status": "InvalidSignature", "requestId": 5})
    (raised,) = await alarms(world)
    assert (raised.code, raised.field, raised.station_id) == ("firmware_suspect", "InvalidSignature", "S")


async def test_published_firmware_is_withdrawn() -> None:
    world, station = await made(Version.V201)
    ask = {"requestId": 3, "location": "https://firmware.example/1.bin", "checksum": "0" * 32}
    await commanded(world, Version.V201, "PublishFirmware", ask, {"status": "Accepted"})
    told = {"status": "Published", "requestId": 3, "location": ["ftp://local/1.bin"]}
    await station.call("PublishFirmwareStatusNotification", told)
    (job,) = await kept(world, PUBLICATION)
    assert (job.status, job.done) == ("Published", True)
    await commanded(world, Version.V201, "UnpublishFirmware", {"checksum": "0" * 32}, {"status": "Unpublished"})
    (job,) = await kept(world, PUBLICATION)
    assert job.status == "Unpublished"


async def test_a_log_is_followed_and_a_second_one_cancels_it() -> None:
    world, station = await made(Version.V201)

    def ask(number: int) -> dict[str, Any]:
        return {"requestId": number, "logType": "SecurityLog", "log": {"remoteLocation": "https://logs.example/"}}

    await commanded(world, Version.V201, "GetLog", ask(1), {"status": "Accepted", "filename": "a.log"})
    await station.call("LogStatusNotification", {"status": "Uploading", "requestId": 1})
    await commanded(world, Version.V201, "GetLog", ask(2), {"status": "AcceptedCanceled", "filename": "b.log"})
    await station.call("LogStatusNotification", {"status": "AcceptedCanceled", "requestId": 1})
    await station.call("LogStatusNotification", {"status": "Uploaded", "requestId": 2})
    found = {job.request_id: (job.status, job.details["filename"]) for job in await kept(world, LOG)}
    assert found == {1: ("AcceptedCanceled", "a.log"), 2: ("Uploaded", "b.log")}


@pytest.mark.parametrize(("answer", "status"), [({"fileName": "d.zip"}, "UploadFailure"), ({}, "Rejected")])
async def test_diagnostics_of_16_have_no_number(answer: dict[str, Any], status: str) -> None:
    world, station = await made(Version.V16)
    await commanded(world, Version.V16, "GetDiagnostics", {"location": "ftp://logs.example/"}, answer)
    if answer:
        await station.call("DiagnosticsStatusNotification", {"status": "UploadFailed"})
    (job,) = await kept(world, LOG)
    assert (job.status, job.done, job.details["log"]) == (status, True, "DiagnosticsLog")


async def test_a_station_that_talks_without_end_fills_no_disk() -> None:
    world, station = await made(Version.V201)
    for number in range(jobs.MAX_JOBS + 5):
        await station.call("FirmwareStatusNotification", {"status": "Downloading", "requestId": number})
    for number in range(MAX_STEPS + 5):
        word = ("Downloading", "DownloadPaused")[number % 2]
        await station.call("FirmwareStatusNotification", {"status": word, "requestId": 30})
    found = await kept(world, FIRMWARE)
    assert len(found) == jobs.MAX_JOBS
    assert max(len(job.steps) for job in found) == MAX_STEPS


@pytest.mark.parametrize("version", list(Version))
async def test_security_events_are_kept_and_critical_ones_seen(version: Version) -> None:
    world, station = await made(version)
    for kind in ("ResetOrReboot", "InvalidMessages", "TamperDetectionActivated", "VendorOddity"):
        told = {"type": kind, "timestamp": AT, "techInfo": "door"}
        assert await station.call("SecurityEventNotification", told) == {}
    found = [read(d, SecurityEvent) for d in await world.journal.documents(world.tenant, SECURITY_EVENT, station_id=S)]
    assert [(event.type, event.critical) for event in found] == [
        ("ResetOrReboot", True),
        ("InvalidMessages", False),
        ("TamperDetectionActivated", True),
        ("VendorOddity", False),
    ]
    assert [(alarm.code, alarm.field, alarm.detail) for alarm in await alarms(world)] == [
        ("security_event", "TamperDetectionActivated", "door")
    ]


async def test_a_flood_of_security_events_raises_few_alarms_and_keeps_the_latest() -> None:
    world, station = await made(Version.V201)
    for number in range(MAX_EVENTS + 3):
        told = {"type": "TamperDetectionActivated", "timestamp": AT, "techInfo": str(number)}
        await station.call("SecurityEventNotification", told)
    found = await world.journal.documents(world.tenant, SECURITY_EVENT, station_id=S, limit=2 * MAX_EVENTS)
    assert len(found) == MAX_EVENTS
    assert json.loads(found[0].body)["tech_info"] == "3"
    assert len(await alarms(world)) == 1
