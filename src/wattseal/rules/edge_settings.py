"""What an edge sets at its station, so that no driver starts on the station's own word.

OCPP 1.6 chapter 9; 2.x part 2, AuthCacheCtrlr, AuthCtrlr and TxCtrlr. A station that lacks one of them says so and is
otherwise unharmed.
"""

from typing import Any

MOST_ATTEMPTS = 2**31 - 1
"""How often a station shall repeat a transaction message before it throws it away."""
_KEYS = {
    "AuthorizationCacheEnabled": "false",
    "LocalPreAuthorize": "false",
    "StopTransactionOnInvalidId": "true",
    "AuthorizeRemoteTxRequests": "true",
    "TransactionMessageAttempts": str(MOST_ATTEMPTS),
}
_VARIABLES = (
    ("AuthCacheCtrlr", "Enabled", "false"),
    ("AuthCtrlr", "LocalPreAuthorize", "false"),
    ("AuthCtrlr", "AuthorizeRemoteStart", "true"),
    ("TxCtrlr", "StopTxOnInvalidId", "true"),
)


def station_settings(version: str) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Return the calls, action and payload, that set a station of this OCPP version up."""
    if version == "1.6":
        return tuple(("ChangeConfiguration", {"key": key, "value": value}) for key, value in _KEYS.items())
    wanted = [
        {"component": {"name": component}, "variable": {"name": variable}, "attributeValue": value}
        for component, variable, value in _VARIABLES
    ]
    return (("SetVariables", {"setVariableData": wanted}),)
