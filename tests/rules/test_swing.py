"""What a command may do to a station's power at worst."""

import json

from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.device import Component, Variable, VariablesSet, VariableWrite
from wattseal.model.facts import DataTransferred
from wattseal.model.message import Asked
from wattseal.model.remote import (
    AvailabilityRequested,
    ResetKind,
    ResetRequested,
    StartRequested,
    StopRequested,
    UnlockRequested,
)
from wattseal.model.token import IdToken
from wattseal.rules.ramp import Swing
from wattseal.rules.swing import BOTH_WAYS, NEUTRAL, Outlet, Outlook, swing_of
from wattseal.wire.ocpp import blocks, catalog
from wattseal.wire.ocpp.message import Sender
from wattseal.wire.ocpp.version import Version

OUTLOOK = Outlook({1: Outlet(22_000), 2: Outlet(50_000, charging=False), 3: Outlet(11_000, closed=True)}, {"T": 1})
ALL_W = 33_000
CARD = IdToken("CARD", "ISO14443")
JUDGED = frozenset(
    {
        "ChangeAvailability",
        "ChangeConfiguration",
        "ClearChargingProfile",
        "DataTransfer",
        "RemoteStartTransaction",
        "RemoteStopTransaction",
        "RequestBatterySwap",
        "RequestStartTransaction",
        "RequestStopTransaction",
        "Reset",
        "SetChargingProfile",
        "SetVariables",
        "SignedUpdateFirmware",
        "UnlockConnector",
        "UpdateDynamicSchedule",
        "UpdateFirmware",
        "UsePriorityCharging",
        *BOTH_WAYS,
    }
)


def test_every_command_there_is_either_leaves_power_alone_or_is_judged() -> None:
    for message in blocks.MESSAGES:
        if message.may_come_from(Sender.CSMS):
            kinds = {message.action if kind is Asked else kind for kind in message.facts}
            assert (message.action in JUDGED) is not (kinds <= NEUTRAL), message.action


def test_a_command_nobody_knows_counts_in_full() -> None:
    assert swing_of(Asked("SomethingNew"), OUTLOOK) == Swing(ALL_W, ALL_W)


def test_starts_stops_and_restarts_count_what_they_may_switch() -> None:
    assert swing_of(StartRequested(CARD, evse_id=EvseId(3)), OUTLOOK) == Swing(11_000)
    assert swing_of(StartRequested(CARD), OUTLOOK) == Swing(50_000), "the station may choose the strongest"
    assert swing_of(StopRequested(TransactionId("T")), OUTLOOK) == Swing(0, 22_000)
    assert swing_of(StopRequested(TransactionId("?")), OUTLOOK) == Swing(0, ALL_W)
    assert swing_of(ResetRequested(ResetKind.IMMEDIATE), OUTLOOK) == Swing(ALL_W, ALL_W)
    assert swing_of(UnlockRequested(EvseId(2)), OUTLOOK) == Swing()
    assert swing_of(AvailabilityRequested(operational=True), OUTLOOK) == Swing(11_000)
    assert swing_of(AvailabilityRequested(operational=False), OUTLOOK) == Swing(0, ALL_W)
    assert swing_of(Asked("SetDERControl"), OUTLOOK) == Swing(2 * ALL_W, 2 * ALL_W)


def test_variables_and_vendors_messages_count_by_what_they_name() -> None:
    def written(component: str, name: str) -> Swing:
        return swing_of(VariablesSet((VariableWrite("1", Component(component), Variable(name)),)), OUTLOOK)

    assert written("OCPPCommCtrlr", "HeartbeatInterval") == Swing()
    assert written("1.6", "MeterValueSampleInterval") == Swing()
    assert written("1.6", "MaxCurrentPerPhase") == Swing(ALL_W, ALL_W)
    assert written("SmartChargingCtrlr", "Anything") == Swing(ALL_W, ALL_W)
    for vendor, swing in (("org.example", Swing(ALL_W, ALL_W)), ("org.openchargealliance.iso15118pnc", Swing())):
        told = catalog.read_command(Version.V16, "DataTransfer", json.dumps({"vendorId": vendor}).encode())
        assert isinstance(told, DataTransferred)
        assert swing_of(told, OUTLOOK) == swing
