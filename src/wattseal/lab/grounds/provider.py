"""An eMSP on a real journal, with one customer and no sockets; the CPO it deals with is one on paper."""

import json
from base64 import b32encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from wattseal.app.system import SystemRandom
from wattseal.bundle.format import Bundle
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.paper import AT_MS, LOG, Authorised, Paper
from wattseal.lab.month.tariffs import STANDARD
from wattseal.lab.played_clock import PlayedClock
from wattseal.model.provider import Account, Charge
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.books import Books
from wattseal.parties.emsp.desk import Desk, EmspKeys, Terms
from wattseal.parties.emsp.service import Emsp
from wattseal.rules.settlement import Contract
from wattseal.seal.fields import Decision, Settlement, SettlementVerdict
from wattseal.seal.groups import Content, Opening, open_box, unwrap
from wattseal.seal.item import Group, Item, parse_item
from wattseal.stores.migrate import migrate
from wattseal.stores.sqlite import SqliteJournal
from wattseal.wire.ocpi.v2_2_1.cdrs import decode_cdr

DRIVER = IdToken("DRIVER-1", "ISO14443")
LIMIT = Decimal(100_000)
CONTRACT = Contract("CPO", LOG)
_CDR: dict[str, Any] = {
    "country_code": STANDARD.country_code,
    "party_id": STANDARD.party_id,
    "cdr_token": {"country_code": "ZZ", "party_id": "MSP", "uid": "x", "type": "OTHER", "contract_id": "x"},
    "auth_method": "AUTH_REQUEST",
    "cdr_location": {
        "id": "ST1",
        "address": "not stated",
        "city": "not stated",
        "country": "ZZZ",
        "coordinates": {"latitude": "0.0", "longitude": "0.0"},
        "evse_uid": "1",
        "evse_id": "1",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    },
    "currency": STANDARD.currency,
    "total_time": 0.5,
}


@dataclass(slots=True)
class Provider:
    """The eMSP with its clock; `paper` is the CPO, whose tariff it knows as `tariff`."""

    emsp: Emsp
    clock: PlayedClock
    paper: Paper
    tariff: Item

    async def authorised(self, *, begin_ms: int = AT_MS) -> Authorised:
        """Ask for the driver, as the station's CSMS does, and return what the eMSP decided."""
        self.clock.follow(begin_ms - 3500)
        request, subject = self.paper.request(begin_ms=begin_ms)
        (answer,) = await self.emsp.receive_items(CONTRACT, [request.encode()])
        decision = parse_item(answer)
        if Decision.read(decision.payload.public).status is not TokenStatus.ACCEPTED:
            raise LabError("the eMSP refuses its own customer", subject=DRIVER.value)
        return Authorised(request, decision, self.tariff, STANDARD, subject)

    async def settled(self, bundle: Bundle | bytes) -> Settlement:
        """Ask for a bundle to be paid."""
        data = bundle if isinstance(bundle, bytes) else bundle.encode()
        item = parse_item(await self.emsp.receive_bundle(CONTRACT, data))
        opened = open_box(item, Group.OPS, unwrap(item, Group.OPS, self.paper.keys.csms_seal))
        if not isinstance(opened, Opening):
            raise LabError("the CPO cannot read the settlement", subject=str(opened))
        return Settlement.read(Content.decode(opened.content).fields)

    def cdr(self, granted: Authorised, number: str, **changes: Any) -> bytes:
        """Return an OCPI CDR for a session, as JSON; the amounts are among the `changes`."""
        return cdr_json(Decision.read(granted.decision.payload.public).auth_id, number, **changes)

    async def sent(self, raw: bytes, contract: Contract = CONTRACT) -> None:
        """Send a CDR as the partner whose token leads to `contract`; `InputError` where it is refused."""
        await self.emsp.receive_cdr(contract, decode_cdr(raw), raw)

    async def charge(self, subject: bytes) -> Charge | None:
        """Return what the eMSP knows of a session."""
        return await self.emsp.desk.books.charge(subject)

    async def paid(self) -> Decimal:
        """Return what the customer has been charged."""
        found = await self.emsp.desk.books.customer(DRIVER)
        if found is None:
            raise LabError("the customer is gone", subject=DRIVER.value)
        return found.account.captured


def cdr_json(auth_id: bytes, number: str, **changes: Any) -> bytes:
    """Return an OCPI 2.2.1 CDR with all it must have but its amounts, which are among the `changes`."""
    at = datetime.fromtimestamp(AT_MS / 1000, UTC).isoformat().replace("+00:00", "Z")
    told = _CDR | {"id": number, "start_date_time": at, "end_date_time": at, "last_updated": at}
    period = {"start_date_time": at, "dimensions": [{"type": "ENERGY", "volume": 1.0}]}
    told |= {"charging_periods": [period], "authorization_reference": b32encode(auth_id).decode().rstrip("=")}
    return json.dumps(told | changes).encode()


def said(settlement: Settlement) -> str:
    """Return a settlement in words."""
    if settlement.verdict is SettlementVerdict.ACCEPTED:
        return f"accepted, {settlement.energy_wh} Wh for {settlement.total_incl_vat} {settlement.currency}"
    return f"disputed at step {settlement.step}, {settlement.reason}"


def _database(folder: Path) -> Path:
    folder.mkdir(parents=True)
    file = folder / "emsp.sqlite3"
    migrate(f"sqlite:///{file}")
    return file


@asynccontextmanager
async def provider(folder: Path) -> AsyncIterator[Provider]:
    """Make one in a new directory."""
    journal = await SqliteJournal.open(_database(folder))
    try:
        paper, clock = Paper(), PlayedClock(AT_MS - 3_600_000)
        books = Books("MSP", journal, clock, SystemRandom())
        keys = EmspKeys(paper.keys.emsp, paper.keys.emsp_seal)
        trust = replace(paper.trust, entries=paper.entries)
        emsp = Emsp(Desk("MSP", keys, Terms(), {"CPO": CONTRACT}, books, trust))
        await emsp.start()
        await emsp.put_customer(DRIVER, TokenStatus.ACCEPTED, Account(STANDARD.currency, LIMIT))
        tariff = paper.tariff()
        await emsp.receive_items(CONTRACT, [tariff.encode()])
        yield Provider(emsp, clock, paper, tariff)
    finally:
        await journal.close()
