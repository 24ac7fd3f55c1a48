"""A CPO's world in memory: keys, clock, randomness, partners, and stations that speak OCPP in bytes."""

import contextlib
import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.memory_journal import MemoryJournal

from wattseal.base.ids import StationId, TenantId
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.flow.books import Books
from wattseal.flow.chains import Chains
from wattseal.flow.documents import TRANSACTION, put_station, put_token, read
from wattseal.flow.handle import handle
from wattseal.flow.ports import Batch, Journal
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.model.station import Station
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.seal.registry import Entry, Registry, Role, Use
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.version import Refusal, Version

TENANT = TenantId("default")
LOG = "CPO/log"
_TIME = re.compile(r'"timestamp": "(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d))"')
AT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)


def signing_key(name: str) -> SigningKey:
    return SigningKey.from_seed(Algorithm.ED25519, hashlib.sha256(name.encode()).digest())


def seal_key(name: str) -> SealPrivateKey:
    return SealPrivateKey.from_seed(hashlib.sha256(b"seal" + name.encode()).digest())


@dataclass
class TestClock:
    __test__ = False
    at: datetime = AT

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


@dataclass
class SeededRandom:
    seed: str = "seed"
    count: int = 0

    def bytes(self, n: int) -> bytes:
        self.count += 1
        return hashlib.shake_256(f"{self.seed}/{self.count}".encode()).digest(n)


Ask = Callable[[str, Sequence[bytes]], Awaitable[tuple[bytes, ...] | None]]


@dataclass
class TestPartners:
    __test__ = False
    parties_by_name: dict[str, Ask] = field(default_factory=dict)
    asked: list[tuple[str, tuple[bytes, ...]]] = field(default_factory=list)

    def known(self, party: str) -> bool:
        return party in self.parties_by_name

    def parties(self) -> tuple[str, ...]:
        return tuple(self.parties_by_name)

    async def ask(self, party: str, items: Sequence[bytes], timeout_s: float) -> tuple[bytes, ...] | None:
        del timeout_s
        self.asked.append((party, tuple(items)))
        return await self.parties_by_name[party](party, items)


def own_entry(origin: str, role: Role, spki: bytes, use: Use = Use.SIGN, party: str = "CPO") -> Entry:
    return Entry(1, origin, role, party, party, spki, use, 0)


def make_world(journal: Journal | None = None, settings: Settings | None = None, seed: str = "seed") -> World:
    journal = journal or MemoryJournal()
    random = SeededRandom(seed)
    registry = Registry({})
    csms, billing, seal = signing_key("csms"), signing_key("billing"), seal_key("csms")
    registry.trust(own_entry("CPO/*", Role.CSMS, csms.public.spki))
    registry.trust(own_entry("CPO/billing", Role.BILLING, billing.public.spki))
    registry.trust(own_entry("CPO/*", Role.CSMS, seal.public.spki, Use.SEAL))
    return World(
        tenant=TENANT,
        party="CPO",
        log_origin=LOG,
        journal=journal,
        clock=TestClock(),
        random=random,
        csms_key=csms,
        billing_key=billing,
        seal_key=seal,
        registry=registry,
        partners=TestPartners(),
        settings=settings or Settings(),
        chains=Chains(journal, TENANT, LOG, random),
        books=Books(journal, TENANT),
        pause=_at_once,
    )


async def _at_once(_wait_s: float) -> None:
    """Let no time go by."""


async def enrol(world: World, station: Station | str) -> None:
    station = Station(id=station) if isinstance(station, str) else station
    await world.journal.commit(Batch(world.tenant, puts=(put_station(station, 0),)))


async def add_token(
    world: World, value: str, status: TokenStatus = TokenStatus.ACCEPTED, party: str | None = None
) -> None:
    token = TokenRecord(IdToken(value, "ISO14443"), status, party)
    world.tokens.pop(token.id_token.key(), None)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(token, 0),)))


def pass_to(world: World, frame: bytes) -> None:
    """Let the clock go on to the latest timestamp in a frame, for nothing arrives before it was written."""
    clock = world.clock
    if isinstance(clock, TestClock):
        with contextlib.suppress(ValueError):
            told = [datetime.fromisoformat(text) for text in _TIME.findall(frame.decode())]
            clock.at = max([clock.at, *(at for at in told if at - clock.at < timedelta(days=1))])


@dataclass
class Talker:
    """A station's side of a connection: calls in, answers out, all as JSON."""

    world: World
    station_id: str
    version: Version = Version.V16
    number: int = 0

    async def call(self, action: str, payload: dict[str, Any], message_id: str | None = None) -> dict[str, Any]:
        answer = await self.raw(action, payload, message_id)
        assert isinstance(answer, bytes), answer
        told: dict[str, Any] = json.loads(answer)
        return told

    async def raw(self, action: str, payload: dict[str, Any], message_id: str | None = None) -> bytes | Refusal:
        self.number += 1
        frame = json.dumps([2, message_id or f"m{self.number}", action, payload]).encode()
        pass_to(self.world, frame)
        event = Connection(self.version).receive(frame, self.world.clock.now())
        assert isinstance(event, Call), event
        principal = Principal(self.world.tenant, self.station_id, frozenset({"station"}), frozenset({"station"}))
        return await handle(self.world, principal, self.version, event)

    def at(self, minutes: int = 0) -> str:
        return (AT + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")

    async def start(self, card: str = "CARD", wh: int = 1000, minutes: int = 0, connector: int = 1) -> int:
        told = await self.call(
            "StartTransaction",
            {"connectorId": connector, "idTag": card, "meterStart": wh, "timestamp": self.at(minutes)},
        )
        number: int = told["transactionId"]
        return number

    async def meter(self, transaction_id: int, wh: int, minutes: int = 1, connector: int = 1) -> dict[str, Any]:
        sample = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values = [{"timestamp": self.at(minutes), "sampledValue": [sample]}]
        payload = {"connectorId": connector, "transactionId": transaction_id, "meterValue": values}
        return await self.call("MeterValues", payload)

    async def stop(self, transaction_id: int, wh: int, minutes: int = 60) -> dict[str, Any]:
        payload = {"transactionId": transaction_id, "meterStop": wh, "timestamp": self.at(minutes), "reason": "Local"}
        return await self.call("StopTransaction", payload)


async def transactions(world: World, station_id: str | None = None) -> list[Transaction]:
    found = await world.journal.documents(
        world.tenant, TRANSACTION, station_id=None if station_id is None else StationId(station_id)
    )
    return [read(document, Transaction) for document in found]
