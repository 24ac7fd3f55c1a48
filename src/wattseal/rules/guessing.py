"""Credentials tried out: so many refused within a time, for one station or from one address, are told once.

Pure bookkeeping: nobody is kept out by it, and a station that knows its password is let in whatever is tried meanwhile.
"""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

WINDOW_MS = 600_000
"""Within ten minutes a station with an old password tries ten times or so: they dial again after a minute and more."""
TRIES = 20
"""More than that. Who keeps below it has three thousand tries a day, against passwords of sixteen characters."""
MAX_REMEMBERED = 10_000
"""Stations, and as many addresses, whose refusals are counted; of more the longest quiet goes."""
_V6_PREFIX = 64
"""What one subscriber has of IPv6 addresses is one address here."""


@dataclass(frozen=True, slots=True)
class Guessing:
    """What is told: `tries` refused within `seconds`; `station_id` is "" where they were for several stations."""

    station_id: str
    remote: str
    tries: int
    seconds: int


@dataclass(slots=True)
class _Count:
    since_ms: int
    last_ms: int
    tries: int = 0
    told: bool = False


class Guesses:
    """Counts refusals by station and by address. One that is told of a station counts for no address as well."""

    def __init__(self) -> None:
        self._stations: OrderedDict[str, _Count] = OrderedDict()
        self._addresses: OrderedDict[str, _Count] = OrderedDict()

    def refused(self, station_id: str, remote: str, now_ms: int, *, enrolled: bool) -> Guessing | None:
        """Count a refusal; return what is to be told now, once as long as it goes on."""
        address = subscriber(remote)
        station = _counted(self._stations, station_id.casefold(), now_ms) if enrolled else None
        if station is not None and _is_due(station):
            self._addresses.pop(address, None)
            return Guessing(station_id, remote, station.tries, (now_ms - station.since_ms) // 1000)
        if station is not None and station.told:
            return None
        among = _counted(self._addresses, address, now_ms)
        if _is_due(among):
            return Guessing("", address, among.tries, (now_ms - among.since_ms) // 1000)
        return None


def subscriber(remote: str) -> str:
    """Return the address, or the network of IPv6, that stands for who tries."""
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return remote
    if address.version == 4:
        return remote
    return str(ipaddress.ip_network((address, _V6_PREFIX), strict=False))


def _counted(counts: OrderedDict[str, _Count], key: str, now_ms: int) -> _Count:
    count = counts.pop(key, None)
    if count is None or now_ms - (count.last_ms if count.told else count.since_ms) > WINDOW_MS:
        count = _Count(now_ms, now_ms)
    count.tries, count.last_ms = count.tries + 1, now_ms
    counts[key] = count
    if len(counts) > MAX_REMEMBERED:
        counts.popitem(last=False)
    return count


def _is_due(count: _Count) -> bool:
    due = count.tries >= TRIES and not count.told
    count.told = count.told or due
    return due
