"""Messages on stations' displays (2.x block O). Times are RFC 3339 texts."""

from msgspec import Struct

from wattseal.model.device import Component
from wattseal.model.message import Command, Fact


class MessageContent(Struct, frozen=True, rename="camel", omit_defaults=True):
    """MessageContentType: `format` is ASCII, HTML, URI, UTF8 or (2.1) QRCODE."""

    format: str
    content: str
    language: str | None = None


class DisplayMessage(Struct, frozen=True, rename="camel", omit_defaults=True):
    """MessageInfoType."""

    id: int
    priority: str
    message: MessageContent
    state: str | None = None
    start_date_time: str | None = None
    end_date_time: str | None = None
    transaction_id: str | None = None
    display: Component | None = None
    message_extra: tuple[MessageContent, ...] = ()


class DisplaySet(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """SetDisplayMessage (2.x O01, O02, O06)."""

    message: DisplayMessage


class DisplayClear(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """ClearDisplayMessage (2.x O05)."""

    id: int


class DisplaysReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """NotifyDisplayMessages: messages on the display, as asked for with `request_id`; its parts have no numbers."""

    request_id: int
    message_info: tuple[DisplayMessage, ...] = ()
    tbc: bool = False


class KeptDisplay(Struct, frozen=True, omit_defaults=True):
    """Document: a message on a station's display; `asked_by` is None where the station told of it."""

    station_id: str
    at_ms: int
    message: DisplayMessage
    asked_by: str | None = None
