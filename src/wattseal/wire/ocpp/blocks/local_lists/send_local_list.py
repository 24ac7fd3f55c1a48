"""SendLocalList (1.6 section 5.15; 2.x D01), from the CSMS: send a local list or changes of it."""

from msgspec import UnsetType

from wattseal.model.local_list import ListEntry, ListSent
from wattseal.model.token import IdToken
from wattseal.wire.ocpp import tokens
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import send_local_list as v16
from wattseal.wire.ocpp.generated.v21 import send_local_list as v21
from wattseal.wire.ocpp.generated.v201 import send_local_list as v201
from wattseal.wire.ocpp.message import Lifted, Payload, present
from wattseal.wire.ocpp.values import ENCODER
from wattseal.wire.ocpp.version import Fault, Refusal, Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted | Refusal:
    """Return `ListSent`; a version is greater than 0 (D01.FR.18), a token stands in a list once (D01.FR.06)."""
    if isinstance(request, v16.Request):
        number = request.listVersion
        entries = _entries_16(request)
    else:
        number = request.versionNumber
        entries = _entries_2(request)
    if number < 1:
        return Refusal(Fault.VALUE, "a list has a version from 1 on")
    if len({entry.id_token.key() for entry in entries}) != len(entries):
        return Refusal(Fault.VALUE, "a token stands in a list once - at `$.localAuthorizationList`")
    return Lifted(ListSent(number, request.updateType == "Full", tuple(entries)))


def _entries_16(request: v16.Request) -> list[ListEntry]:
    told = request.localAuthorizationList
    if isinstance(told, UnsetType):
        return []
    return [ListEntry(IdToken(t.idTag, tokens.TYPE_16), tokens.hear_16(t.idTagInfo)) for t in told]


def _entries_2(request: v201.Request | v21.Request) -> list[ListEntry]:
    told = request.localAuthorizationList
    if isinstance(told, UnsetType):
        return []
    return [ListEntry(IdToken(t.idToken.idToken, t.idToken.type), tokens.hear_2(t.idTokenInfo)) for t in told]


def ask(command: ListSent, version: Version) -> Payload:
    """Return the request; an empty list is left out."""
    number = "listVersion" if version is Version.V16 else "versionNumber"
    return present(
        **{number: command.version},
        updateType="Full" if command.full else "Differential",
        localAuthorizationList=[spell(entry, version) for entry in command.entries] or None,
    )


def spell(entry: ListEntry, version: Version) -> Payload:
    """Return one entry as a version spells it."""
    info = None if entry.authorization is None else tokens.lower_authorization(entry.authorization, version)
    token = tokens.lower(entry.id_token, version)
    return present(idTag=token, idTagInfo=info) if version is Version.V16 else present(idToken=token, idTokenInfo=info)


def spelled(entry: ListEntry, version: Version) -> bytes:
    """Return one entry as bytes, the same ones for the same meaning."""
    return ENCODER.encode(spell(entry, version))


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("SendLocalList", MODULES, ListSent, lift=lift, ask=ask)
