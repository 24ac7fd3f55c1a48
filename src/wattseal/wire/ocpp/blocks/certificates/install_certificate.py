"""InstallCertificate (1.6 security whitepaper M05; 2.x M05), from the CSMS: install a root certificate."""

from wattseal.model.certificates import RootInstalled
from wattseal.wire.ocpp.certificate_ids import lift_use, lower_use
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import install_certificate as v16
from wattseal.wire.ocpp.generated.v21 import install_certificate as v21
from wattseal.wire.ocpp.generated.v201 import install_certificate as v201
from wattseal.wire.ocpp.message import Lifted, Payload
from wattseal.wire.ocpp.version import Version


def lift(request: v16.Request | v201.Request | v21.Request, _version: Version) -> Lifted:
    """Return `RootInstalled`."""
    return Lifted(RootInstalled(lift_use(request.certificateType), request.certificate))


def ask(command: RootInstalled, version: Version) -> Payload:
    """Return the request."""
    return {"certificateType": lower_use(command.use, version), "certificate": command.certificate}


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("InstallCertificate", MODULES, RootInstalled, lift=lift, ask=ask)
