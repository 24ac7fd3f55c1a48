"""Configuration keys of OCPP 1.6 as variables of 2.x: the table both directions use.

What stands here means the same in both (2.x part 2, section 2 names for each variable the key it came from). Any other
key is a variable of the component "1.6", spelled as the station spells it.
"""

from wattseal.model.device import Component, Variable

COMPONENT = "1.6"
"""The component of keys that 2.x has no variable for."""
TABLE: dict[str, tuple[str, str, str | None]] = {
    "AllowOfflineTxForUnknownId": ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", None),
    "AuthorizationCacheEnabled": ("AuthCacheCtrlr", "Enabled", None),
    "AuthorizeRemoteTxRequests": ("AuthCtrlr", "AuthorizeRemoteStart", None),
    "ClockAlignedDataInterval": ("AlignedDataCtrlr", "Interval", None),
    "ConnectionTimeOut": ("TxCtrlr", "EVConnectionTimeOut", None),
    "HeartbeatInterval": ("OCPPCommCtrlr", "HeartbeatInterval", None),
    "LightIntensity": ("ChargingStation", "LightIntensity", None),
    "LocalAuthListEnabled": ("LocalAuthListCtrlr", "Enabled", None),
    "LocalAuthorizeOffline": ("AuthCtrlr", "LocalAuthorizeOffline", None),
    "LocalPreAuthorize": ("AuthCtrlr", "LocalPreAuthorize", None),
    "MaxEnergyOnInvalidId": ("TxCtrlr", "MaxEnergyOnInvalidId", None),
    "MeterValuesAlignedData": ("AlignedDataCtrlr", "Measurands", None),
    "MeterValuesSampledData": ("SampledDataCtrlr", "TxUpdatedMeasurands", None),
    "MeterValueSampleInterval": ("SampledDataCtrlr", "TxUpdatedInterval", None),
    "ResetRetries": ("OCPPCommCtrlr", "ResetRetries", None),
    "StopTransactionOnEVSideDisconnect": ("TxCtrlr", "StopTxOnEVSideDisconnect", None),
    "StopTransactionOnInvalidId": ("TxCtrlr", "StopTxOnInvalidId", None),
    "StopTxnAlignedData": ("AlignedDataCtrlr", "TxEndedMeasurands", None),
    "StopTxnSampledData": ("SampledDataCtrlr", "TxEndedMeasurands", None),
    "TransactionMessageAttempts": ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),
    "TransactionMessageRetryInterval": ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"),
    "UnlockConnectorOnEVSideDisconnect": ("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", None),
    "WebSocketPingInterval": ("OCPPCommCtrlr", "WebSocketPingInterval", None),
    "AuthorizationKey": ("SecurityCtrlr", "BasicAuthPassword", None),
    "CpoName": ("SecurityCtrlr", "OrganizationName", None),
    "SecurityProfile": ("SecurityCtrlr", "SecurityProfile", None),
    "CertificateSignedMaxChainSize": ("SecurityCtrlr", "MaxCertificateChainSize", None),
    "AdditionalRootCertificateCheck": ("SecurityCtrlr", "AdditionalRootCertificateCheck", None),
}
"""Key of 1.6: (component, variable, instance) of 2.x."""
_FOLDED = {key.casefold(): place for key, place in TABLE.items()}
_BACK = {tuple((word or "").casefold() for word in place): key for key, place in TABLE.items()}


def variable_of(key: str) -> tuple[Component, Variable]:
    """Return the variable that a configuration key is."""
    place = _FOLDED.get(key.casefold())
    if place is None:
        return Component(COMPONENT), Variable(key)
    return Component(place[0]), Variable(place[1], place[2])


def key_of(component: Component, variable: Variable) -> str | None:
    """Return the configuration key that a variable is; None where 1.6 has none for it."""
    if component.name == COMPONENT:
        return variable.name
    if component.instance is not None or component.evse is not None:
        return None
    place = (component.name.casefold(), variable.name.casefold(), (variable.instance or "").casefold())
    return _BACK.get(place)
