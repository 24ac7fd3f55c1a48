"""What stations hold about customers: asked for, told in parts, cleared (2.x N09, N10). Personal data."""

from msgspec import Struct

from wattseal.model.message import Command, Fact


class CustomerAsked(Command, Struct, frozen=True, rename="camel", omit_defaults=True):
    """CustomerInformation: tell (`report`) or forget (`clear`) what is held about one customer."""

    request_id: int
    report: bool
    clear: bool
    customer_identifier: str | None = None
    id_token: dict[str, object] | None = None
    customer_certificate: dict[str, object] | None = None


class CustomerReported(Fact, Struct, frozen=True, rename="camel", omit_defaults=True):
    """NotifyCustomerInformation: part `seq_no` of the report asked for with `request_id`."""

    request_id: int
    generated_at: str
    seq_no: int
    data: str
    tbc: bool = False


class KeptCustomer(Struct, frozen=True, omit_defaults=True):
    """Document: a report about a customer, by parts; whom it is about is not kept beside it.

    `last` is the number of its last part, None while that is not known.
    """

    station_id: str
    request_id: int
    at_ms: int
    report: bool = True
    clear: bool = False
    asked_by: str | None = None
    answer: str | None = None
    parts: dict[int, str] = {}
    last: int | None = None

    @property
    def complete(self) -> bool:
        """Return whether the last part and all before it have come."""
        return self.last is not None and all(number in self.parts for number in range(self.last + 1))
