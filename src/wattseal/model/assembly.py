"""Reports that come in parts: which parts have come, and which are missing."""

from dataclasses import dataclass, replace

MAX_PARTS = 2000
"""Parts told apart of one report; of a longer one the rest is taken and not counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """Document: how far a report has come that a station sends in parts.

    `action` is the message it comes in, `request_id` the number it was asked for with; `asked_by` is None where nobody
    here asked. `answer` is the status of the answer to the question; `parts` are the numbers of what came, `last` the
    number of the last part, None while that is not known.
    """

    station_id: str
    action: str
    request_id: int
    at_ms: int
    subject: str | None = None
    asked_by: str | None = None
    answer: str | None = None
    parts: tuple[int, ...] = ()
    last: int | None = None

    def with_part(self, seq_no: int, *, more: bool, now_ms: int) -> "Assembly":
        """Return it with one more part, in whatever order they come, and however often."""
        parts = self.parts
        if seq_no not in parts and len(parts) < MAX_PARTS:
            parts = tuple(sorted((*parts, seq_no)))
        return replace(self, parts=parts, last=self.last if more else seq_no, at_ms=now_ms)

    @property
    def missing(self) -> tuple[int, ...]:
        """Return the numbers of parts that have not come though a later one has."""
        end = max((*self.parts, self.last or 0), default=0)
        return tuple(sorted(set(range(min(end, MAX_PARTS) + 1)) - set(self.parts))) if self.parts else ()

    @property
    def complete(self) -> bool:
        """Return whether the last part and all before it have come."""
        return self.last is not None and not self.missing
