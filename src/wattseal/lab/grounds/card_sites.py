"""Edges with card readers and the eMSP that decides on cards, on real journals, with a clock that is moved.

The CSMS between them hands records on and answers with decisions, as it would; it can be cut off.
"""

import asyncio
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from wattseal.app.edge.memory import EdgeMemory, LinkDownError
from wattseal.app.edge.station import StationSide
from wattseal.app.edge.uplink import CsmsSide
from wattseal.app.system import SystemRandom
from wattseal.base.ids import StationId, TenantId
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import SigningKey
from wattseal.lab.grounds.paper import AT_MS, LOG, Paper, fresh
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.lab.played_clock import PlayedClock
from wattseal.model.provider import Account, Charge
from wattseal.model.token import TokenStatus
from wattseal.parties.edge.state import Mode, Readers, Site
from wattseal.parties.edge.upstream import Upward, items_in, spell
from wattseal.parties.emsp.books import Books
from wattseal.parties.emsp.desk import Desk, EmspKeys, Terms
from wattseal.parties.emsp.service import Emsp
from wattseal.rules.settlement import Contract
from wattseal.seal.directory import Directory, open_directory
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.seal.receipt import Receipt, issue
from wattseal.seal.registry import Registry, Role, Use
from wattseal.seal.signed import Statement
from wattseal.seal.writer import Reader, Writer
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult

CONTRACT = Contract("CPO", LOG)
STATIONS = ("ST1", "ST2")
MMD_S = 3600


@dataclass(slots=True)
class Between:
    """The CSMS as these edges see it: requests go to the eMSP, decisions come back. `seen` is all that went up."""

    emsp: Emsp
    key: SigningKey
    connected: bool = True
    seen: list[Item] = field(default_factory=list)

    @property
    def offline(self) -> bool:
        """Whether the edges know that they are cut off."""
        return not self.connected

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        """Hand on what a message carries."""
        if not self.connected:
            raise LinkDownError(action)
        items = [parse_item(data) for data in items_in("1.6", msgspec.json.decode(payload))]
        self.seen += items
        requests = [item.encode() for item in items if item.payload.kind == Kind.REQUEST]
        decided = await self.emsp.receive_items(CONTRACT, requests) if requests else []
        back = (*(self._receipt(item) for item in items if item.signature is not None), *decided)
        told = msgspec.json.encode({"status": "Accepted", "data": spell("1.6", Upward(back))[1]["data"]})
        return CallResult("1", action, msgspec.Raw(told), told, datetime.fromtimestamp(0, UTC))

    def _receipt(self, item: Item) -> bytes:
        made = Receipt(*item.payload.place, item.hash, item.leaf_entry() or b"", 0, item.payload.ms, MMD_S)
        return issue(made, self.key, LOG).encode()


class _NoStation:
    connected = False

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        del payload
        raise LinkDownError(action)


@dataclass(slots=True)
class EdgedStation:
    """A station at its edge, as the two talk: OCPP 1.6."""

    name: str
    memory: EdgeMemory
    side: StationSide
    seal: SealPrivateKey
    directory: Directory | None = None

    async def say(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Say something as the station; returns the answer."""
        body = msgspec.json.encode(payload)
        raw = b'[2,"1","%b",%b]' % (action.encode(), body)
        answer = await self.side.handle(
            Call("1", action, msgspec.Raw(body), raw, datetime.fromtimestamp(self.memory.now_ms() / 1000, UTC))
        )
        told: dict[str, Any] = json.loads(answer) if isinstance(answer, bytes) else {"refused": str(answer)}
        return told

    async def transfer(self, message: str, data: dict[str, Any]) -> dict[str, Any]:
        """Send one of a reader's messages; returns the data of the answer."""
        told = await self.say("DataTransfer", {"vendorId": "wattseal", "messageId": message, "data": json.dumps(data)})
        found: dict[str, Any] = json.loads(told["data"])
        return found

    async def challenge(self, number: str, spki: bytes, evse_id: int = 1) -> bytes:
        """Ask for a challenge as a reader does."""
        shown = {"idToken": number, "evseId": evse_id, "publicKey": b64encode(spki).decode()}
        return b64decode((await self.transfer("card_challenge", shown))["challenge"])

    async def prove(self, challenge: bytes, signature: bytes) -> str:
        """Hand a card's answer on; returns what its token is told, or the code of why it is no proof."""
        answered = {"challenge": b64encode(challenge).decode(), "signature": b64encode(signature).decode()}
        told = await self.transfer("card_proof", answered)
        return str(told.get("status") or told["code"])

    async def hold(self, card: SoftwareCard, evse_id: int = 1) -> str:
        """Hold a card to the reader."""
        challenge = await self.challenge(card.token.value, card.spki, evse_id)
        return await self.prove(challenge, card.answer(challenge))

    async def start(self, number: str, evse_id: int = 1) -> str:
        """Start a charge with a number; returns what the station is told."""
        at = self._now().isoformat().replace("+00:00", "Z")
        payload = {"connectorId": evse_id, "idTag": number, "meterStart": 1000, "timestamp": at}
        return str((await self.say("StartTransaction", payload))["idTagInfo"]["status"])

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.memory.now_ms() / 1000, UTC)


