"""GetLocalListVersion (1.6 section 5.10; 2.x D02), from the CSMS: ask for the version of the local list."""

from wattseal.model.local_list import ListVersionRequested, ListVersionResponded
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import get_local_list_version as v16
from wattseal.wire.ocpp.generated.v21 import get_local_list_version as v21
from wattseal.wire.ocpp.generated.v201 import get_local_list_version as v201
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request
Response = v16.Response | v201.Response | v21.Response


def lift(_request: Request, _version: Version) -> Lifted:
    """Return `ListVersionRequested`."""
    return Lifted(ListVersionRequested())


def ask(_command: ListVersionRequested, _version: Version) -> Payload:
    """Return the request, which says nothing more."""
    return {}


def lower(answer: ListVersionResponded, version: Version) -> Payload:
    """Return the response."""
    return {"listVersion" if version is Version.V16 else "versionNumber": answer.version}


def hear(response: Response, _version: Version) -> ListVersionResponded:
    """Return the answer."""
    return ListVersionResponded(response.listVersion if isinstance(response, v16.Response) else response.versionNumber)


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("GetLocalListVersion", MODULES, ListVersionRequested, lift=lift, ask=ask, lower=lower, hear=hear)
