"""What a CPO believes on its own word: the keys it enrolled itself, good here and nowhere else."""

from collections.abc import Iterable

from wattseal.model.station import Station
from wattseal.seal.registry import Entry, Registry, Role, Use

OWN_VERSION = 0
"""Registry version of entries taken on one's own word: any root-signed one is newer."""


def station_entry(party: str, station: Station) -> Entry | None:
    """Return the entry for a station's own signing key, as this CPO enrolled it."""
    if station.public_key is None:
        return None
    origin = f"{party}/{station.id}"
    return Entry(OWN_VERSION, origin, Role.STATION, party, station.id, station.public_key, Use.SIGN, 0)


def believe(registry: Registry, entries: Iterable[Entry | None]) -> None:
    """Take entries on this CPO's own word, unless the registry already knows the key from a root."""
    for entry in entries:
        if entry is not None and registry.by_kid(entry.kid) is None:
            registry.trust(entry)
