"""OCMF records as a meter makes them: for the simulated signing meter and the tests, ES256 on secp256r1."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from wattseal.base.errors import InputError
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence.format import Clock
from wattseal.evidence.ocmf_record import CLOCKS

DEFAULT_REGISTER = "01-00:01.08.00*FF"
_CLOCK_LETTERS = {clock: letter for letter, clock in CLOCKS.items()}


@dataclass(frozen=True, slots=True)
class MeterState:
    """A signing meter: who it is and the number of its next page in the transaction context."""

    meter_serial: str
    page: int = 1
    gateway: str = "wattseal simulated meter"
    gateway_serial: str = ""
    meter_vendor: str = "wattseal"
    meter_model: str = "simulated"

    def turned(self) -> "MeterState":
        """Return the meter after it has signed one record."""
        return replace(self, page=self.page + 1)


@dataclass(frozen=True, slots=True)
class ReadingToSign:
    """One reading: `at` aware, `reason` a TX letter ("B", "C", "E", ...), `register_wh` the total register, exact."""

    at: datetime
    reason: str
    register_wh: Decimal
    clock: Clock = Clock.SYNCHRONISED
    status: str = "G"
    register: str = DEFAULT_REGISTER


def build(meter: MeterState, readings: Sequence[ReadingToSign], key: SigningKey, pseudonym: str = "") -> bytes:
    """Return a signed record `OCMF|payload|signature`; the caller turns the meter's page afterwards.

    `pseudonym` is a centrally issued session pseudonym (IT CENTRAL, IL TRUSTED), never a card's UID; "" means nobody is
    assigned. A key other than P-256 is an `InputError`.
    """
    if key.public.algorithm is not Algorithm.ESP256:
        raise InputError("an OCMF meter here signs with P-256", code="bad_key", subject=meter.meter_serial)
    fields: dict[str, object] = {
        "FV": "1.4",
        "GI": meter.gateway,
        "GS": meter.gateway_serial or meter.meter_serial,
        "PG": f"T{meter.page}",
        "MV": meter.meter_vendor,
        "MM": meter.meter_model,
        "MS": meter.meter_serial,
        "IS": bool(pseudonym),
        "IL": "TRUSTED" if pseudonym else "NONE",
        "IF": [],
        "IT": "CENTRAL" if pseudonym else "NONE",
        "ID": pseudonym,
    }
    head = json.dumps(fields, separators=(",", ":"))[:-1]
    payload = f'{head},"RD":[{",".join(map(_reading, readings))}]}}'.encode()
    if b"|" in payload:
        raise InputError("OCMF allows no pipe inside a section", code="pipe", subject=meter.meter_serial)
    rs = key.sign(payload)
    der = encode_dss_signature(int.from_bytes(rs[:32]), int.from_bytes(rs[32:]))
    signature = json.dumps({"SA": "ECDSA-secp256r1-SHA256", "SD": der.hex()}, separators=(",", ":"))
    return b"OCMF|" + payload + b"|" + signature.encode()


def _reading(reading: ReadingToSign) -> str:
    """Return one RD element; RV is written from the Decimal itself, with its zeros."""
    time = (
        reading.at.strftime("%Y-%m-%dT%H:%M:%S,") + f"{reading.at.microsecond // 1000:03d}" + reading.at.strftime("%z")
    )
    before = json.dumps({"TM": f"{time} {_CLOCK_LETTERS[reading.clock]}", "TX": reading.reason}, separators=(",", ":"))
    after = json.dumps({"RI": reading.register, "RU": "Wh", "EF": "", "ST": reading.status}, separators=(",", ":"))
    return f'{before[:-1]},"RV":{reading.register_wh:f},{after[1:]}'
