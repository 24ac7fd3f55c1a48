"""Block L and the logs and customers of block N, in 2.x and 1.6: what is asked, and every state that is told."""

from typing import Any

import pytest
from tests.conformance.sessions import Charge2x, at, id_token, seed, status
from tests.conformance.wire import CallError, Station, Wire

both = pytest.mark.parametrize("version", ["2.0.1", "2.1"])
ACCEPTED = {"status": "Accepted"}
FIRMWARE = {
    "location": "https://firmware.example/v2.bin",
    "retrieveDateTime": at(),
    "signingCertificate": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    "signature": "MEUCIQ==",
}
UPDATE = {"requestId": 31, "firmware": FIRMWARE}
DOWNLOADED = ("Downloading", "Downloaded", "SignatureVerified")


def outcome(*states: str, case: str) -> Any:
    return pytest.param(states, marks=pytest.mark.conformance(case), id=case)


async def told(station: Station, action: str, *states: str, **more: Any) -> None:
    """Tell states one after another; each is taken."""
    for state in states:
        await station.call(action, {"status": state, **more})
        station.answered(action, {})


async def security_event(station: Station, kind: str) -> None:
    await station.call("SecurityEventNotification", {"type": kind, "timestamp": at()})
    station.answered("SecurityEventNotification", {})
    assert (await station.shown("security-events"))[-1]["type"] == kind


async def jobs(station: Station, what: str = "firmware-jobs") -> list[tuple[int, str]]:
    """Return the CSMS's jobs of a kind and where each stands."""
    return [(job["request_id"], job["status"]) for job in await station.shown(what)]


OUTCOMES = [
    outcome(*DOWNLOADED, "Installing", "InstallRebooting", "Installed", case="TC_L_01_CSMS"),
    outcome(*DOWNLOADED, "InstallScheduled", "Installing", "Installed", case="TC_L_02_CSMS"),
    outcome("DownloadScheduled", *DOWNLOADED, "Installing", "Installed", case="TC_L_03_CSMS"),
    outcome("Downloading", "Downloaded", "InvalidSignature", case="TC_L_06_CSMS"),
    outcome("Downloading", "DownloadPaused", "Downloading", "DownloadFailed", case="TC_L_07_CSMS"),
    outcome(*DOWNLOADED, "Installing", "InstallVerificationFailed", case="TC_L_08_CSMS"),
    outcome(*DOWNLOADED, "Installing", "InstallationFailed", case="TC_L_09_CSMS"),
]


@both
@pytest.mark.parametrize("states", OUTCOMES)
async def test_an_update_is_asked_and_every_state_of_it_taken(
    wire: Wire, version: str, states: tuple[str, ...]
) -> None:
    station = await wire.station(version)
    await station.commanded("UpdateFirmware", UPDATE, ACCEPTED)
    await told(station, "FirmwareStatusNotification", *states, requestId=31)
    assert await jobs(station) == [(31, states[-1])]
    if states[-1] == "InvalidSignature":
        await security_event(station, "InvalidFirmwareSignature")


@both
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("RevokedCertificate", marks=pytest.mark.conformance("TC_L_04_CSMS")),
        pytest.param("InvalidCertificate", marks=pytest.mark.conformance("TC_L_05_CSMS")),
    ],
)
async def test_an_update_under_a_bad_certificate_is_refused(wire: Wire, version: str, answer: str) -> None:
    station = await wire.station(version)
    await station.commanded("UpdateFirmware", UPDATE, {"status": answer})
    await security_event(station, "InvalidFirmwareSigningCertificate")


@both
@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("AcceptedCanceled", marks=pytest.mark.conformance("TC_L_10_CSMS")),
        pytest.param("Rejected", marks=pytest.mark.conformance("TC_L_11_CSMS")),
    ],
)
async def test_a_second_update_replaces_the_first_or_not(wire: Wire, version: str, answer: str) -> None:
    station = await wire.station(version)
    await station.commanded("UpdateFirmware", UPDATE, ACCEPTED)
    await told(station, "FirmwareStatusNotification", "Downloading", requestId=31)
    await station.commanded("UpdateFirmware", UPDATE | {"requestId": 32}, {"status": answer})
    number = 32 if answer == "AcceptedCanceled" else 31
    await told(station, "FirmwareStatusNotification", *DOWNLOADED, "Installing", "Installed", requestId=number)
    assert (number, "Installed") in await jobs(station)


