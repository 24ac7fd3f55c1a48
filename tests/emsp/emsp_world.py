"""An eMSP on a real journal, an edge that writes real records, and their log."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from tests.support.charges import CPO, EMSP, LOG, START_MS, Pen, charge, pen, seeded
from tests.support.worlds import (
    EDGE_KEY,
    EMSP_KEY,
    MemoryLog,
    entries,
    tariff,
    tariff_record,
    trust,
)

from wattseal.bundle.build import build_bundle
from wattseal.bundle.cdr import CdrSummary, bounds, price_charge
from wattseal.bundle.format import Bundle
from wattseal.model.provider import Account, Charge
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.books import Books
from wattseal.parties.emsp.desk import Desk, EmspKeys, Terms
from wattseal.parties.emsp.service import Emsp
from wattseal.pricing import Priced
from wattseal.rules.settlement import Contract
from wattseal.seal.fields import Decision, Identity, Ops, Settlement
from wattseal.seal.groups import Content, Opening, open_box, unwrap
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.writer import GroupDraft, Reader, SubjectKeys
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal

TOKEN = IdToken("DRIVER-1", "ISO14443")
CONTRACT = Contract("CPO", LOG)


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.ms = START_MS - 3_500

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.ms / 1000, UTC)


class SeededRandom:
    """Repeatable randomness."""

    def __init__(self, seed: str) -> None:
        self._draw = seeded(seed)

    def bytes(self, n: int) -> bytes:
        return self._draw(n)


@dataclass
class World:
    """An eMSP and a station's edge, with one customer."""

    emsp: Emsp
    clock: SetClock
    journal: SqliteJournal
    desk_pen: Pen = field(default_factory=lambda: pen(stream=0, key=EDGE_KEY, seed="desk"))
    charge_pen: Pen = field(default_factory=lambda: pen(key=EDGE_KEY))
    contract: Contract = CONTRACT

    async def send(self, *items: Item) -> list[Item]:
        answers = await self.emsp.receive_items(self.contract, [item.encode() for item in items])
        return [parse_item(answer) for answer in answers]

    async def customer(self, token: IdToken = TOKEN, limit: str = "100", currency: str = "EUR") -> None:
        account = Account(currency, Decimal(limit))
        await self.emsp.put_customer(token, TokenStatus.ACCEPTED, account)

    def request(
        self, seed: str = "tx", token: IdToken = TOKEN, *, sealed: bool = True, ms: int = START_MS - 4_000
    ) -> Item:
        if self.desk_pen.items == []:
            self.desk_pen.write(Kind.BOOT, START_MS - 5_000)
        readers = (Reader("MSP", EMSP.public),) if sealed else ()
        groups = {
            Group.IDENTITY: GroupDraft(Identity(token.value, token.type).to_fields(), readers),
            Group.OPS: GroupDraft(Ops(route="MSP", evse_id=1, nonce=bytes(16)).to_fields()),
        }
        return self.desk_pen.write(Kind.REQUEST, ms, SubjectKeys.new(seeded(seed)), groups=groups)

    async def authorised(self, seed: str = "tx", token: IdToken = TOKEN) -> tuple[Item, Item]:
        """Send a request; return it with the decision."""
        request = self.request(seed, token)
        (decision,) = await self.send(request)
        return request, decision

    def charged(self, decision: Item, seed: str = "tx", *, readings: int = 3, start_wh: int = 1000) -> list[Item]:
        return charge(self.charge_pen, readings=readings, start_wh=start_wh, refs=(decision.hash,), seed=seed)

    async def billed(self, bundle: Bundle | bytes) -> Settlement:
        data = bundle if isinstance(bundle, bytes) else bundle.encode()
        return read_settlement(parse_item(await self.emsp.receive_bundle(self.contract, data)))

    async def charge_of(self, seed: str = "tx") -> Charge:
        found = await self.emsp.desk.books.charge(subject(seed))
        assert found is not None
        return found

    async def account(self, token: IdToken = TOKEN) -> Account:
        found = await self.emsp.desk.books.customer(token)
        assert found is not None
        return found.account


def subject(seed: str = "tx") -> bytes:
    return SubjectKeys.new(seeded(seed)).subject


def read_settlement(item: Item) -> Settlement:
    """Open a settlement as the CPO does."""
    opened = open_box(item, Group.OPS, unwrap(item, Group.OPS, CPO))
    assert isinstance(opened, Opening)
    return Settlement.read(Content.decode(opened.content).fields)


def read_decision(item: Item) -> Decision:
    return Decision.read(item.payload.public)


def bundled(
    items: Sequence[Item],
    others: Sequence[Item],
    *,
    log: MemoryLog | None = None,
    energy_wh: int | None = 2000,
    parties: Sequence[str] = ("MSP", "DSO"),
    at_s: int | None = None,
) -> Bundle:
    """Log the items and bundle them as the CPO does: sealed boxes as they are, no openings."""
    log = log or MemoryLog([bytes([n]) * 32 for n in range(5)])
    log.add(items)
    signed = log.checkpoint(parties=parties, at_s=at_s)
    return build_bundle(
        items,
        proofs=[log.proof(i, signed) for i in items if i.signature is not None],
        entries=entries(),
        others=others,
        cdr=None if energy_wh is None else summary(items, energy_wh).to_value(),
    )


def summary(items: Sequence[Item], energy_wh: int) -> CdrSummary:
    priced = price_charge(tariff(), bounds(START_MS, START_MS, Decimal(energy_wh)))
    assert isinstance(priced, Priced)
    assert priced.total.after_tax is not None
    return CdrSummary(
        id=(items[0].payload.subject or b"").hex(),
        start_ms=items[0].payload.ms,
        end_ms=items[-1].payload.ms,
        energy_wh=Decimal(energy_wh),
        currency="EUR",
        total_excl_vat=priced.total.before_tax,
        total_incl_vat=priced.total.after_tax,
        tariff=tariff_record().hash,
    )


@asynccontextmanager
async def open_world(
    path: Path, *, contract: Contract = CONTRACT, terms: Terms | None = None, told: bool = True
) -> AsyncIterator[World]:
    """An eMSP that knows the CPO's tariff, unless it was never `told`, and has one customer with 100 EUR."""
    database = path / "emsp.db"
    fresh = not database.exists()
    migrate(f"sqlite:///{database}")
    journal = await SqliteJournal.open(database)
    clock = SetClock()
    books = Books("MSP", journal, clock, SeededRandom(f"emsp {database.stat().st_size}"))
    keys = EmspKeys(EMSP_KEY, EMSP)
    desk = Desk("MSP", keys, terms or Terms(), {"CPO": contract}, books, trust(entries=entries()))
    world = World(Emsp(desk), clock, journal, contract=contract)
    try:
        await world.emsp.start()
        if fresh:
            await world.customer()
            if told:
                await world.send(tariff_record())
        yield world
    finally:
        await journal.close()
