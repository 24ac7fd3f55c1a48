"""Statements as a CPO makes them, to be changed."""

from dataclasses import replace
from typing import Any

from wattseal.log.alive import Alive
from wattseal.log.keys import SignatureType, SigningKey
from wattseal.model.alarm import Severity

KEY = SigningKey("CPO/log", SignatureType.ED25519, b"\x01" * 32)
OTHER = SigningKey("CPO/log", SignatureType.ED25519, b"\x02" * 32)
TOLD = Alive(
    origin="CPO/log",
    at_ms=1_800_000_000_000,
    every_ms=15_000,
    size=64,
    root=b"\x05" * 32,
    standing={Severity.CRITICAL: 1, Severity.WARNING: 2, Severity.NOTICE: 0},
    opened=6,
    closed=2,
    cleared=1,
    restored=0,
    chain=(11, "ab" * 32),
)


def told(**changes: Any) -> Alive:
    return replace(TOLD, **changes)
