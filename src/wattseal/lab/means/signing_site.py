"""A station of OCPP 1.6 in the clockwork whose meter signs its sessions, and what somebody makes of its records."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

from wattseal.app.system import SystemRandom
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import AT, Clockwork, Line
from wattseal.model.billing import Bill
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import EvidencePin, Grade, Source

METER_PIN = EvidencePin(Grade.G2, Source.METER)
CARD = "CARD"
LASTS_MIN, APART_MIN = 30, 60


def fresh_key() -> SigningKey:
    """Return a P-256 key: always a fresh one, no seed makes it."""
    return SigningKey.from_seed(Algorithm.ESP256, SystemRandom().bytes(32))


@dataclass(slots=True)
class Told:
    """A session as the CSMS has it, and its bill where there is one."""

    transaction: Transaction
    bill: Bill | None

    @property
    def codes(self) -> str:
        """What was noted of it."""
        notes = (*self.transaction.findings, *self.transaction.alarms)
        return ", ".join(dict.fromkeys(note.code for note in notes)) or "nothing noted"


@dataclass(slots=True)
class SigningSite:
    """The station's side; the register and the clock go on with every session."""

    cpo: Clockwork
    line: Line
    meter: MeterState
    key: SigningKey
    register_wh: int = 1000
    minute: float = 0
    card: str = CARD
    _known: set[str] = field(default_factory=set)

    def record(self, start_wh: int, end_wh: int, begin: float, key: SigningKey | None = None) -> bytes:
        """Return the meter's record of a session's begin and end, and turn its page; another `key` is no meter's."""
        readings = [
            ReadingToSign(AT + timedelta(minutes=begin), "B", Decimal(start_wh)),
            ReadingToSign(AT + timedelta(minutes=begin + LASTS_MIN), "E", Decimal(end_wh)),
        ]
        made = build(self.meter, readings, key or self.key)
        self.meter = self.meter.turned()
        return made

    async def charge(
        self, energy_wh: int, *, told_wh: int | None = None, spoil: Callable[[bytes], bytes | None] = lambda raw: raw
    ) -> Told:
        """Charge; the stop tells `told_wh` in place of the energy, and what `spoil` leaves of the meter's record."""
        begin, start_wh = self.minute, self.register_wh
        self.register_wh += energy_wh
        self.minute += APART_MIN
        record = spoil(self.record(start_wh, self.register_wh, begin))
        number = await self.line.start16(self.card, start_wh, begin)
        more = {} if record is None else {"transactionData": [self._signed(record, begin + LASTS_MIN)]}
        end_wh = start_wh + (energy_wh if told_wh is None else told_wh)
        await self.line.stop16(number, end_wh, begin + LASTS_MIN, **more)
        return await self.newest()

    def _signed(self, record: bytes, minutes: float) -> dict[str, object]:
        sample = {"value": base64.b64encode(record).decode(), "format": "SignedData", "context": "Transaction.End"}
        return {"timestamp": self.cpo.at(minutes), "sampledValue": [sample]}

    async def newest(self) -> Told:
        """Return the session that was told last, after a round of billing."""
        await self.cpo.round()
        fresh = [
            t for t in await self.cpo.transactions() if t.id not in self._known and t.station_id == self.line.station
        ]
        if len(fresh) != 1:
            raise LabError(f"{len(fresh)} new sessions where one was told", subject=self.line.station)
        self._known.add(fresh[0].id)
        return Told(fresh[0], await self.cpo.bill(fresh[0]))


async def signing_site(cpo: Clockwork, station: str, pin: EvidencePin = METER_PIN, *, card: bool = True) -> SigningSite:
    """Enrol a station with a signing meter of its own and let a card charge there."""
    key = fresh_key()
    meter = MeterState(f"MTR-{station}")
    evse = EvseEnrolment(id=1, meter_serial=meter.meter_serial, meter_public_key=key.public.spki)
    line = await cpo.enrol(Station(id=station, pin=pin, evses=(evse,)))
    if card:
        await cpo.token(CARD)
    return SigningSite(cpo, line, meter, key)
