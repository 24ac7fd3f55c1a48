"""Group OPS of PERSON records (docs/spec/record.md, "Fields"): what was done to a person's rights, how they are now.

Nobody's name is in it. Each record refers to the one before it about the same person.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from msgspec import Struct

from wattseal.model.person import PersonStatus
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import needed, present, typed


class PersonEvent(IntEnum):
    """What was done."""

    ADDED = 0
    ROLES_CHANGED = 1
    LEFT = 2
    SIGN_IN_CHANGED = 3
    SESSIONS_ENDED = 4
    LINK_MADE = 5
    CAME_BACK = 6
    NAME_ERASED = 7


_STATUSES = tuple(PersonStatus)


class PersonSaid(Struct, frozen=True, gc=False):
    """What a record says of a person; `by` is whoever had it done, `text` what exactly, as a word of this program."""

    event: PersonEvent
    person: str
    roles: tuple[str, ...]
    status: PersonStatus
    by: str
    party: str | None = None
    text: str = ""

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        return present(
            {
                1: int(self.event),
                2: bytes.fromhex(self.person),
                3: list(self.roles),
                4: _STATUSES.index(self.status),
                5: self.by,
                6: self.party,
                7: self.text or None,
            }
        )

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "PersonSaid":
        """Read the group's fields; `CborError` names the one that is wrong."""
        event, status = needed(fields, 1, int, "event"), needed(fields, 4, int, "status")
        person, roles = needed(fields, 2, bytes, "person"), needed(fields, 3, list, "roles")
        if event not in set(PersonEvent) or not 0 <= status < len(_STATUSES):
            raise CborError("a person's record says what was done and where that leaves the person", subject="event")
        if len(person) != 16 or not all(type(role) is str for role in roles):
            raise CborError("a person is 16 bytes, roles are a list of texts", subject="person")
        return PersonSaid(
            event=PersonEvent(event),
            person=person.hex(),
            roles=tuple(roles),
            status=_STATUSES[status],
            by=needed(fields, 5, str, "by"),
            party=typed(fields, 6, str, "party"),
            text=typed(fields, 7, str, "text") or "",
        )
