"""What an edge writes into records: the content of a station's messages, group by group, each with its readers."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from wattseal.evidence.format import Moment
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, Reading, energy_register_wh
from wattseal.model.token import IdToken
from wattseal.parties.edge.state import Site, Stream
from wattseal.rules.metered import examine, reconcile
from wattseal.seal.card import CardProof
from wattseal.seal.fields import Identity, Load, Meter, Ops, Sample, raw_to_fields
from wattseal.seal.item import Group
from wattseal.seal.writer import GroupDraft

Groups = dict[Group, GroupDraft]
MAX_RAW_BYTES = 16 * 1024
"""A longer frame is not kept as such, lest its record outgrow what records may be (64 KiB)."""
MAX_SAMPLES = 256
MAX_EVIDENCE_BYTES = 20 * 1024
"""Of longer evidence only the first and the last piece are kept: begin and end."""


def identity_group(site: Site, token: IdToken, proof: CardProof | None = None) -> Groups:
    """Tell the driver's token, and its card's proof, to the party that decides on it."""
    identity = Identity(token.value, token.type, None if proof is None else proof.shown())
    return {Group.IDENTITY: GroupDraft(identity.to_fields(), site.readers.identity)}


def ops_group(ops: Ops) -> Groups:
    """Tell what running the station needs: open to the operator, who forwards it."""
    return {Group.OPS: GroupDraft(ops.to_fields())}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a message says of energy: the register, exact where an enrolled meter signed it, and what was signed."""

    register_wh: Decimal | None
    evidence: tuple[tuple[str, bytes], ...]


def measure(site: Site, readings: tuple[Reading, ...], register_wh: Decimal | None, moment: Moment | None) -> Measured:
    """Return what a message says of energy; `register_wh` is stated outside of `readings` (1.6 start and stop).

    A value signed by a meter enrolled for the station completes a plain one that is rounded; where the two differ the
    plain one stands beside the evidence, for the readers to judge.
    """
    plain_wh = energy_register_wh(readings) if register_wh is None else register_wh
    looked = [examine(readings, "", moment, entry.spki, entry.meter_id) for entry in site.registry.meters(site.origin)]
    unknown = examine(readings, "", moment, None, None)
    found = next((metered for metered in looked if metered.valid), unknown)
    return Measured(reconcile(plain_wh, found)[0], _bounded(found.evidence))


def _bounded(evidence: tuple[tuple[str, bytes], ...]) -> tuple[tuple[str, bytes], ...]:
    for kept in (evidence, (evidence[0], evidence[-1]) if evidence else ()):
        if sum(len(data) for _, data in kept) <= MAX_EVIDENCE_BYTES:
            return kept
    return ()


def meter_groups(
    site: Site, measured: Measured, readings: tuple[Reading, ...], neighbour: Stream | None = None
) -> Groups:
    """Tell the energy register with what the meter itself signed, and the load.

    `neighbour` is the chain at a start: its last end goes in, so that energy drawn between two sessions shows. A start
    tells the load even where there is none: it hands out the secret by which later ones are read.
    """
    groups: Groups = {}
    if measured.register_wh is not None:
        last = neighbour.last_register_wh if neighbour is not None else None
        meter = Meter(
            register_wh=measured.register_wh,
            unaccounted_wh=None if last is None else measured.register_wh - last,
            prev_end=neighbour.prev_end if neighbour is not None else None,
            evidence=measured.evidence,
        )
        groups[Group.METER] = GroupDraft(meter.to_fields(), site.readers.meter)
    samples = tuple(_samples(readings))[-MAX_SAMPLES:]
    if samples or (neighbour is not None and site.readers.meter):
        groups[Group.LOAD] = GroupDraft(Load(samples).to_fields(), site.readers.meter)
    return groups


def _samples(readings: tuple[Reading, ...]) -> Iterable[Sample]:
    for reading in readings:
        total = reading.measurand == ENERGY_IMPORT_REGISTER and reading.phase is None
        if reading.value is not None and not total:
            yield Sample(reading.measurand, reading.value, reading.unit, reading.phase)


def raw_group(site: Site, frame: bytes) -> Groups:
    """Keep the frame as received for those who may read all that frames of a charge tell; left out where nobody may.

    All frames of a charge are under one secret: whoever could read those that do not tell the card could read all.
    """
    readers = site.readers.both
    if len(frame) > MAX_RAW_BYTES or (site.readers.meter and not readers):
        return {}
    return {Group.RAW: GroupDraft(raw_to_fields(frame), readers)}
