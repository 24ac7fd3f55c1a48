"""What persons decided on disputes, as their records have it."""

from dataclasses import dataclass, field

from wattseal.base.errors import InputError
from wattseal.model.verdict import Finding
from wattseal.seal.dispute import DisputeDecided, read_dispute
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind


@dataclass(slots=True)
class RecordedDisputes:
    """The decisions that take a bill back, by session (hex) and by the id of the credit CDR they name."""

    origin: str
    credits: dict[str, dict[str, DisputeDecided]] = field(default_factory=dict)

    def take(self, item: Item, where: str) -> Finding | None:
        """Take in a record, if it decides a dispute here; return what is wrong with it."""
        if item.payload.kind != Kind.DISPUTE or item.payload.origin != self.origin:
            return None
        opened = open_box(item, int(Group.OPS), None) if Group.OPS in item.boxes else None
        try:
            said = read_dispute(Content.decode(opened.content).fields) if isinstance(opened, Opening) else None
        except InputError as error:
            return Finding("content_unreadable", where, f"{error.code} {error.subject}")
        if said is None:
            return Finding("content_unreadable", where, "the dispute is not shown")
        if item.signature is None:
            return Finding("dispute_unsigned", where, "a decision is signed, or it is none")
        if isinstance(said, DisputeDecided) and said.credit is not None and item.payload.subject is not None:
            self.credits.setdefault(item.payload.subject.hex(), {})[said.credit] = said
        return None
