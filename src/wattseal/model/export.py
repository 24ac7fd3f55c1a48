"""What is given to a driver about himself: the one-time link to fetch it by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportLink:
    """Document: a link by which an account's data is fetched once, by the SHA-256 of its secret.

    `used_ms` is when it was; what is kept of a used one goes when it would have expired. Times are Unix milliseconds.
    """

    digest: bytes
    account: str
    made_ms: int
    expires_ms: int
    used_ms: int | None = None
