"""What receives the files of stations: where they go, how large they may be, which are on their way."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from wattseal.serve.api.problems import ProblemError
from wattseal.stores.spool import Spool

MAX_AT_ONCE = 32
"""Uploads at the same time; a further one is to come back later."""


@dataclass(slots=True)
class Uploads:
    """The directory of uploads, the largest file taken, and the addresses being uploaded to."""

    spool: Spool
    max_bytes: int
    busy: set[str] = field(default_factory=set)

    @contextmanager
    def using(self, key: str) -> Iterator[None]:
        """Hold an address: a second upload to it meanwhile is refused, and so are too many of all."""
        if key in self.busy:
            raise ProblemError(409, "upload_running", "this address is being uploaded to")
        if len(self.busy) >= MAX_AT_ONCE:
            raise ProblemError(503, "too_many_uploads", "too many uploads at once; try again later", retry_after_s=60)
        self.busy.add(key)
        try:
            yield
        finally:
            self.busy.discard(key)
