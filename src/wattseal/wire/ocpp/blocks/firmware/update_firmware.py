"""UpdateFirmware (1.6 section 5.19; 2.x L01, L02), from the CSMS: update firmware."""

from wattseal.base.errors import InputError
from wattseal.model.firmware import Firmware, FirmwareUpdate
from wattseal.wire.ocpp.commanding import order
from wattseal.wire.ocpp.generated.v16 import update_firmware as v16
from wattseal.wire.ocpp.generated.v21 import update_firmware as v21
from wattseal.wire.ocpp.generated.v201 import update_firmware as v201
from wattseal.wire.ocpp.message import Lifted, Payload, given, present
from wattseal.wire.ocpp.plainly import content, plain_answer, plain_response, read_as, spell
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request


def lift(request: Request, _version: Version) -> Lifted:
    """Return `FirmwareUpdate`."""
    if not isinstance(request, v16.Request):
        return Lifted(read_as(request, FirmwareUpdate))
    firmware = Firmware(request.location, content(request)["retrieveDate"])
    return Lifted(FirmwareUpdate(firmware, None, given(request.retries), given(request.retryInterval)))


def ask(command: FirmwareUpdate, version: Version) -> Payload:
    """Return the request; 1.6 cannot spell an installation time or a signature (`InputError`)."""
    if version is not Version.V16:
        return spell(command, version)
    firmware = command.firmware
    if firmware.signature is not None or firmware.install_date_time is not None:
        text = "UpdateFirmware of OCPP 1.6 has no signature and no installation time; use SignedUpdateFirmware"
        raise InputError(text, subject="firmware")
    return present(
        location=firmware.location,
        retrieveDate=firmware.retrieve_date_time,
        retries=command.retries,
        retryInterval=command.retry_interval,
    )


MODULES = {Version.V16: v16, Version.V201: v201, Version.V21: v21}
MESSAGE = order("UpdateFirmware", MODULES, FirmwareUpdate, lift=lift, ask=ask, lower=plain_answer, hear=plain_response)
