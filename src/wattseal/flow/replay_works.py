"""Announced works re-proved: what counts follows from their signed records, and from nothing else."""

from dataclasses import dataclass, field

from wattseal.base.errors import InputError
from wattseal.flow.fleet.maintenance import Works, said_in
from wattseal.model.verdict import Finding
from wattseal.seal.item import Item, Kind
from wattseal.seal.works import WorksEvent


@dataclass(slots=True)
class RecordedWorks:
    """What the records say: the works that count."""

    origin: str
    works: Works = field(default_factory=Works)

    def take(self, item: Item, where: str) -> Finding | None:
        """Take in a record, if it is about works here; return what is wrong with it."""
        if item.payload.kind != Kind.WORKS or item.payload.origin != self.origin:
            return None
        try:
            said = said_in(item)
        except InputError as error:
            return Finding("content_unreadable", where, f"{error.code} {error.subject}")
        if said is None:
            return Finding("content_unreadable", where, "what works are meant is not shown")
        before = self.works.windows.get(said.key)
        self.works.take(said, item.hash.hex())
        due = [] if before is None else [before.record]
        if [ref.hex() for ref in item.payload.refs] != due:
            return Finding("works_record_differs", where, "it does not refer to the record before")
        if (said.event is WorksEvent.ANNOUNCED) is not (before is None):
            return Finding("works_record_differs", where, "what was not announced is ended, or announced twice")
        return None
