"""What a record says, as far as this system may read it: the input of every projection, live or replayed."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from wattseal.base.errors import InputError
from wattseal.model.ledger import Posting
from wattseal.model.transaction import EvidenceVerdict
from wattseal.model.verdict import Finding, Verdict
from wattseal.seal.fields import Decision, Identity, Meter, Ops, Settlement, read_raw
from wattseal.seal.groups import PLAIN, Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.posting import read_posting
from wattseal.seal.ruling import Ruling

FRAME, NOTES, VERDICTS, PART, MARK = 1, 2, 3, 4, 5
"""Fields of group RAW: the frame as received, and what its recorder observed about it.

A frame longer than `MAX_PART` is kept in parts, each in a record of its own: PART is [number, count], numbers from 0;
the first part's MARK (8 bytes) recognises a retry of the whole.
"""
MAX_PART = 24_000
_MONEY = frozenset({Kind.ACCOUNT, Kind.POSTING, Kind.RULING, Kind.INVOICE, Kind.DISPUTE, Kind.PAYMENT})
_OTHER_OPS = _MONEY | {Kind.SETTLEMENT, Kind.COMMAND, Kind.PERSON, Kind.ERASURE, Kind.ALARM, Kind.WORKS}
"""Kinds of records whose group OPS has fields of its own."""
MAX_NOTES = 32
MAX_DETAIL = 200


class Observed(Struct, frozen=True, gc=False):
    """What the recorder observed about one fact: notes on its content, verdicts on its evidence."""

    notes: tuple[Finding, ...] = ()
    verdicts: tuple[EvidenceVerdict, ...] = ()

    def with_notes(self, *codes: str) -> "Observed":
        """Return the same with further notes."""
        return Observed((*self.notes, *(Finding(code) for code in codes)), self.verdicts)

    def to_fields(self, frame: bytes) -> dict[int, Any]:
        """Return group RAW: the frame and, where there are any, notes and verdicts, cut to what a record holds."""
        fields: dict[int, Any] = {FRAME: frame}
        if self.notes:
            fields[NOTES] = [[n.code, n.field, n.detail[:MAX_DETAIL]] for n in self.notes[:MAX_NOTES]]
        if self.verdicts:
            fields[VERDICTS] = [[v.record, v.format, str(v.verdict), v.reason] for v in self.verdicts]
        return fields

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Observed":
        """Read what `to_fields` wrote; anything else in its place is an `InputError`."""
        try:
            return Observed(
                tuple(Finding(*note) for note in fields.get(NOTES, ())),
                tuple(EvidenceVerdict(r, f, Verdict(v), why) for r, f, v, why in fields.get(VERDICTS, ())),
            )
        except (TypeError, ValueError) as error:
            raise InputError("notes of a record are lists of texts", subject="raw") from error


UNREMARKABLE = Observed()
"""Nothing was observed."""


class Recorded(Struct, frozen=True, gc=False):
    """One record, read. Groups that are closed to the reader or absent are None; `sealed` says the meter is closed.

    `continued`: it only carries on the frame of the record before.
    """

    kind: Kind
    hash: bytes
    origin: str
    stream: int
    ms: int
    subject: bytes | None = None
    refs: tuple[bytes, ...] = ()
    sealed: bool = False
    ops: Ops | None = None
    meter: Meter | None = None
    decision: Decision | None = None
    settlement: Settlement | None = None
    observed: Observed = UNREMARKABLE
    frame: bytes | None = None
    mark: int | None = None
    continued: bool = False
    identity: Identity | None = None
    ruling: Ruling | None = None
    posting: Posting | None = None


def read_item(item: Item, openings: Sequence[Opening] = (), observed: Observed | None = None) -> Recorded:
    """Read an item's plain groups, and the others by the `openings` at hand; a malformed group is an `InputError`.

    `observed` stands in for what the item itself cannot say: the recorder's notes on another's record.
    """
    payload = item.payload
    shown: dict[int, Mapping[int, Any] | None] = {
        opening.gid: Content.decode(opening.content).fields for opening in openings
    }
    for gid in payload.groups:
        if gid not in shown:
            shown[gid] = _content(item, gid)
    ops, meter, raw = shown.get(Group.OPS), shown.get(Group.METER), shown.get(Group.RAW)
    identity = shown.get(Group.IDENTITY)
    kind = Kind(payload.kind)
    if observed is None:
        observed = UNREMARKABLE if raw is None else Observed.read(raw)
    return Recorded(
        kind=kind,
        hash=item.hash,
        origin=payload.origin,
        stream=payload.stream,
        ms=payload.ms,
        subject=payload.subject,
        refs=payload.refs,
        sealed=Group.METER in payload.groups and meter is None,
        ops=None if ops is None or kind in _OTHER_OPS else Ops.read(ops),
        meter=None if meter is None else Meter.read(meter),
        decision=Decision.read(payload.public) if kind is Kind.DECISION else None,
        settlement=Settlement.read(ops) if ops is not None and kind is Kind.SETTLEMENT else None,
        observed=observed,
        frame=None if raw is None or PART in raw else read_raw(raw),
        mark=None if raw is None else _mark(raw),
        continued=raw is not None and PART in raw and MARK not in raw,
        identity=None if identity is None else Identity.read(identity),
        ruling=Ruling.read(ops) if ops is not None and kind is Kind.RULING else None,
        posting=_posting(item, ops) if ops is not None and kind is Kind.POSTING else None,
    )


def _posting(item: Item, ops: Mapping[int, Any]) -> Posting:
    return read_posting(ops, item.payload.subject, item.payload.refs, item.hash)


def _mark(raw: Mapping[int, Any]) -> int | None:
    mark = raw.get(MARK)
    return int.from_bytes(mark) if isinstance(mark, bytes) and len(mark) == 8 else None


def first_part(fields: dict[int, Any], frame: bytes, mark: int) -> dict[int, Any]:
    """Return group RAW with the first part of a long frame."""
    return fields | {FRAME: frame[:MAX_PART], PART: [0, _parts(frame)], MARK: mark.to_bytes(8)}


def further_parts(frame: bytes) -> tuple[dict[int, Any], ...]:
    """Return the groups RAW of what is left of a long frame; none for a frame that fits."""
    count = _parts(frame)
    return tuple({FRAME: frame[n * MAX_PART : (n + 1) * MAX_PART], PART: [n, count]} for n in range(1, count))


def _parts(frame: bytes) -> int:
    return -(-len(frame) // MAX_PART)


def _content(item: Item, gid: int) -> Mapping[int, Any] | None:
    box = item.boxes.get(gid)
    if not isinstance(box, list) or box[0] != PLAIN:
        return None
    opened = open_box(item, gid, None)
    return Content.decode(opened.content).fields if isinstance(opened, Opening) else None
