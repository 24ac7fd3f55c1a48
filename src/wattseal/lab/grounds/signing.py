"""A 1.6 station whose meter signs: its records, to be shown where and when an attack likes."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from wattseal.app.system import SystemRandom
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.lab.grounds.clockwork import AT, Clockwork, Line
from wattseal.model.station import EvseEnrolment, Station

ENERGY_WH = 12_000


@dataclass(slots=True)
class Signing:
    """A station with its line and its meter; each record turns the meter's page."""

    line: Line
    meter: MeterState
    key: SigningKey

    def sign(self, from_wh: int, begins: float, ends: float) -> bytes:
        """Return a record of begin and end, `ENERGY_WH` apart."""
        readings = [
            ReadingToSign(AT + timedelta(minutes=begins), "B", Decimal(from_wh)),
            ReadingToSign(AT + timedelta(minutes=ends), "E", Decimal(from_wh + ENERGY_WH)),
        ]
        record = build(self.meter, readings, self.key)
        self.meter = self.meter.turned()
        return record

    async def charge(self, from_wh: int, begins: float, ends: float, record: bytes) -> dict[str, Any]:
        """Tell a session with a record in its stop; returns the payload of the stop."""
        cpo = self.line.clockwork
        number = await self.line.start16("CARD", from_wh, begins)
        sample = {"value": record.decode(), "format": "SignedData", "context": "Transaction.End"}
        data = [{"timestamp": cpo.at(ends), "sampledValue": [sample]}]
        stop = {"transactionId": number, "meterStop": from_wh + ENERGY_WH, "timestamp": cpo.at(ends)}
        await self.line.call("StopTransaction", stop | {"transactionData": data}, ends)
        return stop | {"transactionData": data}


async def enrol_signing(cpo: Clockwork, name: str, serial: str) -> Signing:
    """Enrol a station whose EVSE has a meter with a key of its own; its register begins anew with each session."""
    key = SigningKey.from_seed(Algorithm.ESP256, SystemRandom().bytes(32))
    evse = EvseEnrolment(id=1, meter_serial=serial, meter_public_key=key.public.spki, register_per_session=True)
    line = await cpo.enrol(Station(id=name, evses=(evse,)))
    return Signing(line, MeterState(serial, page=1), key)