@dataclass(slots=True)
class CardSites:
    """Everything in one process: `emsp` with its books, `between`, two stations, and the clock of all."""

    emsp: Emsp
    between: Between
    clock: PlayedClock
    stations: dict[str, EdgedStation] = field(default_factory=dict)

    async def customer(self, card: SoftwareCard, *, enrolled: bool = True) -> None:
        """Make the holder of a card a customer, with the card's key where it is `enrolled`."""
        await self.emsp.put_customer(card.token, TokenStatus.ACCEPTED, Account("EUR", Decimal(1000)))
        await self.emsp.put_card_key(card.token, card.spki if enrolled else None)

    async def charges(self) -> list[Charge]:
        """Return what the eMSP knows, in the order of asking."""
        return sorted(await self.emsp.charges(), key=lambda charge: charge.requested_ms)

    async def directories(self) -> None:
        """Give both edges the eMSP's directory."""
        for station in self.stations.values():
            data = await self.emsp.make_directory(station.seal.public.spki)
            opened = open_directory(data, f"CPO/{station.name}", self.emsp.desk.keys.sign.public, station.seal)
            station.directory = opened

    @contextmanager
    def cut_off(self) -> Iterator[None]:
        """Cut the way between the edges and the eMSP."""
        self.between.connected = False
        try:
            yield
        finally:
            self.between.connected = True


@asynccontextmanager
async def card_sites(folder: Path) -> AsyncIterator[CardSites]:
    """Set up two stations with edges and card readers, and an eMSP."""
    await asyncio.to_thread(folder.mkdir, parents=True)
    paper, clock = Paper(), PlayedClock(AT_MS)
    edges = {name: (fresh(), SealPrivateKey.from_seed(SystemRandom().bytes(32))) for name in STATIONS}
    trust = replace(paper.trust, entries=(*paper.entries, *_entries(paper, edges)))
    async with AsyncExitStack() as stack:
        books = Books("MSP", await _journal(stack, folder / "emsp.db"), clock, SystemRandom())
        keys = EmspKeys(paper.keys.emsp, paper.keys.emsp_seal)
        emsp = Emsp(Desk("MSP", keys, Terms(), {"CPO": CONTRACT}, books, trust))
        await emsp.start()
        sites = CardSites(emsp, Between(emsp, paper.keys.csms), clock)
        for name, (sign, seal) in edges.items():
            site = _site(name, sign, paper, trust)
            memory = EdgeMemory(await _journal(stack, folder / f"{name}.db"), TenantId("CPO"), site, clock)
            await memory.load()
            sites.stations[name] = await _station(stack, sites, name, memory, seal)
        yield sites


def _entries(paper: Paper, edges: dict[str, tuple[SigningKey, SealPrivateKey]]) -> Iterator[Statement]:
    for name, (sign, seal) in edges.items():
        origin = f"CPO/{name}"
        yield paper.enrolled(paper.entry(Role.EDGE, "SITE", sign.public.spki, origin, custodian="SITE"))
        yield paper.enrolled(paper.entry(Role.EDGE, "SITE", seal.public.spki, origin, use=Use.SEAL, custodian="SITE"))


async def _journal(stack: AsyncExitStack, path: Path) -> SqliteJournal:
    await asyncio.to_thread(migrate, f"sqlite:///{path}")
    journal = await SqliteJournal.open(path)
    stack.push_async_callback(journal.close)
    return journal


def _site(name: str, sign: SigningKey, paper: Paper, trust: Trust) -> Site:
    registry: Registry = trust.registry()
    reader = Reader("MSP", paper.keys.emsp_seal.public)
    return Site(
        station_id=StationId(name),
        version="1.6",
        mode=Mode.SEALED,
        route="MSP",
        readers=Readers((reader,), (reader,)),
        writer=Writer.new(f"CPO/{name}", LOG, sign, SystemRandom().bytes),
        registry=registry,
        token_key=SystemRandom().bytes(32),
        heartbeat_ms=300_000,
    )


async def _station(
    stack: AsyncExitStack, sites: CardSites, name: str, memory: EdgeMemory, seal: SealPrivateKey
) -> EdgedStation:
    delivering = asyncio.create_task(CsmsSide(memory, sites.between, _NoStation()).deliver())

    async def end() -> None:
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)

    stack.push_async_callback(end)
    side = StationSide(memory, sites.between, directory=lambda: sites.stations[name].directory, budget_s=5)
    return EdgedStation(name, memory, side, seal)
