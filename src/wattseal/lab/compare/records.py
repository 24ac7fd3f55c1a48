"""wattseal: records signed at the source, sealed for their readers and chained, taken by the product's own checks."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.compare.protection import Packet, websocket_bytes
from wattseal.lab.compare.session import Message, Received
from wattseal.rules.arrival import check_signer
from wattseal.seal.chain import NO_HEAD, check_chain
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content, Opening, open_box, unwrap
from wattseal.seal.item import ClockQuality, Group, Item, Kind, parse_item
from wattseal.seal.registry import Entry, Registry, Role, Use
from wattseal.seal.writer import Draft, GroupDraft, Reader, SubjectKeys, Writer

ORIGIN, LOG = "CPO/CS1", "CPO/log"
_KINDS = {"StartTransaction": Kind.STARTED, "MeterValues": Kind.READING, "StopTransaction": Kind.ENDED}
_BOX_FRAME = b'[2,"%08d","DataTransfer",{"vendorId":"wattseal","messageId":"Item","data":"%b"}]'


@dataclass(slots=True)
class Records:
    """Every message becomes a record of the edge; the driver's provider and an arbiter can open its register."""

    random: Callable[[int], bytes]
    name: str = "wattseal"
    note: str = "records signed at the edge (ES256), register sealed for eMSP and arbiter (HPKE), chained"
    _key: SigningKey = field(init=False)
    _reader: SealPrivateKey = field(init=False)
    _registry: Registry = field(init=False)

    def __post_init__(self) -> None:
        """Make the edge's key and the provider's, and enrol the edge."""
        self._key = SigningKey.from_seed(Algorithm.ESP256, self.random(32))
        self._reader = SealPrivateKey.from_seed(self.random(32))
        self._registry = Registry({})
        self._registry.trust(Entry(1, ORIGIN, Role.EDGE, "SITE", "SITE", self._key.public.spki, Use.SIGN, 0))

    def pack(self, messages: Sequence[Message]) -> list[Packet]:
        """Return a record a message, as an edge sends it."""
        writer = Writer.new(ORIGIN, LOG, self._key, self.random)
        readers = (Reader("MSP", self._reader.public), Reader("ARB", SealPrivateKey.from_seed(self.random(32)).public))
        subject = SubjectKeys.new(self.random)
        boot = Draft(Kind.BOOT, messages[0].at_ms - 1000, ClockQuality.SYNCHRONISED)
        _, head = writer.append(NO_HEAD, 1, boot, None)
        packed: list[Packet] = []
        for message in messages:
            groups = {Group.METER: GroupDraft(Meter(Decimal(message.register_wh)).to_fields(), readers)}
            draft = Draft(_KINDS[message.action], message.at_ms, ClockQuality.SYNCHRONISED, groups)
            item, head = writer.append(head, 1, draft, subject)
            packed.append((_BOX_FRAME % (message.number, base64.b64encode(item.encode())),))
        return packed

    def unpack(self, packets: Sequence[Packet]) -> Received:
        """Check every record's signer and box, then the chain, then open the end's register."""
        items: list[Item] = []
        for (frame,) in packets:
            try:
                item = parse_item(_carried(frame))
            except InputError as error:
                return Received(None, error.code)
            arrival = check_signer(item, ORIGIN, self._registry, LOG)
            if not arrival.accepted:
                return Received(None, arrival.notes[0].code)
            items.append(item)
        problems = check_chain(items)
        if problems:
            return Received(None, f"{problems[0].code} at {problems[0].field}")
        if not items or items[-1].payload.kind != Kind.ENDED or items[0].payload.kind != Kind.STARTED:
            return Received(None, "the session has no start or no end")
        secret = unwrap(items[-1], Group.METER, self._reader)
        opened = open_box(items[-1], Group.METER, secret)
        if not isinstance(opened, Opening):
            return Received(None, opened)
        register_wh = Meter.read(Content.decode(opened.content).fields).register_wh
        return Received(int(register_wh), messages=len(items))

    def read(self, packets: Sequence[Packet]) -> int | None:
        """Try to open what is sealed, without a key."""
        opened = open_box(parse_item(_carried(packets[-1][0])), Group.METER, self.random(32))
        if not isinstance(opened, Opening):
            return None
        return int(Meter.read(Content.decode(opened.content).fields).register_wh)

    def lower(self, packets: Sequence[Packet], by_wh: int) -> list[Packet]:
        """Seal a lower register himself, for the same readers, and put it where the true one was."""
        *before, (frame,) = packets
        true = parse_item(_carried(frame))
        own = SigningKey.from_seed(Algorithm.ESP256, self.random(32))
        writer = Writer.new(ORIGIN, LOG, own, self.random)
        keys = SubjectKeys(true.payload.subject or bytes(16), self.random(32))
        groups = {Group.METER: GroupDraft(Meter(Decimal(by_wh)).to_fields(), (Reader("MSP", self._reader.public),))}
        boot = Draft(Kind.BOOT, true.payload.ms, ClockQuality.SYNCHRONISED)
        _, head = writer.append(NO_HEAD, 1, boot, None)
        forged, _ = writer.append(head, 1, Draft(Kind.ENDED, true.payload.ms, ClockQuality.SYNCHRONISED, groups), keys)
        mixed = Item(true.payload, true.payload_bytes, true.signature, forged.boxes)
        number = len(packets) - 1
        return [*before, (_BOX_FRAME % (number, base64.b64encode(mixed.encode())),)]

    def without(self, packet: Packet) -> Packet | None:
        """Leave nothing."""
        del packet
        return None

    def wire_bytes(self, packets: Sequence[Packet]) -> int:
        """Return the frames' sizes."""
        return sum(websocket_bytes(frame) for packet in packets for frame in packet)


def _carried(frame: bytes) -> bytes:
    """Return the record that a frame carries."""
    _, _, data = frame.partition(b'"data":"')
    try:
        return base64.b64decode(data.removesuffix(b'"}]'), validate=True)
    except ValueError as error:
        raise InputError("the record is not base64", code="not_base64", subject="data") from error
