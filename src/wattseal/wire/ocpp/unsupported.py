"""Actions whose schema exists and that are answered with NotSupported, each with its reason.

A test demands that every schema has a message file or stands here.
"""

from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version.V16, Version.V201, Version.V21
V2X = (V201, V21)
ALL = (V16, V201, V21)

_REASONS: dict[str, dict[str, tuple[Version, ...]]] = {
    "configuration and reports come with the device model": {
        "ChangeConfiguration": (V16,),
        "GetBaseReport": V2X,
        "GetConfiguration": (V16,),
        "GetReport": V2X,
        "GetVariables": V2X,
        "NotifyReport": V2X,
        "Reset": ALL,
        "SetNetworkProfile": V2X,
        "SetVariables": V2X,
    },
    "remote control comes with the command API and its signed commands": {
        "ChangeAvailability": ALL,
        "ClearCache": ALL,
        "ExtendedTriggerMessage": (V16,),
        "GetTransactionStatus": V2X,
        "NotifyWebPaymentStarted": (V21,),
        "RemoteStartTransaction": (V16,),
        "RemoteStopTransaction": (V16,),
        "RequestStartTransaction": V2X,
        "RequestStopTransaction": V2X,
        "TriggerMessage": ALL,
        "UnlockConnector": ALL,
    },
    "reservations come with the reservation block": {
        "CancelReservation": ALL,
        "ReservationStatusUpdate": V2X,
        "ReserveNow": ALL,
    },
    "local lists can leak tokens; they come with the audience rules for them": {
        "GetLocalListVersion": ALL,
        "SendLocalList": ALL,
    },
    "charging profiles and limits come with the grid block, signed and expiring": {
        "ClearChargingProfile": ALL,
        "ClearedChargingLimit": V2X,
        "GetChargingProfiles": V2X,
        "GetCompositeSchedule": ALL,
        "NotifyAllowedEnergyTransfer": (V21,),
        "NotifyChargingLimit": V2X,
        "NotifyEVChargingNeeds": V2X,
        "NotifyEVChargingSchedule": V2X,
        "NotifyPriorityCharging": (V21,),
        "PullDynamicScheduleUpdate": (V21,),
        "ReportChargingProfiles": V2X,
        "SetChargingProfile": ALL,
        "UpdateDynamicSchedule": (V21,),
        "UsePriorityCharging": (V21,),
    },
    "distributed energy resources and frequency response come with the grid block": {
        "AFRRSignal": (V21,),
        "ClearDERControl": (V21,),
        "GetDERControl": (V21,),
        "NotifyDERAlarm": (V21,),
        "NotifyDERStartStop": (V21,),
        "ReportDERControl": (V21,),
        "SetDERControl": (V21,),
    },
    "firmware comes with manifests signed by the vendor": {
        "FirmwareStatusNotification": ALL,
        "PublishFirmware": V2X,
        "PublishFirmwareStatusNotification": V2X,
        "SignedFirmwareStatusNotification": (V16,),
        "SignedUpdateFirmware": (V16,),
        "UnpublishFirmware": V2X,
        "UpdateFirmware": ALL,
    },
    "certificate handling comes with the PKI block": {
        "CertificateSigned": ALL,
        "DeleteCertificate": ALL,
        "Get15118EVCertificate": V2X,
        "GetCertificateChainStatus": (V21,),
        "GetCertificateStatus": V2X,
        "GetInstalledCertificateIds": ALL,
        "InstallCertificate": ALL,
        "SignCertificate": ALL,
    },
    "diagnostics and logs can leak tokens and readings; they come with the audience rules for them": {
        "CustomerInformation": V2X,
        "DiagnosticsStatusNotification": (V16,),
        "GetDiagnostics": (V16,),
        "GetLog": ALL,
        "LogStatusNotification": ALL,
        "NotifyCustomerInformation": V2X,
        "SecurityEventNotification": ALL,
    },
    "monitoring and events come with the device model": {
        "AdjustPeriodicEventStream": (V21,),
        "ClearVariableMonitoring": V2X,
        "ClosePeriodicEventStream": (V21,),
        "GetMonitoringReport": V2X,
        "GetPeriodicEventStream": (V21,),
        "NotifyEvent": V2X,
        "NotifyMonitoringReport": V2X,
        "NotifyPeriodicEventStream": (V21,),
        "OpenPeriodicEventStream": (V21,),
        "SetMonitoringBase": V2X,
        "SetMonitoringLevel": V2X,
        "SetVariableMonitoring": V2X,
    },
    "display messages come with the tariff block": {
        "ClearDisplayMessage": V2X,
        "CostUpdated": V2X,
        "GetDisplayMessages": V2X,
        "NotifyDisplayMessages": V2X,
        "SetDisplayMessage": V2X,
    },
    "tariffs at the station and payment there come with the tariff block": {
        "ChangeTransactionTariff": (V21,),
        "ClearTariffs": (V21,),
        "GetTariffs": (V21,),
        "NotifySettlement": (V21,),
        "SetDefaultTariff": (V21,),
        "VatNumberValidation": (V21,),
    },
    "battery swapping is outside what is charged here": {
        "BatterySwap": (V21,),
        "RequestBatterySwap": (V21,),
    },
}

UNSUPPORTED: dict[Version, dict[str, str]] = {
    version: {
        action: reason
        for reason, actions in _REASONS.items()
        for action, versions in actions.items()
        if version in versions
    }
    for version in Version
}
"""`{version: {action: reason}}`."""
