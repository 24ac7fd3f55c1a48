"""A station's memory: what it says, in which order, and what it never loses."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal import evidence
from wattseal.base.ids import EvseId, TransactionId
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.model.answers import Acknowledged, TransactionAnswer
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted, TransactionUpdated
from wattseal.model.token import Authorization, IdToken, TokenStatus
from wattseal.model.verdict import Verdict
from wattseal.parties import station
from wattseal.parties.station import Fate, Make, Memory
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Lifted
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.version import Version

NOW = datetime(2024, 5, 1, 10, 0, tzinfo=UTC)
TOKEN = IdToken("04AABB", "ISO14443")
KEY = SigningKey.from_seed(Algorithm.ESP256, bytes(range(32)))
NAME = "0123456789abcdef" * 2
ACCEPTED = Authorization(TokenStatus.ACCEPTED)
V16, V201, V21 = Version


def make(version: Version, *, signing: bool = False) -> Make:
    return Make(version, EvseId(1), "M1", KEY if signing else None)


def charge(memory: Memory, of: Make, wh: int = 100) -> Memory:
    memory = station.begin(memory, of, NOW, TOKEN, NAME, offline=False)
    memory = station.measure(memory, of, NOW, wh, offline=False)
    return station.finish(memory, of, NOW, wh, reason="EVDisconnected", trigger="EVDeparted", offline=False)


def drain(memory: Memory, of: Make, answer: Callable[[Any], Any]) -> tuple[Memory, list[Any]]:
    """Send everything; returns the facts a CSMS understands."""
    facts = []
    while (waiting := station.next_message(memory, of)) is not None:
        action, payload = waiting
        call = Connection(of.version).receive(json.dumps([2, "1", action, json.loads(payload)]).encode(), NOW)
        assert isinstance(call, Call)
        lifted = catalog.lift(of.version, call)
        assert isinstance(lifted, Lifted), lifted
        assert lifted.findings == ()
        facts.append(lifted.fact)
        memory = station.answered(memory, answer(lifted.fact))
    return memory, facts


def accept(fact: Any) -> Any:
    match fact:
        case TransactionStarted():
            return TransactionAnswer(TransactionId("77") if fact.transaction_id is None else None, ACCEPTED)
        case TransactionUpdated() | TransactionEnded():
            return TransactionAnswer()
    return Acknowledged()


@pytest.mark.parametrize("version", [V201, V21])
def test_a_2x_session_tells_one_transaction_without_gaps(version: Version) -> None:
    memory, facts = drain(charge(Memory(register_wh=5), make(version)), make(version), accept)
    assert [type(fact) for fact in facts] == [TransactionStarted, TransactionUpdated, TransactionEnded]
    assert [fact.seq_no for fact in facts] == [0, 1, 2]
    assert {fact.transaction_id for fact in facts} == {NAME}
    assert (facts[0].register_wh, facts[2].register_wh) == (Decimal(5), Decimal(205))
    assert memory.sessions[0].fate is Fate.ACKNOWLEDGED
    assert memory.register_wh == 205


def test_a_16_session_waits_for_its_name() -> None:
    memory, facts = drain(charge(Memory(), make(V16)), make(V16), accept)
    assert [type(fact) for fact in facts] == [TransactionStarted, MeterReported, TransactionEnded]
    assert [fact.transaction_id for fact in facts] == [None, "77", "77"]
    assert memory.sessions[0].transaction_id == "77"


@pytest.mark.parametrize("version", Version)
def test_a_signing_meter_signs_start_and_end_with_pages_in_order(version: Version) -> None:
    of = make(version, signing=True)
    memory, facts = drain(charge(Memory(page=7), of), of, accept)
    proofs = [r.evidence for fact in facts for r in fact.readings if r.evidence is not None]
    distinct = list(dict.fromkeys(proof.data for proof in proofs))
    assert [evidence.check(data, (KEY.public.spki,)).verdict for data in distinct] == [Verdict.VALID] * 2
    assert [b'"PG":"T7"' in distinct[0], b'"PG":"T8"' in distinct[1]] == [True, True]
    assert {proof.data for proof in (r.evidence for r in facts[-1].readings) if proof} == set(distinct)
    assert memory.page == 9
    assert proofs[0].public_key == KEY.public.spki
    assert all(TOKEN.value.encode() not in data for data in distinct), "the driver's token stays out of the record"


def test_a_refused_message_is_said_again_and_given_up_at_last() -> None:
    of = make(V201)
    memory = charge(Memory(), of)
    first = station.next_message(memory, of)
    memory = station.refused(memory, 3)
    assert station.next_message(memory, of) == first
    memory = station.refused(station.refused(memory, 3), 3)
    assert memory.sessions[0].fate is Fate.LOST
    memory, _ = drain(memory, of, accept)
    assert memory.sessions[0].fate is Fate.LOST, "an acknowledged stop does not heal a lost start"


def test_without_an_answered_start_16_says_minus_one() -> None:
    memory = station.refused(charge(Memory(), make(V16)), 1)
    _, facts = drain(memory, make(V16), accept)
    assert [fact.transaction_id for fact in facts] == ["-1", "-1"]


def test_a_refused_driver_is_noticed() -> None:
    of = make(V16)
    memory = station.begin(Memory(), of, NOW, TOKEN, NAME, offline=False)
    assert not station.is_deauthorised(memory)
    blocked = TransactionAnswer(TransactionId("1"), Authorization(TokenStatus.BLOCKED))
    assert station.is_deauthorised(station.answered(memory, blocked))


@given(st.lists(st.sampled_from(["charge", "send", "refuse", "restart"]), max_size=30), st.sampled_from(list(Version)))
def test_nothing_is_lost_or_reordered_whatever_happens(steps: list[str], version: Version) -> None:
    of = make(version)
    memory, sent, charged = Memory(), [], 0
    for step in steps:
        match step:
            case "charge":
                memory = charge(memory, of, 1)
                charged += 1
            case "send" if memory.queue:
                first = memory.queue[0]
                sent.append((first.session, first.role))
                answer = TransactionAnswer(TransactionId(str(first.session)), ACCEPTED)
                memory = station.answered(memory, answer)
            case "refuse" if memory.queue:
                memory = station.refused(memory, 1000)
            case "restart":
                memory = msgspec.json.decode(msgspec.json.encode(memory), type=Memory)
    every = [(n, role) for n in range(1, charged + 1) for role in ("start", "reading", "stop")]
    assert sent + [(q.session, q.role) for q in memory.queue] == every
    assert memory.register_wh == 2 * charged
    settled = [s.number for s in memory.sessions if s.fate is Fate.ACKNOWLEDGED]
    assert settled == [n for n, role in sent if role == "stop"]


def test_an_old_session_is_forgotten_only_when_there_are_many() -> None:
    memory = Memory()
    for _ in range(station.KEPT_SESSIONS + 5):
        memory, _ = drain(charge(memory, make(V201), 0), make(V201), accept)
    assert len(memory.sessions) == station.KEPT_SESSIONS
    assert replace(memory, sessions=()).queue == ()
