"""Group OPS of ERASURE records (docs/spec/record.md, "Fields"): which boxes of which records were destroyed.

What a recorder itself had noted beside what it destroys (notes, verdicts, never a frame) is stated again, so that
everything that follows from the records still follows. Nobody is named: a record is its payload hash.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from wattseal.seal.dcbor import CborError
from wattseal.seal.groups import Content, Opening
from wattseal.seal.item import Group

RECORDS_A_RECORD = 64
"""Records that one ERASURE record is about, so that it stays small."""
_GROUPS = frozenset(Group)


class Cut(Struct, frozen=True, gc=False):
    """A record by its payload hash, and by group what is stated in place of its box; None where nothing is."""

    record: bytes
    groups: Mapping[int, Mapping[int, Any] | None]

    def openings(self) -> tuple[Opening, ...]:
        """Return what is stated as if it had been opened; it is the word of whoever signed the erasure."""
        return tuple(
            Opening(self.record, gid, b"", Content((), fields).encode())
            for gid, fields in self.groups.items()
            if fields is not None
        )


def to_fields(cuts: Sequence[Cut]) -> dict[int, Any]:
    """Return the group's fields."""
    return {1: [[cut.record, dict(cut.groups)] for cut in cuts]}


def read_cuts(fields: Mapping[int, Any]) -> tuple[Cut, ...]:
    """Read the group's fields; `CborError` where they are none."""
    found = []
    for entry in fields.get(1) or ():
        match entry:
            case [bytes(record), dict(groups)] if (
                len(record) == 32
                and groups.keys() <= _GROUPS
                and all(said is None or type(said) is dict for said in groups.values())
            ):
                found.append(Cut(record, groups))
            case _:
                raise CborError("an erasure names records and their groups", subject="erasure")
    return tuple(found)
