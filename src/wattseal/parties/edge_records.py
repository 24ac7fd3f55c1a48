"""What an edge writes into records: the content of a station's messages, group by group, each with its readers."""

from collections.abc import Iterable
from decimal import Decimal

from wattseal.model.metering import ENERGY_IMPORT_REGISTER, Reading, energy_register_wh
from wattseal.model.token import IdToken
from wattseal.parties.edge_state import Site, Stream
from wattseal.seal.fields import Identity, Load, Meter, Ops, Sample, raw_to_fields
from wattseal.seal.item import Group
from wattseal.seal.writer import GroupDraft

Groups = dict[Group, GroupDraft]


def identity_group(site: Site, token: IdToken) -> Groups:
    """Tell the driver's token to the party that decides on it."""
    return {Group.IDENTITY: GroupDraft(Identity(token.value, token.type).to_fields(), site.readers.identity)}


def ops_group(ops: Ops) -> Groups:
    """Tell what running the station needs: open to the operator, who forwards it."""
    return {Group.OPS: GroupDraft(ops.to_fields())}


def meter_groups(
    site: Site, readings: tuple[Reading, ...], register_wh: Decimal | None, neighbour: Stream | None = None
) -> Groups:
    """Tell the energy register with what the meter itself signed, and the load.

    `register_wh` is a register stated outside of `readings` (1.6 start and stop). `neighbour` is the chain at a start:
    its last end goes in, so that energy drawn between two sessions shows.
    """
    register = energy_register_wh(readings) if register_wh is None else register_wh
    groups: Groups = {}
    if register is not None:
        last = neighbour.last_register_wh if neighbour is not None else None
        meter = Meter(
            register_wh=register,
            unaccounted_wh=None if last is None else register - last,
            prev_end=neighbour.prev_end if neighbour is not None else None,
            evidence=tuple((r.evidence.format, r.evidence.data) for r in readings if r.evidence is not None),
        )
        groups[Group.METER] = GroupDraft(meter.to_fields(), site.readers.meter)
    samples = tuple(_samples(readings))
    if samples:
        groups[Group.LOAD] = GroupDraft(Load(samples).to_fields(), site.readers.meter)
    return groups


def _samples(readings: tuple[Reading, ...]) -> Iterable[Sample]:
    for reading in readings:
        total = reading.measurand == ENERGY_IMPORT_REGISTER and reading.phase is None
        if reading.value is not None and not total:
            yield Sample(reading.measurand, reading.value, reading.unit, reading.phase)


def raw_group(site: Site, frame: bytes, *, tells_token: bool) -> Groups:
    """Keep the frame as received for those who may read all it tells; left out where nobody may."""
    readers = site.readers.both if tells_token else site.readers.meter
    if site.readers.meter and not readers:
        return {}
    return {Group.RAW: GroupDraft(raw_to_fields(frame), readers)}
