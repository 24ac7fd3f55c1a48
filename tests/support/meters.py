"""A signing meter and its records, for tests."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build

METER_KEY = SigningKey.from_seed(Algorithm.ESP256, b"m" * 32)
METER_SPKI = METER_KEY.public.spki
METER = MeterState("METER-1", page=28)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def reading(reason: str, register_wh: str, minutes: int = 0) -> ReadingToSign:
    return ReadingToSign(NOON + timedelta(minutes=minutes), reason, Decimal(register_wh))


def transaction(meter: MeterState = METER, begin_wh: str = "1000.0", end_wh: str = "13345.6") -> bytes:
    """Begin and end in one record."""
    return build(meter, [reading("B", begin_wh), reading("E", end_wh, 30)], METER_KEY, "k5zq7")


def single(meter: MeterState, reason: str, register_wh: str, minutes: int = 0) -> bytes:
    """One reading in one record."""
    return build(meter, [reading(reason, register_wh, minutes)], METER_KEY, "k5zq7")
