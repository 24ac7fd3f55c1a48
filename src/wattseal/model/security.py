"""Security events as stations tell them (2.x A04; 1.6 security whitepaper A04)."""

from msgspec import Struct

from wattseal.model.message import Fact

CRITICAL = frozenset(
    {
        "FirmwareUpdated",
        "SettingSystemTime",
        "StartupOfTheDevice",
        "ResetOrReboot",
        "SecurityLogWasCleared",
        "MemoryExhaustion",
        "TamperDetectionActivated",
        "InvalidFirmwareSignature",
        "InvalidFirmwareSigningCertificate",
        "InvalidCsmsCertificate",
        "InvalidChargingStationCertificate",
        "DiscardedRenewedClientCertificate",
        "InvalidTLSVersion",
        "InvalidTLSCipherSuite",
        "MaintenanceLoginAccepted",
        "MaintenanceLoginFailed",
    }
)
"""Events the standard calls critical (2.x part 2, appendix 1; 2.1 adds the last ones)."""
ROUTINE = frozenset({"FirmwareUpdated", "SettingSystemTime", "StartupOfTheDevice", "ResetOrReboot"})
"""Critical ones that are the trace of ordinary work: kept, and no alarm."""


class SecurityEventReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """SecurityEventNotification; `timestamp` is the station's (RFC 3339)."""

    type: str
    timestamp: str
    tech_info: str | None = None
