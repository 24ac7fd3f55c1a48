"""Who reads what of a record that this CPO passes on."""

from wattseal.seal.item import Group, Kind

_BILLING_PARTY = frozenset({Group.METER, Group.OPS, Group.IDENTITY})
_METERING_ONLY = frozenset({Group.METER, Group.OPS})


def shown_in_bundle(*, billing_party: bool) -> frozenset[Group]:
    """Return the groups of a direct station's records that a bundle opens.

    The driver's eMSP knows its customer and reads identity; anybody else reads what was measured. The raw frame may
    hold whatever a station puts in it, and the load curve tells cars apart: neither is handed out.
    """
    return _BILLING_PARTY if billing_party else _METERING_ONLY


def withheld_from_partners(kind: Kind, group: Group, *, priced: bool, signed: bool) -> bool:
    """Return whether a group of a record that a bundle opens stays closed to the driver's eMSP all the same.

    The registers between start and end draw a curve by which cars are told apart. They are shown only where a price
    depends on them (`priced`), or where the meter's own signature in them is evidence (`signed`).
    """
    return kind is Kind.READING and group is Group.METER and not (priced or signed)
