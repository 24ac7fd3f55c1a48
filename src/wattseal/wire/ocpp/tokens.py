"""id_tokens and authorisations as each version spells them."""

from datetime import datetime

from msgspec import UnsetType

from wattseal.model.token import Authorization, IdToken, TokenStatus
from wattseal.wire.ocpp.generated.v16 import authorize as v16_authorize
from wattseal.wire.ocpp.generated.v16 import start_transaction as v16_start
from wattseal.wire.ocpp.generated.v16 import stop_transaction as v16_stop
from wattseal.wire.ocpp.generated.v21 import types as v21
from wattseal.wire.ocpp.generated.v201 import types as v201
from wattseal.wire.ocpp.message import Payload, given, present, utc
from wattseal.wire.ocpp.version import Version

TYPE_16 = "ISO14443"
"""1.6 tells no type; nearly all idTags are RFID UIDs."""

_STATUS_16 = {TokenStatus.UNKNOWN: "Invalid", TokenStatus.NO_CREDIT: "Blocked"}
_NOT_HERE = {"NotAllowedTypeEVSE", "NotAtThisLocation", "NotAtThisTime"}
IdTagInfo = v16_authorize.IdTagInfo | v16_start.IdTagInfo | v16_stop.IdTagInfo


def lift_16(id_tag: str | UnsetType) -> IdToken | None:
    """Return the token of a 1.6 idTag; an empty one is none."""
    return IdToken(tag, TYPE_16) if (tag := given(id_tag)) else None


def lift_2(token: v201.IdTokenType | v21.IdTokenType | UnsetType) -> IdToken | None:
    """Return the token of a 2.x idToken; type NoAuthorization keeps its empty value."""
    return None if isinstance(token, UnsetType) else IdToken(token.idToken, token.type)


def lower(token: IdToken, version: Version) -> object:
    """Return the idTag (1.6) or idToken object (2.x)."""
    return token.value if version is Version.V16 else {"idToken": token.value, "type": token.type}


def lower_authorization(authorization: Authorization, version: Version) -> Payload:
    """Return idTagInfo (1.6) or idTokenInfo (2.x). 1.6 lacks Unknown (Invalid) and NoCredit (Blocked)."""
    if version is Version.V16:
        status = _STATUS_16.get(authorization.status, authorization.status.value)
        return present(status=status, expiryDate=authorization.expires_at)
    return present(status=authorization.status.value, cacheExpiryDateTime=authorization.expires_at)


def hear_16(info: IdTagInfo | UnsetType) -> Authorization | None:
    """Return the authorisation in an idTagInfo."""
    return None if isinstance(info, UnsetType) else Authorization(TokenStatus(info.status), None, _at(info.expiryDate))


def hear_2(info: v201.IdTokenInfoType | v21.IdTokenInfoType | UnsetType) -> Authorization | None:
    """Return the authorisation in an idTokenInfo; "not here", "not now" and "not this type" are Invalid."""
    if isinstance(info, UnsetType):
        return None
    status = TokenStatus.INVALID if info.status in _NOT_HERE else TokenStatus(info.status)
    return Authorization(status, None, _at(info.cacheExpiryDateTime))


def _at(value: datetime | UnsetType) -> datetime | None:
    return None if isinstance(value, UnsetType) else utc(value, [])