@both
@pytest.mark.conformance("TC_L_13_CSMS")
async def test_an_update_waits_for_the_charge(wire: Wire, version: str) -> None:
    charge = Charge2x(await wire.station(version))
    station = charge.station
    await charge.started()
    await station.commanded("UpdateFirmware", UPDATE, ACCEPTED)
    await status(station, "Unavailable", 2)
    await told(station, "FirmwareStatusNotification", "Downloading", "Downloaded", "InstallScheduled", requestId=31)
    await charge.stop_authorized()
    await charge.ended()
    await told(station, "FirmwareStatusNotification", "Installing", "Installed", requestId=31)
    assert not (await charge.shown())["active"]


LOGS = [
    pytest.param("DiagnosticsLog", marks=pytest.mark.conformance("TC_N_25_CSMS")),
    pytest.param("SecurityLog", marks=pytest.mark.conformance("TC_N_35_CSMS")),
]


def log(kind: str, number: int) -> dict[str, Any]:
    return {"logType": kind, "requestId": number, "log": {"remoteLocation": "https://logs.example/upload"}}


@both
@pytest.mark.parametrize("kind", LOGS)
async def test_a_log_is_asked_and_its_upload_followed(wire: Wire, version: str, kind: str) -> None:
    station = await wire.station(version)
    await station.commanded("GetLog", log(kind, 5), {"status": "Accepted", "filename": "log.gz"})
    await told(station, "LogStatusNotification", "Uploading", "Uploaded", requestId=5)
    assert await jobs(station, "logs") == [(5, "Uploaded")]


@both
@pytest.mark.conformance("TC_N_34_CSMS")
async def test_a_log_is_refused(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await station.commanded("GetLog", log("DiagnosticsLog", 5), {"status": "Rejected"})


@both
@pytest.mark.conformance("TC_N_36_CSMS")
async def test_a_second_log_cancels_the_first(wire: Wire, version: str) -> None:
    station = await wire.station(version)
    await station.commanded("GetLog", log("DiagnosticsLog", 5), {"status": "Accepted", "filename": "a.gz"})
    await told(station, "LogStatusNotification", "Uploading", requestId=5)
    await station.commanded("GetLog", log("DiagnosticsLog", 6), {"status": "AcceptedCanceled", "filename": "b.gz"})
    await told(station, "LogStatusNotification", "AcceptedCanceled", requestId=5)
    await told(station, "LogStatusNotification", "Uploading", "Uploaded", requestId=6)
    assert await jobs(station, "logs") == [(5, "AcceptedCanceled"), (6, "Uploaded")]


def customer(case: str, *, report: bool, clear: bool, answer: str = "Accepted", data: str = "none") -> Any:
    flags = {"report": report, "clear": clear}
    return pytest.param(flags, answer, data, marks=pytest.mark.conformance(case), id=case)


CUSTOMERS = [
    customer("TC_N_27_CSMS", report=True, clear=False, data="CARD charged on Monday"),
    customer("TC_N_28_CSMS", report=True, clear=False),
    customer("TC_N_29_CSMS", report=True, clear=False, answer="Rejected"),
    customer("TC_N_30_CSMS", report=True, clear=True, data="CARD charged on Monday"),
    customer("TC_N_31_CSMS", report=True, clear=True),
    customer("TC_N_32_CSMS", report=False, clear=True),
]


async def customer_told(station: Station, number: int, *parts: str) -> None:
    for n, part in enumerate(parts):
        payload = {"data": part, "seqNo": n, "generatedAt": at(), "tbc": n < len(parts) - 1, "requestId": number}
        await station.call("NotifyCustomerInformation", payload)
        station.answered("NotifyCustomerInformation", {})


@both
@pytest.mark.parametrize(("flags", "answer", "data"), CUSTOMERS)
async def test_what_a_station_knows_of_a_customer(
    wire: Wire, version: str, flags: dict[str, bool], answer: str, data: str
) -> None:
    station = await wire.station(version)
    payload = {"requestId": 8, **flags, "idToken": id_token(await seed(wire))}
    await station.commanded("CustomerInformation", payload, {"status": answer})
    if answer == "Accepted":
        await customer_told(station, 8, data, "the end")
        (kept,) = await station.shown("customer-reports")
        assert (kept["complete"], kept["data"]) == (True, data + "the end")


CERTIFICATE = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "0a" * 32,
    "issuerKeyHash": "1b" * 32,
    "serialNumber": "42",
}


@both
@pytest.mark.parametrize(
    "who",
    [
        pytest.param({"customerIdentifier": "Customer-1"}, marks=pytest.mark.conformance("TC_N_62_CSMS")),
        pytest.param({"customerCertificate": CERTIFICATE}, marks=pytest.mark.conformance("TC_N_63_CSMS")),
    ],
)
async def test_a_customer_is_named_otherwise(wire: Wire, version: str, who: dict[str, Any]) -> None:
    station = await wire.station(version)
    payload = {"requestId": 9, "report": True, "clear": True, **who}
    await station.commanded("CustomerInformation", payload, ACCEPTED)
    await customer_told(station, 9, "nothing")


