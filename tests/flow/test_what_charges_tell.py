"""What stations tell of a charge: registers in every form, EVSE and register after the start, states, remote starts."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.cpo_world import AT, Talker, add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.proving import troubles

from wattseal.flow.world import World
from wattseal.model.transaction import Billing, Transaction
from wattseal.wire.ocpp.version import Version

V16, V201, V21 = Version
REGISTER = "Energy.Active.Import.Register"
BEGIN, PERIODIC, END = "Transaction.Begin", "Sample.Periodic", "Transaction.End"


@pytest.fixture
async def world() -> World:
    made = make_world()
    await enrol(made, "ST1")
    await add_token(made, "CARD")
    return made


def at(minute: int) -> str:
    return (AT + timedelta(minutes=minute)).isoformat()


def sample(value: float, context: str = PERIODIC, **more: Any) -> dict[str, Any]:
    return {"value": value, "context": context, "measurand": REGISTER, **more}


def event(kind: str, seq: int, *samples: dict[str, Any], **more: Any) -> dict[str, Any]:
    info = {"transactionId": "T1", **more.pop("info", {})}
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at(seq),
        "triggerReason": more.pop("trigger", "ChargingStateChanged"),
        "seqNo": seq,
        "transactionInfo": info,
    }
    if samples:
        payload["meterValue"] = [{"timestamp": at(seq), "sampledValue": list(samples)}]
    return payload | more


CARD = {"idToken": {"idToken": "CARD", "type": "ISO14443"}}
EVSE = {"evse": {"id": 2, "connectorId": 1}}


async def told(world: World, *events: dict[str, Any], version: Version = V201) -> Transaction:
    station = Talker(world, "ST1", version)
    for payload in events:
        await station.call("TransactionEvent", payload)
    (found,) = await transactions(world)
    return found


PHASES = [sample(v, BEGIN, phase=p) for p, v in (("L1", 10), ("L2", 20), ("L3", 30))]
PHASES_END = [sample(v, END, phase=p) for p, v in (("L1", 110), ("L2", 220), ("L3", 330))]
KWH = {"unitOfMeasure": {"unit": "kWh"}}


@pytest.mark.parametrize(
    ("begin", "end", "energy"),
    [
        ([sample(1000, BEGIN)], [sample(2500, END)], 1500),
        ([sample(1, BEGIN, **KWH)], [sample(2.5, END, **KWH)], 1500),
        ([sample(1, BEGIN, unitOfMeasure={"unit": "Wh", "multiplier": 3})], [sample(2500, END)], 1500),
        (PHASES, PHASES_END, 600),
        ([*PHASES, sample(0, BEGIN)], [*PHASES_END, sample(500, END)], 500),
        (
            [sample(7, BEGIN, location="Inlet"), sample(1000, BEGIN)],
            [sample(2500, END), sample(9, END, location="EV")],
            1500,
        ),
        ([sample(1000, BEGIN, location="Inlet")], [sample(1700, END, location="Inlet")], 700),
        ([sample(1000)], [sample(1200), sample(1500)], 500),
    ],
)
async def test_registers_are_read_in_every_form(
    world: World, begin: list[dict[str, Any]], end: list[dict[str, Any]], energy: int
) -> None:
    found = await told(world, event("Started", 0, *begin, **CARD, **EVSE), event("Ended", 1, *end))
    assert (found.energy_wh, found.billing) == (Decimal(energy), Billing.BILLED)
    assert await troubles(world) == []


@pytest.mark.parametrize(
    "samples",
    [
        [],
        [sample(5, measurand="Power.Active.Import")],
        [sample(5, measurand="Energy.Active.Import.Interval")],
        [sample(5, location="EV")],
        [sample(5, phase="L1"), sample(6, phase="L2")],
    ],
)
async def test_what_is_no_register_bills_nothing(world: World, samples: list[dict[str, Any]]) -> None:
    found = await told(world, event("Started", 0, *samples, **CARD, **EVSE), event("Ended", 1, *samples))
    assert (found.energy_wh, found.billing, found.reason) == (None, Billing.QUARANTINED, "no_register")


async def test_the_token_first_and_everything_else_later(world: World) -> None:
    found = await told(
        world,
        event("Started", 0, trigger="Authorized", **CARD),
        event("Updated", 1, trigger="CablePluggedIn", **EVSE),
        event("Updated", 2, sample(1000, BEGIN), info={"chargingState": "Charging"}),
        event("Ended", 3, sample(1800, END), trigger="EVDeparted", info={"stoppedReason": "EVDisconnected"}),
    )
    assert (found.place, found.energy_wh, found.billing) == (2, Decimal(800), Billing.BILLED)
    assert "begin_in_update" in {f.code for f in found.findings}
    assert await troubles(world) == []
    memory = next(iter(world.stations.values()))
    assert memory.last_end[2].register_wh == Decimal(1800)


async def test_a_begin_told_later_does_not_replace_the_start(world: World) -> None:
    found = await told(
        world,
        event("Started", 0, sample(1000, BEGIN), **CARD, **EVSE),
        event("Updated", 1, sample(1200, BEGIN)),
        event("Ended", 2, sample(1800, END)),
    )
    assert found.energy_wh == Decimal(800)


@pytest.mark.parametrize("version", [V201, V21])
async def test_states_and_time_are_kept(world: World, version: Version) -> None:
    start = event("Started", 0, sample(0, BEGIN), info={"chargingState": "EVConnected"}, **EVSE)
    assert (await told(world, start, version=version)).charging_state == "EVConnected"
    for seq, (state, spent) in enumerate(
        [("Charging", 0), ("SuspendedEV", 60), ("SuspendedEV", 60), ("Charging", 61)], 1
    ):
        info = {"chargingState": state, "timeSpentCharging": spent}
        found = await told(world, event("Updated", seq, info=info, **(CARD if seq == 1 else {})), version=version)
        assert (found.charging_state, found.charging_s) == (state, spent)
    world.forget()
    info = {"chargingState": "Idle", "timeSpentCharging": 90, "stoppedReason": "EVDisconnected"}
    found = await told(world, event("Ended", 5, sample(10, END), info=info), version=version)
    assert (found.charging_state, found.charging_s) == ("Idle", 90)
    assert await troubles(world) == []


async def test_a_quiet_update_writes_no_document(world: World) -> None:
    await told(world, event("Started", 0, sample(0, BEGIN), info={"chargingState": "Charging"}, **CARD, **EVSE))
    assert isinstance(world.journal, MemoryJournal)
    before = dict(world.journal.documents_by_key)
    await told(world, event("Updated", 1, sample(10), info={"chargingState": "Charging", "timeSpentCharging": 60}))
    assert world.journal.documents_by_key == before


@pytest.mark.parametrize("where", ["Started", "Updated"])
async def test_the_remote_start_it_began_with_is_kept(world: World, where: str) -> None:
    remote = {"info": {"remoteStartId": 77}, "trigger": "RemoteStart"}
    first = event("Started", 0, sample(0, BEGIN), **EVSE, **(remote if where == "Started" else {}))
    found = await told(world, first, event("Updated", 1, **CARD, **(remote if where == "Updated" else {})))
    assert found.remote_start_id == 77
    assert await troubles(world) == []
