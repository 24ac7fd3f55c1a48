"""People re-proved: nobody may more than the signed records about them say."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.documents import every_document, read
from wattseal.flow.people.register import PERSON
from wattseal.flow.ports import Journal
from wattseal.model.person import Person
from wattseal.model.verdict import Finding
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.person import PersonSaid

_SAID = ("roles", "status", "party")


@dataclass(slots=True)
class RecordedPeople:
    """What the records say: by person the latest rights, and the hash of the record that gives them."""

    origin: str
    people: dict[str, tuple[PersonSaid, str]] = field(default_factory=dict)

    def take(self, item: Item, where: str) -> Finding | None:
        """Take in a record, if it is about a person here; return what is wrong with it."""
        if item.payload.kind != Kind.PERSON or item.payload.origin != self.origin:
            return None
        opened = open_box(item, int(Group.OPS), None) if Group.OPS in item.boxes else None
        try:
            said = PersonSaid.read(Content.decode(opened.content).fields) if isinstance(opened, Opening) else None
        except InputError as error:
            return Finding("content_unreadable", where, f"{error.code} {error.subject}")
        if said is None:
            return Finding("content_unreadable", where, "the person's rights are not shown")
        if item.signature is None:
            return Finding("person_unsigned", where, "rights are signed for, or they are none")
        before = self.people.get(said.person)
        self.people[said.person] = (said, item.hash.hex())
        named = [ref.hex() for ref in item.payload.refs]
        if named != ([] if before is None else [before[1]]):
            return Finding("person_record_differs", where, "it does not refer to the record before")
        return None


async def compare_people(journal: Journal, tenant: TenantId, recorded: RecordedPeople) -> tuple[Finding, ...]:
    """Compare every person with the latest record about them."""
    found: list[Finding] = []
    due = dict(recorded.people)
    async for document in every_document(journal, tenant, PERSON):
        try:
            person = read(document, Person)
        except StoreError as error:
            found.append(Finding("person_unreadable", f"person {document.key}", error.code))
            continue
        found.extend(_compare(document.key, person, due.pop(document.key, None)))
    found.extend(Finding("person_missing", f"person {person_id}", "its record is there") for person_id in due)
    return tuple(found)


def _compare(key: str, person: Person, due: tuple[PersonSaid, str] | None) -> Iterator[Finding]:
    where = f"person {key}"
    if due is None:
        yield Finding("person_without_record", where)
        return
    said, record = due
    if person.id != key:
        yield Finding("person_differs", f"{where} field id", f"stored {person.id}")
    if person.record != record:
        yield Finding("person_differs", f"{where} field record", f"stored {person.record}, the latest is {record}")
    for name in _SAID:
        told, expected = getattr(person, name), getattr(said, name)
        if told != expected:
            yield Finding("person_differs", f"{where} field {name}", f"stored {told}, by its record {expected}")
