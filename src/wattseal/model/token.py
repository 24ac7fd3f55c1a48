"""Identification of a driver: id_token, its status, and the signed authorisation of a billing party."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TokenStatus(StrEnum):
    """AuthorizationStatusEnumType (OCPP 2.0.1 part 2, 3.6). Decision records name them by their place in this list."""

    ACCEPTED = "Accepted"
    BLOCKED = "Blocked"
    EXPIRED = "Expired"
    INVALID = "Invalid"
    CONCURRENT_TX = "ConcurrentTx"
    UNKNOWN = "Unknown"
    NO_CREDIT = "NoCredit"
    NOT_ALLOWED_TYPE_EVSE = "NotAllowedTypeEVSE"
    NOT_AT_THIS_LOCATION = "NotAtThisLocation"
    NOT_AT_THIS_TIME = "NotAtThisTime"


NO_AUTHORIZATION = "NoAuthorization"
"""Type of the empty token that stands for a start button (2.x C02)."""


APPS = "Central"
"""Type of tokens that apps and backends show: no reader has them from a card."""


def canonical(value: str) -> str:
    """Return the one form of an id_token that is compared and looked up: NFKC, trimmed, case-folded."""
    return unicodedata.normalize("NFKC", value).strip().casefold()


@dataclass(frozen=True, slots=True)
class IdToken:
    """IdTokenType: `value` of up to 255 characters (20 in 1.6, lifted with type "ISO14443"), compared without case."""

    value: str
    type: str

    def key(self) -> str:
        """Return the one canonical form used for look-ups."""
        return canonical(self.value)


@dataclass(frozen=True, slots=True)
class AllowedAt:
    """A station where a token may be used: at its EVSEs listed, or at all of them where none is."""

    station_id: str
    evse_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """A token the CPO knows; `party` names the eMSP that decides, none means the CPO decides by `status`.

    Tokens of one `group` (1.6 parentIdTag, 2.x groupIdToken) may stop each other's transactions. Without `evses` it may
    be used everywhere. `language` is an RFC 5646 tag of up to 8 characters, `priority` from -9 to 9, `message` shown to
    the driver; 1.6 tells neither of the three. `account` is the id of the account that pays where the CPO itself bills.
    `card_key` (SPKI) is the public key of a card that proves itself, where the CPO decides: its number alone charges
    nothing.
    """

    id_token: IdToken
    status: TokenStatus
    party: str | None = None
    expires_at: datetime | None = None
    group: IdToken | None = None
    language: str | None = None
    evses: tuple[AllowedAt, ...] = ()
    priority: int | None = None
    message: str | None = None
    account: str | None = None
    card_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class Authorization:
    """A decision on one request; `decision` is the payload hash of the signed decision record, if there is one.

    `evses` are the only ones of the station where the token may be used; empty means all. `reason` is the decision's:
    why it is refused, or on what risk of its own the CPO allows it, up to `cap_wh`.
    """

    status: TokenStatus
    auth_id: bytes | None = None
    expires_at: datetime | None = None
    cap_wh: int | None = None
    decision: bytes | None = None
    group: IdToken | None = None
    language: str | None = None
    evses: tuple[int, ...] = ()
    priority: int | None = None
    message: str | None = None
    reason: str | None = None
