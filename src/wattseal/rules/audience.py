"""Who reads what, as data, in one place: docs/reference/readers.md shows it, and a test tries every key."""

from collections.abc import Mapping
from enum import StrEnum

from wattseal.seal.item import Group, Kind
from wattseal.seal.registry import Role


class Party(StrEnum):
    """Somebody who may come to hold a record, by what they are to the session it is of."""

    OPERATOR = "operator"
    EMSP = "driver's eMSP"
    ARBITER = "arbiter"
    OTHER_EMSP = "another eMSP"
    GRID = "grid operator"
    VENDOR = "vendor"
    WITNESS = "witness"
    STRANGER = "whoever is shown it"


class Content(StrEnum):
    """What a record can hold."""

    IDENTITY = "identity"
    METER = "meter"
    LOAD = "load"
    OPS = "ops"
    RAW = "raw"
    SETTLEMENT = "ops of a settlement"


FIELDS: Mapping[Content, tuple[str, ...]] = {
    Content.IDENTITY: ("id_token", "type"),
    Content.METER: ("register", "register kind", "unaccounted energy", "end before", "the meter's signed data"),
    Content.LOAD: ("power, current, voltage",),
    Content.OPS: ("transaction id", "connector", "EVSE", "reason", "trigger", "OCPP seqNo", "the station's time"),
    Content.RAW: ("frame", "notes", "verdicts"),
    Content.SETTLEMENT: ("verdict", "energy", "currency", "total", "grade"),
}
"""The fields of each: a group is opened as a whole, so what is said of it is said of each of its fields."""

_ALL = frozenset(Party)
_ENERGY = frozenset({Party.EMSP, Party.ARBITER})
SEALED: Mapping[Content, frozenset[Party]] = {
    Content.IDENTITY: frozenset({Party.EMSP}),
    Content.METER: _ENERGY,
    Content.LOAD: _ENERGY,
    Content.OPS: _ALL,
    Content.RAW: frozenset({Party.EMSP}),
    Content.SETTLEMENT: frozenset({Party.OPERATOR}),
}
"""Records of a station behind an edge that seals for its eMSP and an arbiter: who can read what with a key of theirs.

*ops* is open to whoever holds the record, for the operator runs the station by it. A settlement is the eMSP's own.
"""
OPENED: Mapping[Content, frozenset[Party]] = {
    Content.IDENTITY: frozenset({Party.OPERATOR, Party.EMSP}),
    Content.METER: frozenset({Party.OPERATOR, Party.EMSP, Party.STRANGER}),
    Content.LOAD: frozenset({Party.OPERATOR}),
    Content.OPS: frozenset({Party.OPERATOR, Party.EMSP, Party.STRANGER}),
    Content.RAW: frozenset({Party.OPERATOR}),
    Content.SETTLEMENT: frozenset({Party.OPERATOR, Party.EMSP}),
}
"""Records of a station that no edge seals for: the operator hears them, and its bundles open this much of them.

The driver's eMSP knows its customer and reads identity; anybody else reads what was measured. The raw frame may hold
whatever a station puts in it, and the load curve tells cars apart: neither is handed out.
"""
_GROUPS = {
    Group.IDENTITY: Content.IDENTITY,
    Group.METER: Content.METER,
    Group.LOAD: Content.LOAD,
    Group.OPS: Content.OPS,
    Group.RAW: Content.RAW,
}
SEALED_FOR: Mapping[Group, frozenset[Role]] = {
    Group.IDENTITY: frozenset({Role.EMSP}),
    Group.METER: frozenset({Role.EMSP, Role.ARBITER, Role.CSMS}),
}
"""Roles for whom an edge may be told to seal: energy for an operator too, if the site's owner wants that."""


def shown_in_bundle(*, billing_party: bool) -> frozenset[Group]:
    """Return the groups of a direct station's records that a bundle opens for the driver's eMSP, or for anybody."""
    reader = Party.EMSP if billing_party else Party.STRANGER
    return frozenset(group for group, content in _GROUPS.items() if reader in OPENED[content])


def withheld_from_partners(kind: Kind, group: Group, *, priced: bool, signed: bool) -> bool:
    """Return whether a group of a record that a bundle opens stays closed to the driver's eMSP all the same.

    The registers between start and end draw a curve by which cars are told apart. They are shown only where a price
    depends on them (`priced`), or where the meter's own signature in them is evidence (`signed`).
    """
    return kind is Kind.READING and group is Group.METER and not (priced or signed)
