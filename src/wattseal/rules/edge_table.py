"""What an edge lets through: every OCPP action, PASS, SEAL or BLOCK, and nothing that is not in the table.

Behind an edge the operator must learn neither a meter value nor a driver's token, and must not be able to talk the
station out of that. So PASS is for messages that can say neither; free text and vendor extensions are dropped on the
way up, because text written by a vendor can say anything. SEAL is for the messages of a charge: their content goes
into sealed records. BLOCK is for the rest: diagnostics, logs, reports, local lists, reservations, customer
information, certificates and addresses of the station. "up" is station to CSMS, "down" CSMS to station.
"""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wattseal.base.errors import InputError
from wattseal.crypto.certificates import read_certificate

LEAST_SIGNATURE_BYTES = 64
"""What is shorter is no signature of any key that signs firmware."""


class Treatment(StrEnum):
    """What happens to a message."""

    PASS = "PASS"  # noqa: S105 - a word of the table, no password
    SEAL = "SEAL"
    BLOCK = "BLOCK"


class Direction(StrEnum):
    """Where a message is going: up to the CSMS or down to the station."""

    UP = "up"
    DOWN = "down"


class Guard(StrEnum):
    """A look into a passing message before it passes."""

    CONFIGURATION_CHANGE = "configuration_change"
    CONFIGURATION_READ = "configuration_read"
    VARIABLES = "variables"
    SIGNED_FIRMWARE = "signed_firmware"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    `drop` names fields left out on the way; `answer` is what the sender of a blocked message hears instead of an
    error, so that a station notices nothing (None: CALLERROR NotSupported).
    """

    treatment: Treatment
    drop: frozenset[str] = frozenset()
    guard: Guard | None = None
    answer: Mapping[str, Any] | None = None


DENIED = Row(Treatment.BLOCK)
"""Whatever is not in the table."""
ALWAYS_DROPPED = frozenset({"customData", "statusInfo"})
"""Dropped from everything that passes up, at any depth, answers included: vendor text."""

_PASS = Row(Treatment.PASS)
_SEAL = Row(Treatment.SEAL)
_SILENT = Row(Treatment.BLOCK, answer={})
_REJECTED = Row(Treatment.BLOCK, answer={"status": "Rejected"})
_UNKNOWN_VENDOR = Row(Treatment.BLOCK, answer={"status": "UnknownVendorId"})


def _pass(actions: str) -> dict[str, Row]:
    return dict.fromkeys(actions.split(), _PASS)


def _block(actions: str) -> dict[str, Row]:
    return dict.fromkeys(actions.split(), DENIED)


_V16_UP: dict[str, Row] = {
    **dict.fromkeys(("Authorize", "StartTransaction", "StopTransaction", "MeterValues"), _SEAL),
    **_pass("BootNotification Heartbeat DiagnosticsStatusNotification FirmwareStatusNotification"),
    **_pass("LogStatusNotification SignedFirmwareStatusNotification"),
    "StatusNotification": Row(Treatment.PASS, drop=frozenset({"info", "vendorId", "vendorErrorCode"})),
    "SecurityEventNotification": Row(Treatment.PASS, drop=frozenset({"techInfo"})),
    "DataTransfer": _UNKNOWN_VENDOR,
    "SignCertificate": _REJECTED,
}
_V16_DOWN: dict[str, Row] = {
    **_pass("ChangeAvailability ClearCache ClearChargingProfile GetCompositeSchedule GetLocalListVersion"),
    **_pass("RemoteStartTransaction RemoteStopTransaction Reset SetChargingProfile"),
    **_pass("TriggerMessage ExtendedTriggerMessage UnlockConnector GetInstalledCertificateIds"),
    "ChangeConfiguration": Row(Treatment.PASS, guard=Guard.CONFIGURATION_CHANGE, answer={"status": "Rejected"}),
    "GetConfiguration": Row(Treatment.PASS, guard=Guard.CONFIGURATION_READ),
    **_block("CancelReservation CertificateSigned DataTransfer DeleteCertificate GetDiagnostics GetLog"),
    **_block("InstallCertificate ReserveNow SendLocalList UpdateFirmware"),
    "SignedUpdateFirmware": Row(Treatment.PASS, guard=Guard.SIGNED_FIRMWARE, answer={"status": "Rejected"}),
}
_V201_UP: dict[str, Row] = {
    **dict.fromkeys(("Authorize", "TransactionEvent", "MeterValues"), _SEAL),
    **_pass("BootNotification Heartbeat StatusNotification ClearedChargingLimit FirmwareStatusNotification"),
    **_pass("LogStatusNotification PublishFirmwareStatusNotification ReportChargingProfiles"),
    "NotifyChargingLimit": Row(Treatment.PASS, drop=frozenset({"chargingSchedule"})),
    "SecurityEventNotification": Row(Treatment.PASS, drop=frozenset({"techInfo"})),
    **dict.fromkeys(("NotifyCustomerInformation", "NotifyDisplayMessages", "NotifyEvent"), _SILENT),
    **dict.fromkeys(("NotifyMonitoringReport", "NotifyReport", "ReservationStatusUpdate"), _SILENT),
    "DataTransfer": _UNKNOWN_VENDOR,
    "GetCertificateStatus": Row(Treatment.BLOCK, answer={"status": "Failed"}),
    "NotifyEVChargingNeeds": _REJECTED,
    "NotifyEVChargingSchedule": Row(Treatment.BLOCK, answer={"status": "Accepted"}),
    "SignCertificate": _REJECTED,
    **_block("Get15118EVCertificate"),
}
_V201_DOWN: dict[str, Row] = {
    **_pass("ChangeAvailability ClearCache ClearChargingProfile CostUpdated GetChargingProfiles"),
    **_pass("GetCompositeSchedule GetInstalledCertificateIds GetLocalListVersion GetTransactionStatus"),
    **_pass("UnpublishFirmware RequestStartTransaction RequestStopTransaction Reset"),
    **_pass("SetChargingProfile TriggerMessage UnlockConnector"),
    "PublishFirmware": _REJECTED,
    "GetVariables": Row(Treatment.PASS, guard=Guard.VARIABLES),
    "SetVariables": Row(Treatment.PASS, guard=Guard.VARIABLES),
    "UpdateFirmware": Row(Treatment.PASS, guard=Guard.SIGNED_FIRMWARE, answer={"status": "Rejected"}),
    **_block("CancelReservation CertificateSigned ClearDisplayMessage ClearVariableMonitoring"),
    **_block("CustomerInformation DataTransfer DeleteCertificate GetBaseReport GetDisplayMessages GetLog"),
    **_block("GetMonitoringReport GetReport InstallCertificate ReserveNow SendLocalList SetDisplayMessage"),
    **_block("SetMonitoringBase SetMonitoringLevel SetNetworkProfile SetVariableMonitoring"),
}
_V21_UP: dict[str, Row] = {
    **_V201_UP,
    **_pass("NotifyDERStartStop NotifyPriorityCharging NotifyWebPaymentStarted PullDynamicScheduleUpdate"),
    **_pass("ReportDERControl"),
    "NotifyDERAlarm": Row(Treatment.PASS, drop=frozenset({"extraInfo"})),
    "BatterySwap": _SILENT,
    "ClosePeriodicEventStream": _SILENT,
    "NotifyPeriodicEventStream": _SILENT,
    "OpenPeriodicEventStream": _REJECTED,
    "NotifySettlement": _SILENT,
    **_block("GetCertificateChainStatus VatNumberValidation"),
}
_V21_DOWN: dict[str, Row] = {
    **_V201_DOWN,
    **_pass("AFRRSignal ChangeTransactionTariff ClearDERControl ClearTariffs GetDERControl GetTariffs"),
    **_pass("NotifyAllowedEnergyTransfer SetDERControl SetDefaultTariff UpdateDynamicSchedule UsePriorityCharging"),
    **_block("AdjustPeriodicEventStream GetPeriodicEventStream RequestBatterySwap"),
}
TABLE: Mapping[str, Mapping[Direction, Mapping[str, Row]]] = {
    "1.6": {Direction.UP: _V16_UP, Direction.DOWN: _V16_DOWN},
    "2.0.1": {Direction.UP: _V201_UP, Direction.DOWN: _V201_DOWN},
    "2.1": {Direction.UP: _V21_UP, Direction.DOWN: _V21_DOWN},
}
"""By OCPP version, direction and action."""


def row(version: str, direction: Direction, action: str) -> Row:
    """Return the table's line for an action; one that is not listed is denied."""
    return TABLE[version][direction].get(action, DENIED)


