"""Which values in a message are secrets: they go to the station and nowhere else, not into records or frames."""

import re

import msgspec

HIDDEN = "(hidden)"
_NAMES = frozenset(
    {"AuthorizationKey", "BasicAuthPassword", "CpoPassword", "MasterPassGroupId", "SharedSecret", "WifiPassword"}
)
"""Configuration keys (1.6) and variables (2.x) whose value is a secret, here and in vendors' spellings of them."""
_SUSPECT = ("ChangeConfiguration", "SetVariables", "SetNetworkProfile", "GetConfiguration", "GetVariables")
_SIGNED = "-Signed"
_FIELDS = frozenset({"basicAuthPassword", "password", "apnPassword"})
_OF_ACTION = {
    "CustomerInformation": frozenset({"customerIdentifier", "idToken"}),
    "NotifyCustomerInformation": frozenset({"data"}),
    "SetNetworkProfile": frozenset({"key", "simPin"}),
}
"""More fields of single actions: what says who a customer is, who is to be forgotten; keys of networks."""

_ADDRESSED = ("GetDiagnostics", "GetLog")
"""What may hold an upload address; in a signed message it is encoded."""
UPLOADS = "/uploads/"
"""Path below which stations upload files; the segment after it is a secret that is good for one upload."""
_UPLOAD = re.compile(rb"uploads(\\?/)[A-Za-z0-9_\-]{43}")
_UPLOAD_HIDDEN = rb"uploads\1" + HIDDEN.encode()
_LOGIN = re.compile(rb'(:\\?/\\?/[^/@:"\s]{0,64}:)[^/@"\s]{1,255}@')
_LOGIN_HIDDEN = rb"\1" + HIDDEN.encode() + b"@"
"""The password in an address, such as ftp://user:password@host/."""


def without_upload(text: str) -> str:
    """Return a text without the secret of an upload address in it."""
    return _UPLOAD.sub(_UPLOAD_HIDDEN, text.encode()).decode()


def is_secret(name: str) -> bool:
    """Return whether the value of a configuration key or variable of that name is a secret."""
    return name.casefold() in _FOLDED


def without_secrets(action: str, payload: bytes) -> bytes:
    """Return a payload as it may be kept; one without secrets, or none at all, comes back byte for byte."""
    if b"uploads" in payload:
        payload = _UPLOAD.sub(_UPLOAD_HIDDEN, payload)
    if b"@" in payload:
        payload = _LOGIN.sub(_LOGIN_HIDDEN, payload)
    bare = action.removesuffix(_SIGNED)
    personal = _OF_ACTION.get(bare)
    signed = bare != action and bare in _ADDRESSED
    if not payload or (bare not in _SUSPECT and personal is None and not signed):
        return payload
    fields = _FIELDS | (personal or frozenset())
    value = msgspec.json.decode(payload)
    if bare != action:
        return msgspec.json.encode(_without_content(value))
    return msgspec.json.encode(_hidden(value, fields)) if _holds_secret(value, fields) else payload


def shown(action: str, value: object) -> object:
    """Return a part of a message, as plain JSON values, with its secrets hidden."""
    return _hidden(value, _FIELDS | _OF_ACTION.get(action, frozenset()))


def _without_content(value: object) -> object:
    """Return a signed message (2.x part 4, chapter 7), its content hidden: encoded as it is, anything may be in it."""
    match value:
        case dict():
            return {
                k: HIDDEN if k == "payload" and isinstance(v, str) else _without_content(v) for k, v in value.items()
            }
        case list():
            return [_without_content(child) for child in value]
        case _:
            return value


def may_hold_secrets(message: bytes) -> bool:
    """Return whether bytes that nobody could read name something whose value is a secret."""
    folded = message.lower()
    return any(name in folded for name in _SPELLED)


def _secret_name(entry: dict[str, object]) -> bool:
    variable = entry.get("variable")
    name = variable.get("name") if isinstance(variable, dict) else entry.get("key")
    return isinstance(name, str) and is_secret(name)


_FOLDED = frozenset(name.casefold() for name in _NAMES)
_VALUES = frozenset({"value", "attributeValue"})
_SPELLED = tuple(name.casefold().encode() for name in (*_NAMES, *_FIELDS))


def _holds_secret(value: object, fields: frozenset[str]) -> bool:
    match value:
        case dict():
            if _secret_name(value) and _VALUES & value.keys():
                return True
            return any((k in fields and isinstance(v, str | int)) or _holds_secret(v, fields) for k, v in value.items())
        case list():
            return any(_holds_secret(child, fields) for child in value)
        case _:
            return False


def _hidden(value: object, fields: frozenset[str]) -> object:
    match value:
        case dict():
            secret = _secret_name(value)
            return {
                k: HIDDEN
                if (secret and k in _VALUES) or (k in fields and isinstance(v, str | int))
                else _hidden(v, fields)
                for k, v in value.items()
            }
        case list():
            return [_hidden(child, fields) for child in value]
        case _:
            return value
