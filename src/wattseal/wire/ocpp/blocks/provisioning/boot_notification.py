"""BootNotification (1.6 section 4.2; 2.x B01): the station (re)started."""

from wattseal.model.answers import BootAnswer
from wattseal.model.facts import BootReported
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp.generated.v16 import boot_notification as v16
from wattseal.wire.ocpp.generated.v21 import boot_notification as v21
from wattseal.wire.ocpp.generated.v201 import boot_notification as v201
from wattseal.wire.ocpp.message import Lifted, Message, Payload, custom_data, given, items_of, present, utc
from wattseal.wire.ocpp.version import Version

Request = v16.Request | v201.Request | v21.Request
Response = v16.Response | v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted:
    """Return `BootReported`; 1.6 knows the serial number of the station by two names."""
    findings: list[Finding] = []
    if isinstance(request, v16.Request):
        fact = BootReported(
            request.chargePointVendor,
            request.chargePointModel,
            given(request.chargePointSerialNumber) or given(request.chargeBoxSerialNumber),
            given(request.firmwareVersion),
        )
    else:
        station = request.chargingStation
        fact = BootReported(
            station.vendorName,
            station.model,
            given(station.serialNumber),
            given(station.firmwareVersion),
            request.reason,
            items_of(request.customData, findings),
        )
    return Lifted(fact, tuple(findings))


def lower(answer: BootAnswer, version: Version) -> Payload:
    """Return the response; 1.6 cannot carry items."""
    custom = None if version is Version.V16 else custom_data(answer.items)
    return present(currentTime=answer.now, interval=answer.interval_s, status=answer.status, customData=custom)


def ask(fact: BootReported, version: Version) -> Payload:
    """Return the request; 1.6 has no boot reason and carries no items."""
    if version is Version.V16:
        return present(
            chargePointVendor=fact.vendor,
            chargePointModel=fact.model,
            chargePointSerialNumber=fact.serial,
            firmwareVersion=fact.firmware,
        )
    station = present(vendorName=fact.vendor, model=fact.model, serialNumber=fact.serial, firmwareVersion=fact.firmware)
    return present(chargingStation=station, reason=fact.reason or "Unknown", customData=custom_data(fact.items))


def hear(response: Response, _version: Version) -> BootAnswer:
    """Return the answer."""
    items = () if isinstance(response, v16.Response) else items_of(response.customData, [])
    return BootAnswer(response.status, utc(response.currentTime, []), response.interval, items)


MESSAGE = Message(
    "BootNotification",
    {Version.V16: v16.Request, Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V16: v16.Response, Version.V201: v201.Response, Version.V21: v21.Response},
    (BootReported,),
    lift,
    lower,
    ask,
    hear,
)
