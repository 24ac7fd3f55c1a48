"""Sites: where stations stand, in whose time zone, on whose ground."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A place with charging stations; OCPI's location.

    `country` is ISO 3166-1 alpha-3, coordinates are decimal degrees as text (OCPI GeoLocation), `time_zone` an IANA
    name. `host` is the key of whoever the ground belongs to and has a share of the revenue. `fallback_a` is what each
    EVSE there falls back to when a limit ends, in amperes of each phase.
    """

    id: str
    name: str
    address: str
    city: str
    country: str
    latitude: str
    longitude: str
    time_zone: str
    postal_code: str | None = None
    state: str | None = None
    host: str | None = None
    fallback_a: Decimal | None = None
