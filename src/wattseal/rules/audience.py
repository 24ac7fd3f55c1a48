"""Who reads what of a record that this CPO passes on."""

from wattseal.seal.item import Group

_BILLING_PARTY = frozenset({Group.METER, Group.OPS, Group.IDENTITY})
_METERING_ONLY = frozenset({Group.METER, Group.OPS})


def shown_in_bundle(*, billing_party: bool) -> frozenset[Group]:
    """Return the groups of a direct station's records that a bundle opens.

    The driver's eMSP knows its customer and reads identity; anybody else reads what was measured. The raw frame may
    hold whatever a station puts in it, and the load curve tells cars apart: neither is handed out.
    """
    return _BILLING_PARTY if billing_party else _METERING_ONLY
