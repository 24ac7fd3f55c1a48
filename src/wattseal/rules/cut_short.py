"""Why charges end: by their drivers, by their cars, or by something that may end many at once."""

CUT_SHORT = frozenset(
    {
        "DeAuthorized",
        "EmergencyStop",
        "GroundFault",
        "HardReset",
        "ImmediateReset",
        "Other",
        "OvercurrentFault",
        "PowerLoss",
        "PowerQuality",
        "Reboot",
        "Remote",
        "SoftReset",
        "Timeout",
    }
)
"""Reasons of 1.6 (6.45) and 2.x (ReasonEnumType) that are not the driver's hand at the station, nor the car's wish."""
