"""A station behind an edge that signs and seals: whoever dies when, its records stay what they are."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.simulation.checkpoints import Seen
from tests.simulation.driver import Pause
from tests.support.cpo_world import LOG, SeededRandom, enrol, seal_key, transactions
from tests.support.sealed import EDGE, READERS

from wattseal.base.errors import StoreError
from wattseal.bundle.format import parse_bundle
from wattseal.flow.courier import Courier, Delivery
from wattseal.flow.world import World
from wattseal.model.transaction import Billing
from wattseal.seal import dcbor
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.fields import Identity, Meter, Ops, Settlement, SettlementVerdict
from wattseal.seal.item import ClockQuality, Group, Item, Kind, parse_item
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer
from wattseal.wire.ocpp.version import Refusal, Version

STATION = "EDGED"
DRIVER = "SEALEDDRIVER"
STEP_WH = 1000


@dataclass
class Sealed:
    """A charge of it: what it is called in records, what was asked for it, and how far it is."""

    subject: SubjectKeys
    request: Item
    decision: Item | None = None
    registers: int = 0
    ended: Item | None = None

    @property
    def energy_wh(self) -> int:
        return (self.registers - 1) * STEP_WH


class Edge(Actor):
    """Each record that was acknowledged is kept as it was signed, once; each charge is one, settled by its eMSP."""

    name = STATION
    left = 2
    cpo: ClassVar[Reader] = Reader("CPO", seal_key("csms").public)

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.random = SeededRandom(f"edge {storm.seed}")
        self.writer = Writer.new("CPO/EDGED", LOG, EDGE, self.random.bytes)
        self.heads: dict[int, ChainHead] = {0: NO_HEAD, 1: NO_HEAD}
        self.queue: list[Item] = []
        self.acknowledged: list[Item] = []
        self.charges: list[Sealed] = []

    @property
    def unfinished(self) -> bool:
        """Whether something is still to be told."""
        going = bool(self.charges) and self.charges[-1].decision is not None and self.charges[-1].ended is None
        return self.left > 0 or bool(self.queue) or going

    async def prepare(self, world: World) -> None:
        """Enrol the station."""
        await enrol(world, STATION)

    def began(self) -> None:
        """Have the process send bundles on."""
        self.courier = Courier(self.storm.world, Seen(self.storm.disk), self._post)

    def jobs(self) -> list[tuple[str, Callable[[], Any]]]:
        """Empty the outbox by the clock."""
        return [("courier", self.courier.round)]

    def act(self) -> None:
        """Send what waits, or have the next thing happen."""
        if self.storm.driver.busy(STATION):
            return
        if self.queue:
            self._send(self.queue[: self.dice.randint(1, 4)])
        elif self.unfinished:
            self._next()

    def _next(self) -> None:
        last = self.charges[-1] if self.charges else None
        if self.heads[0] is NO_HEAD:
            self._write(Kind.BOOT, {}, stream=0)
            self._write(Kind.BOOT, {})
        elif last is not None and last.decision is not None and last.ended is None:
            self._go_on(last, last.decision)
        else:
            self.left -= 1
            subject = SubjectKeys.new(self.random.bytes)
            identity = GroupDraft(Identity(DRIVER, "ISO14443").to_fields(), READERS)
            ops = GroupDraft(Ops(route="MSP", evse_id=1, nonce=self.random.bytes(16)).to_fields())
            groups = {Group.IDENTITY: identity, Group.OPS: ops}
            self.charges.append(Sealed(subject, self._write(Kind.REQUEST, groups, subject=subject, stream=0)))

    def _go_on(self, charge: Sealed, decision: Item) -> None:
        kind = Kind.STARTED if not charge.registers else self.dice.choice((Kind.READING, Kind.ENDED))
        meter = GroupDraft(Meter(Decimal(STEP_WH * charge.registers)).to_fields(), READERS)
        number = f"E{len(self.charges)}"
        ops = GroupDraft(Ops(transaction_id=number, evse_id=1, station_ms=self.storm.clock.true_ms()).to_fields())
        refs = (decision.hash,) if kind is Kind.STARTED else ()
        item = self._write(kind, {Group.METER: meter, Group.OPS: ops}, refs, subject=charge.subject)
        charge.registers += 1
        charge.ended = item if kind is Kind.ENDED else None

    def _write(
        self,
        kind: Kind,
        groups: dict[Group, GroupDraft],
        refs: tuple[bytes, ...] = (),
        *,
        subject: SubjectKeys | None = None,
        stream: int = 1,
    ) -> Item:
        draft = Draft(kind, self.storm.clock.true_ms(), ClockQuality.SYNCHRONISED, groups, refs)
        item, self.heads[stream] = self.writer.append(self.heads[stream], stream, draft, subject)
        self.queue.append(item)
        return item

    def _send(self, items: list[Item]) -> None:
        storm = self.storm
        data = json.dumps({"items": [base64.b64encode(item.encode()).decode() for item in items]})
        payload = {"vendorId": "wattseal", "messageId": "items", "data": data}
        if storm.faults.drawn(storm.weather.lose):
            storm.faults.tell("lost", STATION)
            return

        def told(came_to: Any) -> None:
            if isinstance(came_to, StoreError | Refusal):
                storm.texts.append(str(came_to))
            elif isinstance(came_to, Exception):
                raise came_to
            elif storm.faults.drawn(storm.weather.lose):
                storm.faults.tell("answer lost", STATION)
            else:
                self._answered(items, came_to)

        storm.traffic.start(STATION, Version.V16, json.dumps([2, "e", "DataTransfer", payload]).encode(), told)

    def _answered(self, items: list[Item], answer: bytes) -> None:
        self.acknowledged += items
        self.queue = [item for item in self.queue if item not in items]
        self.did["sealed records"] += len(items)
        last = self.charges[-1] if self.charges else None
        for text in json.loads(json.loads(answer)["data"])["items"]:
            try:
                back = parse_item(base64.b64decode(text))
            except Exception:  # noqa: BLE001, S112 - a receipt is no item
                continue
            if last is not None and back.payload.kind == Kind.DECISION and last.request.hash in back.payload.refs:
                last.decision = back

    async def _post(self, party: str, path: str, body: bytes, content_type: str) -> tuple[Delivery, bytes]:
        """Settle as the eMSP does, which alone can read the registers; of others' charges it says nothing yet."""
        del party, content_type
        await Pause()
        if not path.endswith("/bundles"):
            return Delivery.DONE, dcbor.encode([])
        ended = next(item for item in parse_bundle(body).items if item.payload.kind == Kind.ENDED)
        charge = next((one for one in self.charges if one.subject.subject == ended.payload.subject), None)
        if charge is None or self.storm.faults.drawn(self.storm.weather.silent):
            return Delivery.LATER, b""
        net = Decimal(charge.energy_wh) / 2000
        settled = Settlement(
            verdict=SettlementVerdict.ACCEPTED,
            energy_wh=Decimal(charge.energy_wh),
            currency="EUR",
            total_excl_vat=net,
            total_incl_vat=(net * Decimal("1.2")).quantize(Decimal("0.01")),
            grade=4,
            source="edge",
        )
        groups = {Group.OPS: GroupDraft(settled.to_fields(), (self.cpo,))}
        now_ms = self.storm.clock.true_ms()
        draft = Draft(Kind.SETTLEMENT, now_ms, ClockQuality.SYNCHRONISED, groups, (ended.hash,))
        item = self.storm.emsp.write(charge.subject.subject, draft)
        self.did["settlements"] += 1
        await Pause()
        return Delivery.DONE, item.encode()

    async def hold(self, world: World) -> None:
        """Find each record once and unchanged, each charge once, and nothing of what is sealed."""
        kept = [one.item.item for one in self.storm.disk.kept]
        for item in self.acknowledged:
            if kept.count(item.encode()) != 1:
                broken(1, f"a sealed record was acknowledged and is there {kept.count(item.encode())} times: {item}")
        found = {one.id: one for one in await transactions(world, STATION)}
        begun = {one.subject.subject.hex() for one in self.charges if one.registers}
        if found.keys() != begun:
            broken(2, f"{len(begun)} sealed charges began, {len(found)} are known")
        for charge in self.charges:
            one = found.get(charge.subject.subject.hex())
            if one is None:
                continue
            if one.active or not one.sealed or one.energy_wh is not None:
                broken(12, f"sealed charge {one.transaction_id}: {one}")
            wrong = one.billing is Billing.QUARANTINED and not self.storm.faults.happened["clock jumped"]
            if wrong or (one.settlement is None and one.billing is not Billing.QUARANTINED):
                broken(7, f"sealed charge {one.transaction_id} is {one.billing}: {one.reason}, {one.alarms}")
        for data in (*kept, *(put.body for put in self.storm.disk.documents_by_key.values())):
            if DRIVER.encode() in data:
                broken(12, "who charges behind the edge is known to the CPO")
