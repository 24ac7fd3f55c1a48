"""Group OPS of RULING records (docs/spec/record.md, "Fields"): a person's decision on a session or on an alarm.

A ruling on a session bears its pseudonym and refers to its end first, then to the records that were found fault with.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from wattseal.model.ruling import RulingVerdict
from wattseal.seal.dcbor import CborError
from wattseal.seal.item import MAX_REFS as MAX_RECORD_REFS
from wattseal.seal.reading import needed, needed_hash, present, typed

_VERDICTS = tuple(RulingVerdict)
MAX_TEXT = 2000
"""Characters of the reason that a person gives."""
MAX_REFS = MAX_RECORD_REFS
"""Records that a ruling refers to; a session with more at fault names the first of them."""


class Ruling(Struct, frozen=True, gc=False):
    """What was decided, by whom and why.

    `reasons` are the codes it was taken in knowledge of, `ended` is the payload hash of the end it is about,
    `supersedes` that of the ruling it takes the place of. On an alarm `alarm` is its key, and there is no end.
    """

    verdict: RulingVerdict
    person: str
    text: str
    reasons: tuple[str, ...] = ()
    ended: bytes | None = None
    supersedes: bytes | None = None
    alarm: str | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        fields = {
            1: _VERDICTS.index(self.verdict),
            2: self.person,
            3: self.text,
            4: list(self.reasons) or None,
            5: self.ended,
            6: self.supersedes,
            7: self.alarm,
        }
        return present(fields)

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "Ruling":
        """Read the group's fields; `CborError` names the one that is wrong."""
        match fields.get(1), fields.get(4, []):
            case int(number), list(reasons) if 0 <= number < len(_VERDICTS) and all(type(r) is str for r in reasons):
                return Ruling(
                    verdict=_VERDICTS[number],
                    person=needed(fields, 2, str, "person"),
                    text=needed(fields, 3, str, "text"),
                    reasons=tuple(reasons),
                    ended=needed_hash(fields, 5, "ended") if 5 in fields else None,
                    supersedes=needed_hash(fields, 6, "supersedes") if 6 in fields else None,
                    alarm=typed(fields, 7, str, "alarm"),
                )
            case _:
                raise CborError("a ruling has a verdict, and texts for reasons", subject="ruling")
