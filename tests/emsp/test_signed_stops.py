"""A sealed charge whose hold is used up is stopped by its eMSP's signed word, through a CSMS that reads no reading."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.emsp.emsp_world import CONTRACT, TOKEN, open_world, read_decision
from tests.emsp.emsp_world import World as Msp
from tests.support.answering import Answering
from tests.support.charges import CPO, LOG, START_MS, charge, pen, seeded, signing_key
from tests.support.cpo_world import Talker, TestClock, TestPartners, enrol, make_world, transactions
from tests.support.no_proofs import NoProofs
from tests.support.proving import troubles
from tests.support.worlds import EDGE_KEY, EMSP_KEY

from wattseal.crypto.keys import SigningKey
from wattseal.flow.charges import stopping
from wattseal.flow.charges.party_stops import take_answer, take_stops
from wattseal.flow.courier import Courier, Delivery
from wattseal.flow.world import World
from wattseal.model.provider import HoldState
from wattseal.model.token import TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.seal import dcbor
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import STOP_ACTION, Ordered
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import ClockQuality, Group, Item, Kind, parse_item
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import Draft, GroupDraft, SubjectKeys, Writer
from wattseal.wire.ocpp.version import Version

STEP_WH = 20_000
"""0.504 EUR a kWh and 0.60 for each charge: a hold of 50 EUR is 98 kWh."""


@dataclass
class Both:
    """A CPO and an eMSP, an edge in between, and what the eMSP answered to relayed records."""

    cpo: World
    msp: Msp
    line: Answering
    answered: list[bytes] = field(default_factory=list)
    watch: stopping.Stopping = field(default_factory=stopping.Stopping)

    async def ask(self, party: str, items: Sequence[bytes]) -> tuple[bytes, ...]:
        assert party == "MSP"
        return tuple(await self.msp.emsp.receive_items(CONTRACT, list(items)))

    async def post(self, party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        del content_type
        if not path.endswith("/items"):
            return Delivery.LATER, b""
        found: Any = dcbor.decode(body)
        answers = list(await self.ask(party, found))
        self.answered += answers
        return Delivery.DONE, dcbor.encode(answers)

    async def send(self, *items: Item) -> list[bytes]:
        """Tell the CSMS, as the edge does, and let everything be delivered."""
        data = json.dumps({"items": [base64.b64encode(item.encode()).decode() for item in items]})
        payload = {"vendorId": "wattseal", "messageId": "items", "data": data}
        told = await Talker(self.cpo, "CS001").call("DataTransfer", payload)
        await Courier(self.cpo, NoProofs(), self.post).round()
        for one in stopping.due(self.cpo, self.watch):
            await stopping.ask(self.cpo, self.watch, one)
        return [base64.b64decode(text) for text in json.loads(told["data"])["items"]]

    async def charging(self, seed: str = "tx", readings: int = 6) -> list[Item]:
        """Have a charge authorised; return its records, still to be sent."""
        request = self.msp.request(seed)
        if len(self.msp.desk_pen.items) == 2:
            await self.send(self.msp.desk_pen.items[0])
        decision = parse_item((await self.send(request))[-1])
        assert read_decision(decision).status is TokenStatus.ACCEPTED
        begin = len(self.msp.charge_pen.items)
        charge(self.msp.charge_pen, readings=readings, step_wh=STEP_WH, refs=(decision.hash,), seed=seed)
        return self.msp.charge_pen.items[begin:]

    async def found(self, seed: str = "tx") -> Transaction:
        wanted = SubjectKeys.new(seeded(seed)).subject.hex()
        return next(t for t in await transactions(self.cpo) if t.id == wanted)


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with open_world(tmp_path) as msp:
        cpo = make_world()
        cpo.seal_key = CPO
        line = Answering(Version.V16, {"RemoteStopTransaction": {"status": "Accepted"}})
        cpo.lines = line
        made = Both(cpo, msp, line)
        assert isinstance(cpo.partners, TestPartners)
        cpo.partners.parties_by_name["MSP"] = made.ask
        cpo.registry.trust(Entry(1, "CPO/CS001", Role.EDGE, "SITE", "SITE", EDGE_KEY.public.spki, Use.SIGN, 0))
        cpo.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", EMSP_KEY.public.spki, Use.SIGN, 0))
        await enrol(cpo, "CS001")
        yield made


def codes(transaction: Transaction) -> set[str]:
    return {note.code for note in (*transaction.findings, *transaction.alarms)}


async def test_a_hold_is_extended_within_the_limit_and_then_the_charge_is_stopped(both: Both) -> None:
    await both.msp.customer(limit="60")
    boot, started, *readings, ended = await both.charging()
    await both.send(boot, started)
    for reading in readings[:4]:
        await both.send(reading)
    held = await both.msp.charge_of()
    assert held.hold is not None
    assert (held.hold.amount, both.answered, both.line.asked) == (Decimal(60), [], [])
    await both.send(readings[4])
    assert both.line.asked == [("RemoteStopTransaction", {"transactionId": 42})]
    (stop,) = map(parse_item, both.answered)
    assert (stop.payload.kind, stop.payload.origin) == (Kind.COMMAND, "MSP/authorisation")
    running = await both.found()
    assert ("stop_by_party" in codes(running), running.sealed, running.start_wh) == (True, True, None)
    assert stop.encode() in [k.item.item for k in await both.cpo.journal.replay(both.cpo.tenant)]
    await both.send(ended)
    assert len(both.line.asked) == 1
    assert await troubles(both.cpo) == []


async def test_without_a_limit_reached_nothing_is_stopped(both: Both) -> None:
    await both.msp.customer(limit="200")
    for item in await both.charging():
        await both.send(item)
    charge_now = await both.msp.charge_of()
    assert charge_now.hold is not None
    assert (charge_now.hold.amount, charge_now.hold.state) == (Decimal(100), HoldState.OPEN)
    assert (both.answered, both.line.asked) == ([], [])
    await both.msp.emsp.desk.books.check_sums()


async def test_a_customer_blocked_meanwhile_is_extended_no_more(both: Both) -> None:
    await both.msp.customer(limit="200")
    boot, started, *readings, _ = await both.charging()
    await both.send(boot, started)
    account = await both.msp.account()
    await both.msp.emsp.put_customer(TOKEN, TokenStatus.BLOCKED, account)
    for reading in readings[:4]:
        await both.send(reading)
    assert len(both.line.asked) == 1


async def test_the_same_stop_is_given_until_the_charge_has_ended(both: Both) -> None:
    await both.msp.customer(limit="50")
    *running, ended = await both.charging()
    for item in running:
        await both.send(item)
    assert len(both.answered) > 1
    assert len(set(both.answered)) == 1
    before = len(both.answered)
    await both.send(ended)
    assert len(both.answered) == before
    notes = [note for note in (await both.found()).findings if note.code == "stop_by_party"]
    assert len(notes) == 1


async def running(both: Both, seed: str = "tx") -> tuple[list[Item], Item]:
    """Return a charge under way that nobody has stopped, and its decision."""
    items = await both.charging(seed)
    await both.send(*items[:-6])
    kept = await both.msp.emsp.desk.books.items_of(SubjectKeys.new(seeded(seed)).subject)
    return items, next(item for item in kept if item.payload.kind == Kind.DECISION)


def stop_for(
    decision: Item,
    *,
    key: SigningKey = EMSP_KEY,
    origin: str = "MSP/authorisation",
    subject: bytes | None = None,
    refs: tuple[bytes, ...] | None = None,
    action: str = STOP_ACTION,
    kind: Kind = Kind.COMMAND,
) -> bytes:
    """Return a stop; by default a good one."""
    writer = Writer.new(origin, LOG, key, seeded("stop"))
    head = writer.append(NO_HEAD, 9, Draft(Kind.BOOT, START_MS, ClockQuality.SYNCHRONISED), None)[1]
    fields = Ordered(action, "MSP", "wattseal", START_MS + 1).to_fields()
    draft = Draft(
        kind,
        START_MS,
        ClockQuality.SYNCHRONISED,
        {Group.OPS: GroupDraft(fields, ())},
        (decision.hash,) if refs is None else refs,
    )
    about = SubjectKeys(subject or decision.payload.subject or b"", bytes(32))
    return writer.append(head, 9, draft, about)[0].encode()


async def stopped(both: Both, party: str, stop: bytes, seed: str = "tx") -> bool:
    await take_stops(both.cpo, party, [stop])
    return "stop_by_party" in codes(await both.found(seed))


OTHER = signing_key("other emsp")


async def test_the_control_a_good_stop_is_obeyed_and_comes_from_its_signer_alone(both: Both) -> None:
    _, decision = await running(both)
    assert await stopped(both, "MSP", stop_for(decision))


@pytest.mark.parametrize("deliverer", ["OTHER", "MSP"])
@pytest.mark.parametrize("enrolled", [True, False])
async def test_another_emsp_stops_nothing(both: Both, deliverer: str, *, enrolled: bool) -> None:
    _, decision = await running(both)
    if enrolled:
        both.cpo.registry.trust(Entry(1, "OTHER/*", Role.EMSP, "OTHER", "OTHER", OTHER.public.spki, Use.SIGN, 0))
    assert not await stopped(both, deliverer, stop_for(decision, key=OTHER, origin="OTHER/authorisation"))
    assert not await stopped(both, deliverer, stop_for(decision, key=OTHER))
    assert both.cpo.counters["stop_unusable"] == 2


async def test_a_stop_for_another_charge_or_on_another_decision_stops_nothing(both: Both) -> None:
    _, first = await running(both)
    assert not await stopped(both, "MSP", stop_for(first, refs=(bytes(32),)))
    assert not await stopped(both, "MSP", stop_for(first, subject=b"x" * 16))
    both.msp.charge_pen = pen(key=EDGE_KEY, stream=2, seed="second")
    _, second = await running(both, "second")
    assert await stopped(both, "MSP", stop_for(first), "second") is False
    assert await stopped(both, "MSP", stop_for(second, refs=(first.hash,)), "second") is False
    assert await stopped(both, "MSP", stop_for(second), "second")


@pytest.mark.parametrize("wrong", [{"action": "Reset"}, {"kind": Kind.DISPUTE}])
async def test_what_is_no_stop_stops_nothing(both: Both, wrong: dict[str, Any]) -> None:
    _, decision = await running(both)
    assert not await stopped(both, "MSP", stop_for(decision, **wrong))


async def test_an_altered_stop_stops_nothing(both: Both) -> None:
    _, decision = await running(both)
    good = parse_item(stop_for(decision))
    assert good.signature is not None
    forged = replace(good, signature=replace(good.signature, signature=bytes(64)))
    assert not await stopped(both, "MSP", forged.encode())
    assert not await stopped(both, "MSP", good.encode()[:-1])


async def test_a_replayed_stop_is_one_note_and_none_after_the_end(both: Both) -> None:
    items, decision = await running(both)
    stop = stop_for(decision)
    for _ in range(3):
        await take_stops(both.cpo, "MSP", [stop])
    assert len([n for n in (await both.found()).findings if n.code == "stop_by_party"]) == 1
    await both.send(*items[-6:])
    before = len(await both.cpo.journal.replay(both.cpo.tenant))
    await take_stops(both.cpo, "MSP", [stop])
    assert len(await both.cpo.journal.replay(both.cpo.tenant)) == before


@pytest.mark.parametrize("body", [b"", b"\xff", dcbor.encode([1, b"", b"\x00"]), dcbor.encode({1: b"x"})])
async def test_whatever_a_partner_answers_does_no_harm(both: Both, body: bytes) -> None:
    await running(both)
    await take_answer(both.cpo, "MSP", body)
    assert "stop_by_party" not in codes(await both.found())


async def test_a_stop_outlives_a_restart(both: Both) -> None:
    _, decision = await running(both)
    both.line.speaks = None
    assert await stopped(both, "MSP", stop_for(decision))
    both.cpo.forget()
    both.line.speaks = Version.V16
    assert isinstance(both.cpo.clock, TestClock)
    await Talker(both.cpo, "CS001").call("Heartbeat", {})
    (one,) = stopping.due(both.cpo, stopping.Stopping())
    await stopping.ask(both.cpo, stopping.Stopping(), one)
    assert both.line.asked == [("RemoteStopTransaction", {"transactionId": 42})]


async def test_the_reason_is_in_plain_sight(both: Both) -> None:
    await both.msp.customer(limit="50")
    for item in await both.charging():
        await both.send(item)
    stop = parse_item(both.answered[0])
    opened = open_box(stop, int(Group.OPS), None)
    assert isinstance(opened, Opening)
    said = Ordered.read(Content.decode(opened.content).fields)
    assert (said.action, said.asked_by) == (STOP_ACTION, "MSP")
    assert "hold_used_up" in (await both.msp.charge_of()).alarms
