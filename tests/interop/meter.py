"""What the meters of the independent stations sign, and how stations spell it."""

import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tests.support.csms import meter_key

from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build

SERIAL = "METER-1"
START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)


def at(minute: int) -> str:
    """Spell a moment of the charge as OCPP does."""
    return (START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def ocmf(name: str, page: int, *readings: tuple[str, str, int]) -> str:
    """Sign readings `(reason, register in Wh, minute)` in one record, as the meter of the station called `name`."""
    signed = [ReadingToSign(START + timedelta(minutes=m), reason, Decimal(wh)) for reason, wh, m in readings]
    return build(MeterState(SERIAL, page), signed, meter_key(name)).decode()


def sent_key(name: str) -> str:
    """Spell the meter's key as OCPP 2.x and the OCA's application note do."""
    return base64.b64encode(b"oca:base16:asn1:" + meter_key(name).public.spki.hex().encode()).decode()
