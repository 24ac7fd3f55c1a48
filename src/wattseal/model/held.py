"""What is held on an account for one charge."""

from enum import StrEnum

import msgspec


class HeldState(StrEnum):
    """A hold is open until its charge is billed, or came to nothing: then it is given back."""

    OPEN = "open"
    RELEASED = "released"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """Document: what is held for a charge, in minor units. `id` is the transaction's: the subject of its records, hex.

    `count` is how many hold postings were made for it, `decision` and `tariff` are payload hashes in hex. A charge that
    does not begin by `expires_ms` (Unix milliseconds) comes to nothing.
    """

    id: str
    account: str
    currency: str
    station_id: str
    amount: int
    count: int
    at_ms: int
    expires_ms: int
    decision: str
    tariff: str | None = None
    state: HeldState = HeldState.OPEN

    @property
    def open(self) -> bool:
        """Whether the money is still set aside."""
        return self.state is HeldState.OPEN