CONFIGURATION_KEYS = frozenset(
    {
        "BlinkRepeat",
        "ClockAlignedDataInterval",
        "ConnectionTimeOut",
        "ConnectorPhaseRotation",
        "HeartbeatInterval",
        "LightIntensity",
        "MeterValuesAlignedData",
        "MeterValuesSampledData",
        "MeterValueSampleInterval",
        "MinimumStatusDuration",
        "NumberOfConnectors",
        "ResetRetries",
        "StopTransactionOnEVSideDisconnect",
        "StopTxnAlignedData",
        "StopTxnSampledData",
        "SupportedFeatureProfiles",
        "UnlockConnectorOnEVSideDisconnect",
        "WebSocketPingInterval",
    }
)
"""Configuration keys of 1.6 (chapter 9) that the operator may read and set through an edge.

Not among them: what the edge itself relies on (authorisation cache, local authorisation, retry counts), the
station's password and address, and keys of vendors.
"""

_VARIABLES = frozenset(
    {
        ("OCPPCommCtrlr", "HeartbeatInterval"),
        ("OCPPCommCtrlr", "WebSocketPingInterval"),
        ("SampledDataCtrlr", "TxUpdatedInterval"),
        ("SampledDataCtrlr", "TxUpdatedMeasurands"),
        ("SampledDataCtrlr", "TxEndedInterval"),
        ("SampledDataCtrlr", "TxEndedMeasurands"),
        ("SampledDataCtrlr", "TxStartedMeasurands"),
        ("TxCtrlr", "EVConnectionTimeOut"),
        ("TxCtrlr", "StopTxOnEVSideDisconnect"),
    }
)
"""(component, variable) of 2.x (part 2, appendix) that the operator may read and set through an edge."""


