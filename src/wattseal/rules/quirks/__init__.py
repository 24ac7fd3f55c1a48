"""What is known of models that depart from the standard: one file a vendor.

A quirk changes how a station is asked, or keeps a session from being billed. It never changes what a station said.
"""

from functools import lru_cache

from wattseal.rules.quirks import evbox, openevse, phoenix_contact
from wattseal.rules.quirks.quirk import Effect, Quirk

QUIRKS: tuple[Quirk, ...] = (*evbox.QUIRKS, *openevse.QUIRKS, *phoenix_contact.QUIRKS)


@lru_cache(maxsize=1024)
def quirks_of(vendor: str | None, model: str | None, firmware: str | None) -> tuple[Quirk, ...]:
    """Return the quirks of a station that says this of itself."""
    return tuple(quirk for quirk in QUIRKS if quirk.is_of(vendor, model, firmware))


def effects_of(vendor: str | None, model: str | None, firmware: str | None) -> frozenset[Effect]:
    """Return what is done about the quirks of such a station."""
    return frozenset(quirk.effect for quirk in quirks_of(vendor, model, firmware))
