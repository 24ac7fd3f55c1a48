"""A small world for edges: a registry with a CPO, an eMSP, an arbiter and one edge, each with its keys."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from wattseal.base.ids import EvseId, StationId, TransactionId
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, Reading
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.edge.state import Mode, Readers, Site
from wattseal.seal import receipt
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.fields import Decision
from wattseal.seal.item import ClockQuality, Item, Kind
from wattseal.seal.receipt import Receipt
from wattseal.seal.registry import Entry, Registry, Role, Use
from wattseal.seal.signed import Statement
from wattseal.seal.writer import Draft, Reader, SubjectKeys, Writer

LOG = "CPO/log"
STATION = StationId("ST1")
ORIGIN = "CPO/ST1"
REGISTRY = "registry"
NOW_MS = 1_800_000_000_000
AT = datetime.fromtimestamp(NOW_MS / 1000, UTC)
CARD = IdToken("04A2B3C4D5E680", "ISO14443")


def key(name: str) -> SigningKey:
    return SigningKey.from_seed(Algorithm.ED25519, hashlib.sha256(name.encode()).digest())


def seal_key(name: str) -> SealPrivateKey:
    return SealPrivateKey.from_seed(hashlib.sha256(b"seal" + name.encode()).digest())


def seeded(seed: str) -> Callable[[int], bytes]:
    """Return a repeatable source of bytes."""
    count = 0

    def draw(n: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{seed}/{count}".encode()).digest(n)

    return draw


def _entry(
    origin: str, role: Role, party: str, spki: bytes, *, use: Use = Use.SIGN, custodian: str | None = None
) -> Entry:
    return Entry(1, origin, role, party, custodian or party, spki, use, 0)


def entries(edge_spki: bytes | None = None) -> list[Statement]:
    """Return the root-signed statements of this world."""
    root, emsp = key("root"), key("emsp")
    own = [
        _entry("MSP/*", Role.EMSP, "MSP", emsp.public.spki),
        _entry("MSP/*", Role.EMSP, "MSP", seal_key("MSP").public.spki, use=Use.SEAL),
        _entry("ARB/*", Role.ARBITER, "ARB", seal_key("ARB").public.spki, use=Use.SEAL),
        _entry("CPO/*", Role.CSMS, "CPO", key("csms").public.spki),
        _entry("CPO/*", Role.CSMS, "CPO", seal_key("CPO").public.spki, use=Use.SEAL),
        _entry("CPO/billing", Role.BILLING, "CPO", key("billing").public.spki),
    ]
    edge = _entry(ORIGIN, Role.EDGE, "OWNER", edge_spki or key("edge").public.spki, custodian="OWNER")
    edge = replace(edge, consents=(edge.consent(emsp, REGISTRY),))
    return [entry.issue(root, REGISTRY) for entry in (*own, edge)]


def registry() -> Registry:
    made = Registry({REGISTRY: key("root").public})
    assert made.add_all(entries()) == []
    return made


def readers(*parties: str) -> Readers:
    trusted = registry()

    def reader(party: str) -> Reader:
        found = trusted.reader_key(party)
        assert found is not None
        return Reader(party, found)

    return Readers((reader("MSP"),), tuple(reader(party) for party in parties))


def site(mode: Mode = Mode.SEALED, version: str = "1.6", seed: str = "edge") -> Site:
    return Site(
        station_id=STATION,
        version=version,
        mode=mode,
        route="MSP",
        readers=readers("MSP", "ARB") if mode is Mode.SEALED else Readers(),
        writer=Writer.new(ORIGIN, LOG, key("edge"), seeded(seed)),
        registry=registry(),
        token_key=bytes(32),
        heartbeat_ms=300_000,
    )


@dataclass
class Emsp:
    """Decides on requests, on its own chain."""

    signer: SigningKey
    origin: str = "MSP/authorisation"
    head: ChainHead = NO_HEAD
    log: str = LOG

    def decide(
        self, request: Item, status: TokenStatus = TokenStatus.ACCEPTED, *, expires_ms: int = NOW_MS + 600_000
    ) -> Item:
        writer = Writer.new(self.origin, self.log, self.signer, seeded(f"emsp{self.head.seq}"))
        if self.head == NO_HEAD:
            _, self.head = writer.append(self.head, 0, Draft(Kind.BOOT, NOW_MS, ClockQuality.SYNCHRONISED), None)
        public = Decision(status, b"A" * 16, expires_ms, 50_000).to_public()
        draft = Draft(Kind.DECISION, NOW_MS, ClockQuality.SYNCHRONISED, refs=(request.hash,), public=public)
        keys = SubjectKeys(request.payload.subject or b"", bytes(32))
        item, self.head = writer.append(self.head, 0, draft, keys)
        return item


def emsp(name: str = "emsp", origin: str = "MSP/authorisation", log: str = LOG) -> Emsp:
    return Emsp(key(name), origin, log=log)


def receipt_for(item: Item, signer: str = "csms", log: str = LOG) -> Statement:
    leaf = item.leaf_entry()
    assert leaf is not None
    return receipt.issue(Receipt(*item.payload.place, item.hash, leaf, 7, NOW_MS, 3600), key(signer), log)


def energy(wh: str, at: datetime = AT, context: str = "Sample.Periodic") -> Reading:
    return Reading(at, ENERGY_IMPORT_REGISTER, Decimal(wh), "Wh", context)


def power(watt: str) -> Reading:
    return Reading(AT, "Power.Active.Import", Decimal(watt), "W")


def start_fact(
    wh: str = "1000", transaction_id: str = "42", token: IdToken | None = CARD, evse: int = 1
) -> TransactionStarted:
    return TransactionStarted(EvseId(evse), AT, TransactionId(transaction_id), id_token=token, register_wh=Decimal(wh))


def meter_fact(wh: str, transaction_id: str | None = "42") -> MeterReported:
    told = None if transaction_id is None else TransactionId(transaction_id)
    return MeterReported(EvseId(1), (energy(wh), power("7400")), told)


def end_fact(wh: str = "17000", transaction_id: str = "42") -> TransactionEnded:
    return TransactionEnded(TransactionId(transaction_id), AT + timedelta(hours=1), Decimal(wh), "Local")