def lets_down(guard: Guard | None, payload: Mapping[str, Any]) -> bool:
    """Return whether a message to the station passes its guard. `payload` is valid for the action's schema."""
    match guard:
        case None | Guard.CONFIGURATION_READ:
            return True
        case Guard.CONFIGURATION_CHANGE:
            return payload.get("key") in CONFIGURATION_KEYS
        case Guard.VARIABLES:
            asked: Iterable[Mapping[str, Any]] = payload.get("getVariableData") or payload.get("setVariableData") or ()
            return all((one["component"]["name"], one["variable"]["name"]) in _VARIABLES for one in asked)
        case Guard.SIGNED_FIRMWARE:
            return _is_signed(payload.get("firmware") or {})


def _is_signed(firmware: Mapping[str, Any]) -> bool:
    """Return whether firmware comes with a signature and a certificate that read; the station checks what they say."""
    try:
        signature = base64.b64decode(firmware.get("signature") or "", validate=True)
        read_certificate((firmware.get("signingCertificate") or "").encode())
    except (ValueError, InputError):
        return False
    return len(signature) >= LEAST_SIGNATURE_BYTES


def lift_up(row_: Row, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return a passing message's payload as it may go up: without the row's fields and without vendor text."""
    return {key: _without_text(value) for key, value in payload.items() if key not in row_.drop | ALWAYS_DROPPED}


def answer_up(guard: Guard | None, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the station's answer to a command as it may go up; configuration is cut down to the readable keys."""
    kept = lift_up(_PASS, payload)
    if guard is Guard.CONFIGURATION_READ:
        shown = [entry for entry in kept.get("configurationKey", ()) if entry.get("key") in CONFIGURATION_KEYS]
        kept = {name: value for name, value in kept.items() if name != "configurationKey"}
        kept |= {"configurationKey": shown} if shown else {}
    return kept


def _without_text(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_text(inner) for key, inner in value.items() if key not in ALWAYS_DROPPED}
    if isinstance(value, list):
        return [_without_text(inner) for inner in value]
    return value
