"""Whatever stations say about charging, grid and money is answered, and schedules can be computed after it."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world
from tests.support.examples import examples
from tests.wire import ocpp_payloads

from wattseal.base.errors import LimitError
from wattseal.base.ids import StationId
from wattseal.flow.limits.views import our_schedule
from wattseal.flow.turn import remember_station
from wattseal.model.charging import RateUnit
from wattseal.wire.ocpp.version import Refusal, Version

ACTIONS = [
    "BatterySwap",
    "ClearedChargingLimit",
    "NotifyChargingLimit",
    "NotifyDERAlarm",
    "NotifyDERStartStop",
    "NotifyEVChargingNeeds",
    "NotifyEVChargingSchedule",
    "NotifyPriorityCharging",
    "NotifySettlement",
    "PullDynamicScheduleUpdate",
    "ReportChargingProfiles",
    "ReportDERControl",
    "VatNumberValidation",
]
SCHEMAS = ocpp_payloads.schemas()
START: dict[str, Any] = {
    "eventType": "Started",
    "timestamp": AT.isoformat(),
    "triggerReason": "CablePluggedIn",
    "seqNo": 0,
    "transactionInfo": {"transactionId": "TX"},
    "evse": {"id": 1, "connectorId": 1},
}


async def told(version: Version, action: str, payloads: list[Any]) -> None:
    world = make_world()
    await enrol(world, "CS1")
    await add_token(world, "CARD")
    station = Talker(world, "CS1", version)
    await station.call("TransactionEvent", START)
    for payload in payloads:
        for evse_id in (None, 1):
            if evse_id is not None and isinstance(payload, dict) and "evseId" in payload:
                payload["evseId"] = evse_id
            answer = await station.raw(action, payload)
            assert isinstance(answer, Refusal) or isinstance(json.loads(answer), dict)
    memory = await remember_station(world, StationId("CS1"))
    assert memory is not None
    for evse_id in (0, 1):
        for unit in RateUnit:
            try:
                schedule = await our_schedule(world, memory, evse_id, 3 * 86_400, unit)
            except LimitError:
                continue
            assert schedule.periods[0].start_s == 0


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
@pytest.mark.parametrize("action", ACTIONS)
@settings(max_examples=examples(12), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_message_is_answered_and_schedules_stay_computable(
    version: Version, action: str, data: st.DataObject
) -> None:
    schema = SCHEMAS.get((version, action, "Request"))
    if schema is not None:
        payloads = data.draw(st.lists(ocpp_payloads.payloads(schema), min_size=1, max_size=3))
        asyncio.run(told(version, action, [p for p in payloads if isinstance(p, dict)]))
