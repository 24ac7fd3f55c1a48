"""A stop that waited in its station's queue is told after the next start: both sessions are proved."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.support.cpo_world import Talker, transactions
from tests.support.money import billing_world
from tests.support.proved import bundle_of, register
from tests.support.worlds import trust

from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle
from wattseal.bundle.report import Outcome, Report
from wattseal.flow.world import World
from wattseal.seal.item import Kind
from wattseal.wire.ocpp.version import Version


def event(station: Talker, kind: str, name: str, seq: int, wh: int) -> dict[str, Any]:
    at = station.at(seq + 30 * (name == "T2"))
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at,
        "triggerReason": "ChargingStateChanged",
        "seqNo": seq,
        "transactionInfo": {"transactionId": name},
        "evse": {"id": 1, "connectorId": 1},
        "meterValue": [{"timestamp": at, "sampledValue": [{"value": wh}]}],
    }
    return payload | ({"idToken": {"idToken": "CARD", "type": "ISO14443"}} if kind == "Started" else {})


async def told(*order: tuple[str, str, int, int]) -> tuple[World, dict[str, Bundle]]:
    world = await billing_world()
    await register(world)
    station = Talker(world, "ST1", Version.V201)
    for kind, name, seq, wh in order:
        await station.call("TransactionEvent", event(station, kind, name, seq, wh))
    return world, {str(t.transaction_id): await bundle_of(world, t) for t in await transactions(world)}


def judged(bundle: Bundle) -> Report:
    return check_bundle(bundle.encode(), trust())


T1S, T1E = ("Started", "T1", 0, 1000), ("Ended", "T1", 1, 3000)
T2S, T2E = ("Started", "T2", 0, 3000), ("Ended", "T2", 1, 7000)


async def test_each_session_is_proved_where_a_stop_came_after_the_next_start() -> None:
    _, bundles = await told(T1S, T2S, T1E, T2E)
    for name, energy_wh in (("T1", Decimal(2000)), ("T2", Decimal(4000))):
        report = judged(bundles[name])
        assert (report.verdict, report.energy_wh) == (Outcome.VALID, energy_wh), report.failure
        kinds = [item.payload.kind for item in bundles[name].items]
        assert kinds.count(Kind.STARTED) + kinds.count(Kind.ENDED) == 3


async def test_a_whole_session_in_the_middle_of_another_changes_nothing() -> None:
    _, bundles = await told(T1S, T2S, T2E, T1E)
    report = judged(bundles["T1"])
    assert (report.verdict, report.energy_wh) == (Outcome.VALID, Decimal(2000)), report.failure


async def test_control_the_start_of_one_and_the_end_of_another_are_no_session() -> None:
    _, bundles = await told(T1S, T2S, T1E, T2E)
    whole = bundles["T1"]
    start, *rest = whole.items
    openings = tuple(one for one in whole.openings if one.payload_hash != start.hash)
    at_stop = replace(whole, items=tuple(rest), proofs=whole.proofs[1:], openings=openings)
    failure = judged(at_stop).failure
    assert failure is not None
    assert (failure.number, failure.reason) == (5, "two_transactions_in_one_bundle")
