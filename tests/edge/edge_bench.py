"""An edge on a test bench: a real journal on disk, a CSMS and an eMSP that answer in memory, wires that can be cut."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from tests.edge.edge_world import LOG, NOW_MS, ORIGIN, Emsp, emsp, key, receipt_for

from wattseal.app.edge.memory import EdgeMemory, LinkDownError
from wattseal.app.edge.station import StationSide
from wattseal.app.edge.uplink import MESSAGE_ID_LENGTH, CsmsSide
from wattseal.base.ids import TenantId
from wattseal.model.token import TokenStatus
from wattseal.parties.edge.state import Site
from wattseal.parties.edge.upstream import Upward, items_in, spell, to_json
from wattseal.seal.command import SignedCommand, issue
from wattseal.seal.directory import Directory
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal
from wattseal.wire.ocpp.rpc import Call, CallError, CallResult
from wattseal.wire.ocpp.signed_commands import announcement, payload_hash, with_command
from wattseal.wire.ocpp.version import Refusal

TENANT = TenantId("CPO")


@dataclass
class SteppedClock:
    """A clock that is set by hand."""

    ms: int = NOW_MS

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)


@dataclass
class MemoryCsms:
    """A CSMS and the eMSP behind it: receipts for what verifies, a decision for each request. Its wire can be cut."""

    site: Site
    connected: bool = True
    receipting: bool = True
    status: TokenStatus | None = TokenStatus.ACCEPTED
    frames: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    billing: Emsp = field(default_factory=emsp)
    expires_ms: int = NOW_MS + 600_000
    dialling: bool = False

    @property
    def offline(self) -> bool:
        return not self.connected and not self.dialling

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        if not self.connected:
            raise LinkDownError(action)
        told = msgspec.json.decode(payload)
        self.frames.append((action, told))
        self.lengths.append(len(call_of(action, payload, "0" * MESSAGE_ID_LENGTH).raw))
        answers: list[bytes] = []
        for data in items_in(self.site.version, told):
            item = parse_item(data)
            self.items.append(item)
            if item.signature is not None and self.receipting:
                answers.append(receipt_for(item).encode())
            if item.payload.kind == Kind.REQUEST and self.status is not None:
                answers.append(self.billing.decide(item, self.status, expires_ms=self.expires_ms).encode())
        return result(action, self._answer(action, answers))

    def _answer(self, action: str, answers: list[bytes]) -> dict[str, Any]:
        bodies: dict[str, dict[str, Any]] = {
            "BootNotification": {"status": "Accepted", "currentTime": "2027-01-15T08:00:00Z", "interval": 60},
            "Heartbeat": {"currentTime": "2027-01-15T08:00:00Z"},
            "Authorize": {"idTokenInfo": {"status": "Invalid"}},
        }
        body = bodies.get(action, {})
        carried = spell(self.site.version, Upward(tuple(answers)))[1]
        if action == "DataTransfer":
            return {"status": "Accepted", "data": carried["data"]}
        return body | carried if self.site.version != "1.6" else body

    @property
    def wire(self) -> bytes:
        """Everything that was sent up."""
        return json.dumps(self.frames).encode()


@dataclass
class MemoryStation:
    """The station's end of the line: keeps what it is asked."""

    connected: bool = True
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        if not self.connected:
            raise LinkDownError(action)
        self.asked.append((action, msgspec.json.decode(payload)))
        return result(action, self.answers.get(action, {"status": "Accepted"}))


def result(action: str, payload: dict[str, Any]) -> CallResult:
    raw = msgspec.json.encode(payload)
    return CallResult("1", action, msgspec.Raw(raw), raw, datetime.fromtimestamp(NOW_MS / 1000, UTC))


def call(action: str, payload: dict[str, Any], message_id: str = "1") -> Call:
    body = to_json(payload)
    return call_of(action, body, message_id)


def call_of(action: str, body: bytes, message_id: str) -> Call:
    raw = b'[2,"%b","%b",%b]' % (message_id.encode(), action.encode(), body)
    return Call(message_id, action, msgspec.Raw(body), raw, datetime.fromtimestamp(NOW_MS / 1000, UTC))


@dataclass
class Bench:
    """One edge between a station and a CSMS."""

    memory: EdgeMemory
    clock: SteppedClock
    csms: MemoryCsms
    station: MemoryStation
    up: StationSide
    down: CsmsSide
    commands: int = 0

    async def say(self, action: str, payload: dict[str, Any], message_id: str = "1") -> dict[str, Any]:
        """Say something as the station; return the payload of the answer."""
        answer = await self.up.handle(call(action, payload, message_id))
        assert isinstance(answer, bytes), answer
        told: dict[str, Any] = msgspec.json.decode(answer)
        return told

    async def command(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | Refusal:
        """Ask something as the CSMS, with its signature."""
        statement = issue(self.signs(action, payload), key("csms"), LOG).encode()
        return await self.carried(action, payload, statement)

    def signs(self, action: str, payload: dict[str, Any]) -> SignedCommand:
        """Return what the CSMS signs for a command of its own."""
        self.commands += 1
        record = self.commands.to_bytes(32)
        return SignedCommand(ORIGIN, action, payload_hash(payload), record, self.clock.ms, self.clock.ms + 30_000)

    async def carried(self, action: str, payload: dict[str, Any], statement: bytes | None) -> dict[str, Any] | Refusal:
        """Say something to the edge on the CSMS's link, with a statement or none."""
        if statement is not None and self.memory.site.version == "1.6":
            ahead, told = announcement(statement)
            await self.down.handle(call(ahead, msgspec.json.decode(told)))
        elif statement is not None:
            payload = msgspec.json.decode(with_command(payload, statement))
        return await self.raw(action, payload)

    async def raw(self, action: str, payload: dict[str, Any]) -> dict[str, Any] | Refusal:
        """Say something to the edge on the CSMS's link."""
        answer = await self.down.handle(call(action, payload))
        return answer if isinstance(answer, Refusal) else msgspec.json.decode(answer)

    async def settle(self) -> None:
        """Wait until nothing is left to be sent."""
        async with asyncio.timeout(10):
            while await self.memory.waiting(1):  # noqa: ASYNC110 - the edge owes nobody an event for this
                await asyncio.sleep(0.01)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - the edge owes nobody an event for this
                await asyncio.sleep(0.01)


@asynccontextmanager
async def bench(
    folder: Path,
    at: Site,
    *,
    directory: Directory | None = None,
    csms: MemoryCsms | None = None,
    budget_s: float = 5,
    pace_s: float | None = None,
) -> AsyncIterator[Bench]:
    """Run an edge on the journal in `folder` (made where there is none)."""
    path = folder / "edge.db"
    await asyncio.to_thread(migrate, f"sqlite:///{path}")
    journal = await SqliteJournal.open(path)
    clock, station = SteppedClock(), MemoryStation()
    csms = csms or MemoryCsms(at)
    memory = EdgeMemory(journal, TENANT, at, clock)
    await memory.load()
    down = CsmsSide(memory, csms, station, pace_s)
    delivering = asyncio.create_task(down.deliver())
    try:
        yield Bench(
            memory,
            clock,
            csms,
            station,
            StationSide(memory, csms, directory=lambda: directory, budget_s=budget_s),
            down,
        )
    finally:
        delivering.cancel()
        with suppress(asyncio.CancelledError):
            await delivering
        await journal.close()
