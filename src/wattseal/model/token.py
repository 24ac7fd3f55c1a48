"""Identification of a driver: id_token, its status, and the signed authorisation of a billing party."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TokenStatus(StrEnum):
    """AuthorizationStatusEnumType (OCPP 2.0.1 part 2, 3.6), the statuses this system answers."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"
    UNKNOWN = "Unknown"
    NO_CREDIT = "NoCredit"


@dataclass(frozen=True, slots=True)
class IdToken:
    """IdTokenType: `value` of up to 255 characters (20 in 1.6, lifted with type "ISO14443"), compared without case."""

    value: str
    type: str

    def key(self) -> str:
        """Return the one canonical form used for look-ups: NFKC, trimmed, case-folded."""
        return unicodedata.normalize("NFKC", self.value).strip().casefold()


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token the CPO knows; `party` names the eMSP that decides, none means the CPO decides by `status`."""

    id_token: IdToken
    status: TokenStatus
    party: str | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """A decision on one request; `decision` is the payload hash of the signed decision record, if there is one."""

    status: TokenStatus
    auth_id: bytes | None = None
    expires_at: datetime | None = None
    cap_wh: int | None = None
    decision: bytes | None = None
