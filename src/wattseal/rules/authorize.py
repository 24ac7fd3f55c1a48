"""Authorisation: who decides on a token, and what the CPO decides on its own."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from wattseal.model.token import NO_AUTHORIZATION, Authorization, IdToken, TokenRecord, TokenStatus


class OnePer(StrEnum):
    """Of what only one transaction may run at a time; a further one is told ConcurrentTx."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - a word of the configuration
    GROUP = "group"


class AskParty(Struct, frozen=True, gc=False):
    """The token belongs to an eMSP: `party` decides."""

    party: str


class OwnDecision(Struct, frozen=True, gc=False):
    """The CPO decides, and signs that with its billing key."""

    status: TokenStatus


class MasterPass(Struct, frozen=True, gc=False):
    """The token may end any transaction and start none (2.x C16): nothing is signed for it."""


class Place(Struct, frozen=True, gc=False):
    """Where and when a token is presented; EVSE 0 while none is chosen. `starts`: a transaction is to use it."""

    station_id: str
    evse_id: int
    now: datetime
    starts: bool = False


def own_card_key(token: TokenRecord | None) -> bytes | None:
    """Return the key that a card has to prove, where the CPO itself decides on its token."""
    return None if token is None or token.party is not None else token.card_key


def who_decides(
    token: TokenRecord | None, place: Place, master_group: str | None = None
) -> AskParty | OwnDecision | MasterPass:
    """Return who decides: the token's party, or the CPO by what it knows of the token; nobody's token is Unknown.

    A token that the CPO has blocked, that has expired or may not be used here stays refused whatever its party says.
    `master_group` is the canonical form of the master pass group's id.
    """
    status = TokenStatus.UNKNOWN if token is None else _standing(token, place)
    if token is None or status is not TokenStatus.ACCEPTED:
        return OwnDecision(status)
    if is_master(token, master_group):
        return OwnDecision(TokenStatus.INVALID) if place.starts else MasterPass()
    return OwnDecision(status) if token.party is None else AskParty(token.party)


def _standing(token: TokenRecord, place: Place) -> TokenStatus:
    if token.status is not TokenStatus.ACCEPTED:
        return token.status
    if token.expires_at is not None and token.expires_at <= place.now:
        return TokenStatus.EXPIRED
    if not token.evses:
        return TokenStatus.ACCEPTED
    here = _here(token, place.station_id)
    if here is None or (here and place.evse_id and place.evse_id not in here):
        return TokenStatus.NOT_AT_THIS_LOCATION
    return TokenStatus.ACCEPTED


def _here(token: TokenRecord, station_id: str) -> tuple[int, ...] | None:
    """Return the EVSEs of a station that a restricted token may use, () for all; None where it may use none."""
    same = [a.evse_ids for a in token.evses if a.station_id.casefold() == station_id.casefold()]
    if not same:
        return None
    return () if () in same else tuple(sorted({evse_id for ids in same for evse_id in ids}))


def is_master(token: TokenRecord, master_group: str | None) -> bool:
    """Return whether a token is of the master pass group."""
    return master_group is not None and token.group is not None and token.group.key() == master_group


def described(told: Authorization, token: TokenRecord | None, station_id: str) -> Authorization:
    """Return what was decided with what the CPO knows of the token: group, language, EVSEs, expiry.

    A token that the CPO decides on is told with its own expiry; an eMSP's word is not stretched beyond its own.
    """
    if token is None:
        return told
    accepted = told.status is TokenStatus.ACCEPTED
    expires_at = told.expires_at
    if token.expires_at is not None and (token.party is None or expires_at is None):
        expires_at = token.expires_at
    return Authorization(
        told.status,
        told.auth_id,
        expires_at,
        told.cap_wh,
        told.decision,
        token.group,
        token.language,
        (_here(token, station_id) or ()) if accepted else (),
        token.priority,
        token.message,
        told.reason,
    )


def may_stop(stopping: TokenRecord | None, starting: TokenRecord | None, master_group: str | None) -> bool:
    """Return whether another token than the one that started a transaction may end it: of its group, or a master's.

    (1.6 section 3.10; 2.x C09, C16.)
    """
    if stopping is None or stopping.status is not TokenStatus.ACCEPTED:
        return False
    if is_master(stopping, master_group):
        return True
    return starting is not None and same_group(stopping.group, starting.group)


def same_group(one: IdToken | None, other: IdToken | None) -> bool:
    """Return whether both are the same group's id."""
    return one is not None and other is not None and one.key() == other.key()


def charging_key(token: TokenRecord, one_per: OnePer) -> str | None:
    """Return the canonical form of what may charge once at a time; None where that is not limited."""
    match one_per:
        case _ if token.id_token.type == NO_AUTHORIZATION:
            return None
        case OnePer.NONE:
            return None
        case OnePer.GROUP if token.group is not None:
            return token.group.key()
        case OnePer.TOKEN | OnePer.GROUP:
            return token.id_token.key()
