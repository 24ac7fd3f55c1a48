"""id_tokens and authorisations as each version spells them."""

from collections.abc import Mapping
from datetime import datetime
from typing import get_args

from msgspec import UnsetType

from wattseal.model.token import Authorization, IdToken, TokenStatus
from wattseal.wire.ocpp.generated.v16 import authorize as v16_authorize
from wattseal.wire.ocpp.generated.v16 import send_local_list as v16_list
from wattseal.wire.ocpp.generated.v16 import start_transaction as v16_start
from wattseal.wire.ocpp.generated.v16 import stop_transaction as v16_stop
from wattseal.wire.ocpp.generated.v21 import types as v21
from wattseal.wire.ocpp.generated.v201 import types as v201
from wattseal.wire.ocpp.message import Payload, given, present, utc
from wattseal.wire.ocpp.version import Version

TYPE_16 = "ISO14443"
"""1.6 tells no type; nearly all idTags are RFID UIDs."""

_STATUS_16 = {
    TokenStatus.UNKNOWN: "Invalid",
    TokenStatus.NO_CREDIT: "Blocked",
    TokenStatus.NOT_ALLOWED_TYPE_EVSE: "Blocked",
    TokenStatus.NOT_AT_THIS_LOCATION: "Blocked",
    TokenStatus.NOT_AT_THIS_TIME: "Blocked",
}
_TYPES_201 = frozenset(get_args(v201.IdTokenEnumType))
LONGEST = {Version.V16: 20, Version.V201: 36, Version.V21: 255}
"""Characters an id_token may have."""
IdTagInfo = v16_authorize.IdTagInfo | v16_start.IdTagInfo | v16_stop.IdTagInfo | v16_list.IdTagInfo


def lift_16(id_tag: str | UnsetType) -> IdToken | None:
    """Return the token of a 1.6 idTag; an empty one is none."""
    return IdToken(tag, TYPE_16) if (tag := given(id_tag)) else None


def lift_2(token: v201.IdTokenType | v21.IdTokenType | UnsetType) -> IdToken | None:
    """Return the token of a 2.x idToken; type NoAuthorization keeps its empty value."""
    return None if isinstance(token, UnsetType) else IdToken(token.idToken, token.type)


def lower(token: IdToken, version: Version) -> object:
    """Return the idTag (1.6) or idToken object (2.x)."""
    return token.value if version is Version.V16 else {"idToken": token.value, "type": token.type}


def can_spell(token: IdToken, version: Version) -> bool:
    """Return whether a version has room for the token, and a word for its type."""
    return len(token.value) <= LONGEST[version] and (version is not Version.V201 or token.type in _TYPES_201)


def lower_authorization(authorization: Authorization, version: Version) -> Payload:
    """Return idTagInfo (1.6) or idTokenInfo (2.x).

    1.6 lacks Unknown (Invalid), NoCredit and the three that mean "not here, not now" (Blocked). A group that the
    version cannot spell is left out.
    """
    group = authorization.group
    if group is not None and not can_spell(group, version):
        group = None
    if version is Version.V16:
        status = _STATUS_16.get(authorization.status, authorization.status.value)
        parent = None if group is None else group.value
        return present(status=status, expiryDate=authorization.expires_at, parentIdTag=parent)
    message = authorization.message
    return present(
        status=authorization.status.value,
        cacheExpiryDateTime=authorization.expires_at,
        chargingPriority=authorization.priority,
        groupIdToken=None if group is None else lower(group, version),
        language1=authorization.language,
        evseId=list(authorization.evses) or None,
        personalMessage=None if message is None else {"format": "UTF8", "content": message},
    )


def hear_16(info: IdTagInfo | UnsetType) -> Authorization | None:
    """Return the authorisation in an idTagInfo."""
    if isinstance(info, UnsetType):
        return None
    return Authorization(TokenStatus(info.status), None, _at(info.expiryDate), group=lift_16(info.parentIdTag))


def hear_2(info: v201.IdTokenInfoType | v21.IdTokenInfoType | UnsetType) -> Authorization | None:
    """Return the authorisation in an idTokenInfo."""
    if isinstance(info, UnsetType):
        return None
    message = None if isinstance(info.personalMessage, UnsetType) else info.personalMessage.content
    return Authorization(
        TokenStatus(info.status),
        None,
        _at(info.cacheExpiryDateTime),
        group=lift_2(info.groupIdToken),
        language=given(info.language1),
        evses=given(info.evseId) or (),
        priority=given(info.chargingPriority),
        message=message,
    )


def _at(value: datetime | UnsetType) -> datetime | None:
    return None if isinstance(value, UnsetType) else utc(value, [])


def named_token(payload: Mapping[str, object]) -> IdToken | None:
    """Return the token that a start of any version names, be it told or asked for; None where there is none."""
    match payload:
        case {"idTag": str(value)}:
            return IdToken(value, TYPE_16)
        case {"idToken": {"idToken": str(value), "type": str(kind)}}:
            return IdToken(value, kind)
        case _:
            return None
