"""API tokens: who may ask this CSMS for what, and until when."""

from dataclasses import dataclass
from enum import StrEnum


class TokenState(StrEnum):
    """Whether an API token is good for anything."""

    ACTIVE = "active"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """Document: an API token; of its secret only the SHA-256 is kept. Times are Unix milliseconds."""

    id: str
    name: str
    scopes: tuple[str, ...]
    digest: bytes
    created_by: str
    created_at_ms: int
    expires_at_ms: int
    revoked_at_ms: int | None = None

    def state(self, now_ms: int) -> TokenState:
        """Return its state at a time."""
        if self.revoked_at_ms is not None:
            return TokenState.REVOKED
        return TokenState.EXPIRED if self.expires_at_ms <= now_ms else TokenState.ACTIVE
