"""What a quirk is: a way in which some model departs from the standard, and what is done about it here."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Effect(StrEnum):
    """What is done about a quirk; each is carried out in one place of the flow."""

    NAME_AN_EVSE = "name_an_evse"
    """A remote start always names an EVSE."""
    NO_STATION_MAX_PROFILE = "no_station_max_profile"
    """A limit for the station is sent as the default profile of its only EVSE."""
    REGISTER_UNIT_DOUBTFUL = "register_unit_doubtful"
    """Sessions without a meter's signature are kept from being billed: the register's unit is not what it says."""


@dataclass(frozen=True, slots=True)
class Quirk:
    """One departure. `vendor`, `model` and `firmware` are regular expressions over the whole text, whatever its case.

    `why` tells what happens otherwise, `source` where it was reported.
    """

    effect: Effect
    vendor: str
    why: str
    source: str
    model: str = ".*"
    firmware: str = ".*"

    def is_of(self, vendor: str | None, model: str | None, firmware: str | None) -> bool:
        """Return whether a station that says this of itself has the quirk."""
        pairs = ((self.vendor, vendor), (self.model, model), (self.firmware, firmware))
        return all(re.fullmatch(pattern, text or "", re.IGNORECASE | re.DOTALL) for pattern, text in pairs)
