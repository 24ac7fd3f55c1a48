"""OBIS codes of energy registers as meters write them (IEC 62056-6-1; OCMF 1.4, table 25)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from wattseal.evidence.format import Direction

_CODE = re.compile(
    r"([0-9A-F]{1,2})-([0-9A-F]{1,2}):([0-9A-F]{1,2})\.([0-9A-F]{1,2})\.([0-9A-F]{1,2})(?:[.*]([0-9A-F]{1,3}))?",
    re.IGNORECASE | re.ASCII,
)
_CUMULATIVE = 8
_IMPORT = frozenset({0x01, 0x98, 0x9E, 0xB0, 0xB1, 0xB2, 0xB3})
_EXPORT = frozenset({0x02, 0xC0, 0xC1, 0xC2, 0xC3})
_AT_THE_CAR = frozenset({0x98, 0xB1, 0xB3, 0xC1, 0xC3})
"""Registers after loss compensation: energy handed over at the vehicle rather than measured at the mains."""
_PER_TRANSACTION = frozenset({0x98, 0x9E, 0xB2, 0xB3, 0xC2, 0xC3})
"""Registers that may start at zero in each transaction."""


@dataclass(frozen=True, slots=True)
class Register:
    """A parsed code: the energy a register counts, `rate` 0 being the total over all tariff rates (group E)."""

    direction: Direction
    at_the_car: bool
    per_transaction: bool
    rate: int


@lru_cache(maxsize=1024)
def parse_register(code: str) -> Register | None:
    """Return what cumulative active-energy register `code` names, Direction.OTHER for another quantity, else None.

    Groups are hexadecimal in OCMF ("1-b:1.8.0", "01-0B:B1.08.00*FF"); the codes 98.8 and 9E.8 are vendors' import
    registers, the former loss-compensated, known to the market's own verification software.
    """
    match = _CODE.fullmatch(code.strip(" "))
    if match is None:
        return None
    medium, quantity, kind, rate = (int(match.group(i), 16) for i in (1, 3, 4, 5))
    direction = Direction.OTHER
    if medium == 1 and kind == _CUMULATIVE:
        if quantity in _IMPORT:
            direction = Direction.IMPORT
        elif quantity in _EXPORT:
            direction = Direction.EXPORT
    return Register(direction, quantity in _AT_THE_CAR, quantity in _PER_TRANSACTION, rate)
