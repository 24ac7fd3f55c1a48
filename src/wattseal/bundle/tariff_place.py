"""Where a tariff applies, inside a TARIFF record's public field 2 (docs/spec/bundle.md, "Where a tariff applies")."""

from typing import Any

from wattseal.model.tariff_place import PRIVATE, Level, TariffPlace
from wattseal.seal.dcbor import CborError

_NUMBERS = {Level.CPO: 1, Level.SITE: 2, Level.STATION: 3, Level.GROUP: 4, Level.TOKEN: 5}
_LEVELS = {number: level for level, number in _NUMBERS.items()}
MAX_STATIONS = 2000
"""Stations of one site in a record."""


def place_to_value(place: TariffPlace) -> dict[int, Any]:
    """Return the place's map; the names of private levels stay out of it."""
    value: dict[int, Any] = {1: _NUMBERS[place.level]}
    if place.level not in PRIVATE | {Level.CPO}:
        value[2] = place.name
    if place.tariff_id is not None:
        value[3] = place.tariff_id
    if place.level is Level.SITE:
        value[4] = list(place.stations)
    return value


def place_from_value(value: Any) -> TariffPlace:
    """Read a place's map; `CborError` where it is none."""
    match value:
        case {1: int(number)} if type(number) is int and number in _LEVELS and value.keys() <= {1, 2, 3, 4}:
            level, name, tariff_id, stations = _LEVELS[number], value.get(2, ""), value.get(3), value.get(4, [])
            named = bool(name) == (level in {Level.SITE, Level.STATION})
            listed = type(stations) is list and len(stations) <= MAX_STATIONS and all(type(s) is str for s in stations)
            if type(name) is str and named and listed and (tariff_id is None or type(tariff_id) is str):
                return TariffPlace(level, name, tariff_id, tuple(stations))
    raise CborError("a place is {1: level, ? 2: name, ? 3: tariff id, ? 4: stations}", subject="place")
