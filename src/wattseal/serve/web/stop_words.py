"""Why a session ended, in words: ReasonEnumType of OCPP 2.0.1 and 2.1, and the reasons of 1.6."""

from collections.abc import Mapping

from wattseal.serve.web.texts import marked as _

STOPS: Mapping[str, str] = {
    "DeAuthorized": _("the token is not let charge any more"),
    "EmergencyStop": _("the emergency button was pressed"),
    "EnergyLimitReached": _("the energy agreed on was reached"),
    "EVDisconnected": _("the car was unplugged"),
    "GroundFault": _("a ground fault"),
    "HardReset": _("the station was restarted at once"),
    "ImmediateReset": _("the station was restarted at once"),
    "Local": _("stopped at the station"),
    "LocalOutOfCredit": _("the credit was used up"),
    "MasterPass": _("stopped with a master card"),
    "Other": _("another reason"),
    "OvercurrentFault": _("too much current"),
    "PowerLoss": _("the station lost power"),
    "PowerQuality": _("the power was not good enough"),
    "Reboot": _("the station restarted"),
    "Remote": _("stopped from afar"),
    "SOCLimitReached": _("the car's battery was as full as asked"),
    "SoftReset": _("the station was asked to restart"),
    "StoppedByEV": _("the car stopped"),
    "TimeLimitReached": _("the time agreed on was over"),
    "Timeout": _("no car was plugged in in time"),
    "UnlockCommand": _("the plug was unlocked from afar"),
}
"""By the station's own word; words that are not here are shown as they are."""
