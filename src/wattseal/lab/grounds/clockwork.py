"""A CPO as `wattseal serve` puts it together, on a real journal, without sockets, and with a clock that is moved."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from wattseal.app.cpo.cpo import assemble, keys_before_records
from wattseal.app.cpo.parts import Options, Parts
from wattseal.app.cpo.tenant import ROLE, SYSTEM, TENANT
from wattseal.app.settings import Settings
from wattseal.base.errors import StoreError
from wattseal.flow.charges.open_transactions import OpenKeeper
from wattseal.flow.documents import ALARM, TRANSACTION, every_document, put_station, put_token, read
from wattseal.flow.handle import handle
from wattseal.flow.money.billing import Biller
from wattseal.flow.money.bills import bill_in_force
from wattseal.flow.money.tariff_changes import assign, set_tariff
from wattseal.flow.own_clock import OwnClock
from wattseal.flow.ports import Batch
from wattseal.flow.stations.silence import SilenceKeeper
from wattseal.flow.turn import transaction_by_id
from wattseal.flow.world import World
from wattseal.lab.crew import LabError
from wattseal.lab.month.tariffs import STANDARD
from wattseal.lab.played_clock import PlayedClock
from wattseal.model.alarm import Alarm
from wattseal.model.billing import Bill
from wattseal.model.principal import Principal
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import Level
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.stores.datadir import DataDir
from wattseal.stores.sqlite import SqliteJournal
from wattseal.wire.ocpp.rpc import Call, Connection, Violation
from wattseal.wire.ocpp.version import Refusal, Version

AT = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
"""When the clock is set going."""
LOG_BATCH = 256
PAGE = 1000
SETTLE_MS, SETTLING = 1_200_000, 3


@dataclass(slots=True)
class Clockwork:
    """The CPO and its clock; `world` may be looked into and have its parts taken out."""

    parts: Parts
    clock: PlayedClock
    _biller: Biller = field(init=False)
    _open: OpenKeeper = field(init=False)
    _silence: SilenceKeeper | None = field(default=None, init=False)
    _own: OwnClock | None = field(default=None, init=False)
    _calls: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Set up what the clock would call."""
        self._biller = Biller(self.parts.world, self.parts.proofs)
        self._open = OpenKeeper(self.parts.world, SYSTEM)

    @property
    def world(self) -> World:
        """The CPO's world."""
        return self.parts.world

    @property
    def began_ms(self) -> int:
        """When its clock was set going, in Unix milliseconds."""
        return round(AT.timestamp() * 1000)

    def at(self, minutes: float = 0) -> str:
        """Return a time so many minutes after the beginning as stations write it."""
        return (AT + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")

    def move_to(self, minutes: float) -> None:
        """Move the clock to so many minutes after the beginning, never back."""
        self.clock.follow(round((AT + timedelta(minutes=minutes)).timestamp() * 1000))

    async def enrol(self, station: Station | str, tariff: Tariff = STANDARD) -> "Line":
        """Enrol a station with a tariff and return its side of a connection."""
        made = Station(id=station, evses=(EvseEnrolment(id=1),)) if isinstance(station, str) else station
        await self.world.journal.commit(Batch(TENANT, puts=(put_station(made, self.world.now_ms()),)))
        await set_tariff(self.world, tariff)
        await assign(self.world, Level.STATION, made.id, tariff.id)
        return Line(self, made.id)

    async def token(self, value: str, *, kind: str = "ISO14443", party: str | None = None) -> None:
        """Let a token charge."""
        made = TokenRecord(IdToken(value, kind), TokenStatus.ACCEPTED, party)
        await self.world.journal.commit(Batch(TENANT, puts=(put_token(made, self.world.now_ms()),)))

    async def round(self) -> None:
        """Do what the clock would: look at open charges, integrate the log, bill."""
        await self._open.round()
        await self.parts.keeper.step(LOG_BATCH)
        await self._biller.round()

    async def settle(self) -> None:
        """Let an hour go by in which whatever can be billed is."""
        for _ in range(SETTLING):
            self.clock.follow(self.clock.ms + SETTLE_MS)
            await self.round()

    async def restart(self) -> None:
        """Forget everything that is only in memory."""
        self.world.forget()
        self._silence = None
        self._own = None

    async def look(self) -> None:
        """Look at open charges and at stations that have fallen silent, as the clock would every few seconds."""
        await self._open.round()
        await self.listen()

    async def listen(self) -> None:
        """Look for stations that have fallen silent, as the clock would every ten seconds."""
        if self._silence is None:
            self._silence = await SilenceKeeper.load(self.world)
        if self._own is None:
            self._own = OwnClock(self.world, recorded_ms=await self.parts.keeper.published_ms())
        await self._own.round()
        await self._silence.round()

    async def transactions(self) -> list[Transaction]:
        """Return every transaction."""
        found = every_document(self.world.journal, TENANT, TRANSACTION)
        return [read(document, Transaction) async for document in found]

    async def transaction(self, transaction_id: str) -> Transaction:
        """Return one as it is now, by our id."""
        found = await transaction_by_id(self.world, transaction_id)
        if found is None:
            raise LabError("there is no such transaction", subject=transaction_id)
        return found

    async def newest(self) -> Transaction:
        """Return the transaction that was heard of last."""
        return max(await self.transactions(), key=lambda each: each.recorded_ms)

    async def bill(self, transaction: Transaction) -> Bill | None:
        """Return a transaction's bill, None where it has none."""
        return await bill_in_force(self.world, transaction.id)

    async def bills(self) -> list[Bill]:
        """Return every bill that stands."""
        return [bill for each in await self.transactions() if (bill := await self.bill(each)) is not None]

    async def records(self) -> int:
        """Return how many records there are."""
        found, after = 0, 0
        while page := await self.world.journal.replay(TENANT, after, PAGE):
            found, after = found + len(page), page[-1].position
        return found

    async def alarms(self) -> list[Alarm]:
        """Return every alarm about a device."""
        return [read(d, Alarm) async for d in every_document(self.world.journal, TENANT, ALARM)]

    async def say(self, station: str, version: Version, raw: bytes) -> dict[str, Any] | Refusal | None:
        """Take a frame of a station; returns its answer's payload, why it is refused, or None where it is no call."""
        event = Connection(version).receive(raw, self.clock.now())
        if isinstance(event, Violation):
            return event.refusal
        if not isinstance(event, Call):
            return None
        principal = Principal(TENANT, station, frozenset({"station"}), frozenset({"station"}))
        try:
            answer = await handle(self.world, principal, version, event)
        except StoreError as error:
            raise LabError(f"the journal refused: {error}", subject=station) from error
        if isinstance(answer, Refusal):
            return answer
        told: dict[str, Any] = json.loads(answer) if answer else {}
        return told

    def next_id(self) -> str:
        """Return a message id that was not used."""
        self._calls += 1
        return f"m{self._calls}"


@dataclass(frozen=True, slots=True)
class Told2x:
    """What a 2.x event tells: of which transaction, the register in Wh, when it happened, and whose card began it."""

    transaction: str
    wh: int
    at: float
    card: str = "CARD"


@dataclass(slots=True)
class Line:
    """A station's side of a connection: calls in, answers out; the clock goes on to what a call tells (`minutes`)."""

    clockwork: Clockwork
    station: str
    version: Version = Version.V16

    async def call(
        self, action: str, payload: Mapping[str, Any], minutes: float | None = None, message_id: str | None = None
    ) -> dict[str, Any]:
        """Call and return the answer's payload; `LabError` where it is refused."""
        if minutes is not None:
            self.clockwork.move_to(minutes)
        raw = json.dumps([2, message_id or self.clockwork.next_id(), action, payload]).encode()
        answer = await self.clockwork.say(self.station, self.version, raw)
        if not isinstance(answer, dict):
            raise LabError(f"{action} was refused: {answer}", subject=self.station)
        return answer

    async def start16(self, card: str, wh: int, minutes: float, connector: int = 1) -> int:
        """Begin a charge as OCPP 1.6 tells it and return the transaction's number."""
        told = {"connectorId": connector, "idTag": card, "meterStart": wh, "timestamp": self.clockwork.at(minutes)}
        return int((await self.call("StartTransaction", told, minutes))["transactionId"])

    async def meter16(self, number: int, wh: int, minutes: float, connector: int = 1) -> None:
        """Tell a register on the way."""
        sample = {"value": str(wh), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
        values = [{"timestamp": self.clockwork.at(minutes), "sampledValue": [sample]}]
        told = {"connectorId": connector, "transactionId": number, "meterValue": values}
        await self.call("MeterValues", told, minutes)

    async def event2x(self, kind: str, seq: int, told: Told2x, minutes: float | None = None) -> dict[str, Any]:
        """Tell a 2.x transaction event; it arrives at `minutes`, which is when it happened if nothing else is said."""
        told_at = told.at if minutes is None else minutes
        return await self.call("TransactionEvent", self.payload2x(kind, seq, told), told_at)

    def payload2x(self, kind: str, seq: int, told: Told2x) -> dict[str, Any]:
        """Return the payload of a 2.x transaction event."""
        at = self.clockwork.at(told.at)
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        sample = {"value": told.wh, "context": context, "measurand": "Energy.Active.Import.Register"}
        payload: dict[str, Any] = {
            "eventType": kind,
            "timestamp": at,
            "triggerReason": {"Started": "Authorized", "Ended": "EVDeparted"}.get(kind, "MeterValuePeriodic"),
            "seqNo": seq,
            "transactionInfo": {"transactionId": told.transaction},
            "meterValue": [{"timestamp": at, "sampledValue": [sample]}],
        }
        if kind == "Started":
            payload |= {"idToken": {"idToken": told.card, "type": "ISO14443"}, "evse": {"id": 1, "connectorId": 1}}
        return payload

    async def stop16(self, number: int, wh: int, minutes: float, **more: Any) -> dict[str, Any]:
        """End it."""
        told = {"transactionId": number, "meterStop": wh, "timestamp": self.clockwork.at(minutes), "reason": "Local"}
        return await self.call("StopTransaction", told | more, minutes)


@asynccontextmanager
async def clockwork(folder: Path, settings: Mapping[str, Any]) -> AsyncIterator[Clockwork]:
    """Make one in a new directory."""
    clock = PlayedClock(round(AT.timestamp() * 1000))
    with DataDir.open(folder, ROLE) as directory:
        options = Options(folder, Settings(**settings))
        keys_before_records(directory, options.settings)
        journal = await SqliteJournal.open(directory.prepare_journal())
        try:
            async with ClientSession() as session:
                yield Clockwork(await assemble(options, directory, journal, session, clock), clock)
        finally:
            await journal.close()
