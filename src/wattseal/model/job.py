"""Work a station does for us over some time: an update, a publication, an upload; what it said of it, in order."""

from dataclasses import dataclass, field, replace

MAX_STEPS = 64
"""Statuses kept of one job; of more the oldest but the first go."""


@dataclass(frozen=True, slots=True)
class JobFile:
    """A file a station uploaded here, under a name made here; `sha256` is in hex."""

    name: str
    size_bytes: int
    sha256: str
    received_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Document: one piece of work.

    `request_id` is the number in the messages, None where 1.6 has none. `asked_by` is None where nobody here asked for
    it. `answer` is the status of the answer, `status` the latest word of the station or Canceled, Superseded; `steps`
    are those words with the time they came (Unix ms). `details` are the command's own, by name.
    """

    station_id: str
    request_id: int | None
    at_ms: int
    status: str
    updated_ms: int
    done: bool = False
    asked_by: str | None = None
    answer: str | None = None
    steps: tuple[tuple[int, str], ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    file: JobFile | None = None

    def to(self, status: str, now_ms: int, *, done: bool) -> "Job":
        """Return the job one step on."""
        steps = (*self.steps, (now_ms, status))
        if len(steps) > MAX_STEPS:
            steps = (steps[0], *steps[2:])
        return replace(self, status=status, updated_ms=now_ms, done=done, steps=steps)