# OCPP 1.6

DIAGNOSTICS = {"location": "ftp://logs.example/upload", "retries": 2, "retryInterval": 60}
UPDATE16 = {"location": "ftp://firmware.example/v2.bin", "retrieveDate": at(), "retries": 3, "retryInterval": 60}


@pytest.mark.conformance("OCPP16_5.9", "OCPP16_4.4")
async def test_1_6_diagnostics_are_asked_and_followed(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.commanded("GetDiagnostics", DIAGNOSTICS, {"fileName": "diagnostics.tar.gz"})
    await told(station, "DiagnosticsStatusNotification", "Uploading", "Uploaded", "Idle")
    await station.commanded("GetDiagnostics", DIAGNOSTICS, {})
    await told(station, "DiagnosticsStatusNotification", "Uploading", "UploadFailed")


@pytest.mark.conformance("OCPP16_5.19", "OCPP16_4.5")
@pytest.mark.parametrize(
    "states",
    [
        ("Downloading", "Downloaded", "Installing", "Installed", "Idle"),
        ("Downloading", "DownloadFailed"),
        ("Downloading", "Downloaded", "Installing", "InstallationFailed"),
    ],
)
async def test_a_1_6_update_is_asked_and_followed(wire: Wire, states: tuple[str, ...]) -> None:
    station = await wire.station("1.6")
    await station.commanded("UpdateFirmware", UPDATE16, {})
    await told(station, "FirmwareStatusNotification", *states)


SIGNED = {"requestId": 31, "retries": 1, "firmware": FIRMWARE}
STATES16 = {
    "L01.FR.13": ("DownloadScheduled", *DOWNLOADED, "Installing", "Installed"),
    "L01.FR.14": ("Downloading", "DownloadPaused", *DOWNLOADED, "Installing", "Installed"),
    "L01.FR.15": (*DOWNLOADED, "InstallRebooting", "Installing", "Installed"),
    "L01.FR.16": (*DOWNLOADED, "InstallScheduled", "Installing", "Installed"),
    "L01.FR.22": (*DOWNLOADED, "InstallRebooting", "Installed"),
    "L01.FR.01": ("Downloading", "DownloadFailed"),
    "L01.FR.10": (*DOWNLOADED, "Installing", "InstallVerificationFailed"),
    "L01.FR.11": (*DOWNLOADED, "Installing", "InstallationFailed"),
}


@pytest.mark.conformance("OCPP16S_L01.FR.09")
@pytest.mark.parametrize(
    "states",
    [pytest.param(s, marks=pytest.mark.conformance(f"OCPP16S_{case}"), id=case) for case, s in STATES16.items()],
)
async def test_a_signed_1_6_update_is_asked_and_followed(wire: Wire, states: tuple[str, ...]) -> None:
    station = await wire.station("1.6")
    await station.commanded("SignedUpdateFirmware", SIGNED, ACCEPTED)
    signed = {"signingCertificate": FIRMWARE["signingCertificate"], "signature": FIRMWARE["signature"]}
    station.asked("SignedUpdateFirmware", {"requestId": 31, "firmware": signed})
    await told(station, "SignedFirmwareStatusNotification", *states, requestId=31)
    assert await jobs(station) == [(31, states[-1])]


@pytest.mark.conformance("OCPP16S_L01.FR.02", "OCPP16S_L01.FR.24", "OCPP16S_L01.FR.25")
@pytest.mark.parametrize("answer", ["InvalidCertificate", "RevokedCertificate"])
async def test_a_1_6_station_refuses_a_signing_certificate(wire: Wire, answer: str) -> None:
    station = await wire.station("1.6")
    await station.commanded("SignedUpdateFirmware", SIGNED, {"status": answer})
    await security_event(station, "InvalidFirmwareSigningCertificate")


@pytest.mark.conformance("OCPP16S_L01.FR.03")
async def test_a_1_6_station_finds_a_signature_invalid(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.commanded("SignedUpdateFirmware", SIGNED, ACCEPTED)
    await told(
        station, "SignedFirmwareStatusNotification", "Downloading", "Downloaded", "InvalidSignature", requestId=31
    )
    await security_event(station, "InvalidFirmwareSignature")


@pytest.mark.conformance("OCPP16S_L01.FR.26", "OCPP16S_L01.FR.27")
@pytest.mark.parametrize("answer", ["AcceptedCanceled", "Rejected"])
async def test_a_second_signed_1_6_update_replaces_the_first_or_not(wire: Wire, answer: str) -> None:
    station = await wire.station("1.6")
    await station.commanded("SignedUpdateFirmware", SIGNED, ACCEPTED)
    await told(station, "SignedFirmwareStatusNotification", "Downloading", requestId=31)
    await station.commanded("SignedUpdateFirmware", SIGNED | {"requestId": 32}, {"status": answer})


@pytest.mark.conformance("OCPP16S_L01.FR.20")
async def test_a_secured_1_6_station_takes_no_unsigned_update(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.commanded("UpdateFirmware", UPDATE16, CallError("NotSupported"))


@pytest.mark.conformance("OCPP16S_L01.FR.21", "OCPP16S_L01.FR.28", "OCPP16S_L01.FR.29")
async def test_a_triggered_1_6_firmware_state_is_taken(wire: Wire) -> None:
    station = await wire.station("1.6")
    trigger = {"requestedMessage": "FirmwareStatusNotification"}
    await station.commanded("ExtendedTriggerMessage", trigger, ACCEPTED)
    await told(station, "SignedFirmwareStatusNotification", "Idle")
    await station.commanded("SignedUpdateFirmware", SIGNED, ACCEPTED)
    await station.commanded("ExtendedTriggerMessage", trigger, ACCEPTED)
    await told(station, "SignedFirmwareStatusNotification", "Downloading", requestId=31)


LOGS16 = [
    pytest.param("SecurityLog", marks=pytest.mark.conformance("OCPP16S_N01.FR.03")),
    pytest.param("DiagnosticsLog", marks=pytest.mark.conformance("OCPP16S_N01.FR.04")),
]


@pytest.mark.conformance("OCPP16S_N01.FR.01", "OCPP16S_N01.FR.07", "OCPP16S_N01.FR.08", "OCPP16S_N01.FR.09")
@pytest.mark.parametrize("kind", LOGS16)
async def test_a_1_6_log_is_asked_and_followed(wire: Wire, kind: str) -> None:
    station = await wire.station("1.6")
    await station.commanded("GetLog", log(kind, 5), {"status": "Accepted", "filename": "log.gz"})
    await told(station, "LogStatusNotification", "Uploading", "Uploaded", requestId=5)


@pytest.mark.conformance("OCPP16S_N01.FR.10")
@pytest.mark.parametrize("state", ["UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation"])
async def test_a_1_6_log_may_fail(wire: Wire, state: str) -> None:
    station = await wire.station("1.6")
    await station.commanded("GetLog", log("SecurityLog", 5), {"status": "Accepted", "filename": "log.gz"})
    await told(station, "LogStatusNotification", "Uploading", state, requestId=5)
    assert await jobs(station, "logs") == [(5, state)]


@pytest.mark.conformance("OCPP16S_N01.FR.11")
async def test_a_second_1_6_log_cancels_the_first(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.commanded("GetLog", log("SecurityLog", 5), {"status": "Accepted", "filename": "a.gz"})
    await told(station, "LogStatusNotification", "Uploading", requestId=5)
    await station.commanded("GetLog", log("SecurityLog", 6), {"status": "AcceptedCanceled", "filename": "b.gz"})
    await told(station, "LogStatusNotification", "Uploading", "Uploaded", requestId=6)


@pytest.mark.conformance("OCPP16S_N01.FR.12")
async def test_a_triggered_1_6_log_state_has_no_request(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.commanded("ExtendedTriggerMessage", {"requestedMessage": "LogStatusNotification"}, ACCEPTED)
    await told(station, "LogStatusNotification", "Idle")


SECURITY_EVENTS = [
    "FirmwareUpdated",
    "SettingSystemTime",
    "StartupOfTheDevice",
    "TamperDetectionActivated",
    "Vendor.Own",
]


@pytest.mark.conformance("OCPP16S_A04.FR.01", "OCPP16S_A04.FR.02", "OCPP16S_A04.FR.03")
async def test_security_events_are_confirmed_also_those_that_waited(wire: Wire) -> None:
    station = await wire.station("1.6")
    await station.close()
    station = await wire.dial(station.name, "1.6")
    for minute, kind in enumerate(SECURITY_EVENTS):
        payload = {"type": kind, "timestamp": at(minute - 600), "techInfo": "while offline"}
        await station.call("SecurityEventNotification", payload)
        station.answered("SecurityEventNotification", {})
    assert [event["type"] for event in await station.shown("security-events")] == SECURITY_EVENTS
