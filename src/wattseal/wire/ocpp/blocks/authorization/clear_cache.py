"""ClearCache (1.6 section 5.4; 2.x C11), from the CSMS: empty the authorisation cache."""

from wattseal.model.remote import CacheClearRequested
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import clear_cache as v16
from wattseal.wire.ocpp.generated.v21 import clear_cache as v21
from wattseal.wire.ocpp.generated.v201 import clear_cache as v201
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request


def lift(_request: Request, _version: Version) -> Lifted:
    """Return `CacheClearRequested`."""
    return Lifted(CacheClearRequested())


def ask(_command: CacheClearRequested, _version: Version) -> Payload:
    """Return the request, which says nothing more."""
    return {}


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("ClearCache", MODULES, CacheClearRequested, lift=lift, ask=ask)
