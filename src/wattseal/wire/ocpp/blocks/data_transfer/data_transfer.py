"""DataTransfer (1.6 sections 4.3 and 5.6; 2.x P01, P02): a vendor's own message, in either direction.

wattseal records travel this way over 1.6: vendorId "wattseal", messageId "items", data = the JSON text
`{"items": [base64, ...]}`, in request and response alike.
"""

import msgspec
from msgspec import UnsetType

from wattseal.base.errors import InputError
from wattseal.model.answers import DataTransferAnswer
from wattseal.model.facts import DataTransferred
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.generated.v16 import data_transfer as v16
from wattseal.wire.ocpp.generated.v21 import data_transfer as v21
from wattseal.wire.ocpp.generated.v201 import data_transfer as v201
from wattseal.wire.ocpp.message import (
    VENDOR,
    Lifted,
    Message,
    Payload,
    Sender,
    given,
    pack_items,
    present,
    unpack_items,
)
from wattseal.wire.ocpp.values import Open
from wattseal.wire.ocpp.version import Version

ITEMS = "items"
Request = v16.Request | v201.Request | v21.Request
Response = v16.Response | v201.Response | v21.Response


def lift(request: Request, _version: Version) -> Lifted:
    """Return `DataTransferred`."""
    return Lifted(DataTransferred(request.vendorId, given(request.messageId), _value(request.data)))


def lower(answer: DataTransferAnswer, version: Version) -> Payload:
    """Return the response; in 1.6 data is text."""
    return present(status=answer.status, data=_spelled(answer.data, version))


def ask(fact: DataTransferred, version: Version) -> Payload:
    """Return the request; in 1.6 data is text."""
    return present(vendorId=fact.vendor_id, messageId=fact.message_id, data=_spelled(fact.data, version))


def hear(response: Response, _version: Version) -> DataTransferAnswer:
    """Return the answer."""
    return DataTransferAnswer(response.status, _value(response.data))


def transfer_items(items: tuple[bytes, ...]) -> DataTransferred:
    """Return the message that carries wattseal records over 1.6."""
    return DataTransferred(VENDOR, ITEMS, items_text(items))


def items_text(items: tuple[bytes, ...]) -> str:
    """Return the data text of `transfer_items`, also used in its answer."""
    return msgspec.json.encode({ITEMS: pack_items(items)}).decode("ascii")


def transferred_items(fact: DataTransferred) -> tuple[bytes, ...] | None:
    """Return the wattseal records in a message; None where it carries none that can be read."""
    if fact.vendor_id != VENDOR or fact.message_id != ITEMS:
        return None
    return read_items(fact.data)


def read_items(data: object) -> tuple[bytes, ...] | None:
    """Return the records in the data of a wattseal message or answer, JSON text or value; None for anything else."""
    if isinstance(data, str):
        try:
            data = guard.parse(data.encode("utf-8"))
        except (guard.NotJsonError, UnicodeEncodeError):
            return None
    return unpack_items(data.get(ITEMS)) if isinstance(data, dict) else None


def _value(data: str | Open | UnsetType) -> object:
    return data.value if isinstance(data, Open) else given(data)


def _spelled(data: object, version: Version) -> object:
    if version is Version.V16 and not (data is None or isinstance(data, str)):
        raise InputError("in OCPP 1.6 the data of a DataTransfer is text", subject="DataTransfer.data")
    return data


MESSAGE = Message(
    "DataTransfer",
    {Version.V16: v16.Request, Version.V201: v201.Request, Version.V21: v21.Request},
    {Version.V16: v16.Response, Version.V201: v201.Response, Version.V21: v21.Response},
    (DataTransferred,),
    lift,
    lower,
    ask,
    hear,
    Sender.EITHER,
)
