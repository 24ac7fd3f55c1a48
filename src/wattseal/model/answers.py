"""Answers: what the system replies to a fact, before one protocol version spells it.

`items` are encoded wattseal records, receipts or decisions to carry back.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from wattseal.base.ids import TransactionId
from wattseal.model.message import Answer
from wattseal.model.token import Authorization


@dataclass(frozen=True, slots=True)
class BootAnswer(Answer):
    """`status` is Accepted, Pending or Rejected; `interval_s` the heartbeat (or retry) interval."""

    status: str
    now: datetime
    interval_s: int
    items: tuple[bytes, ...] = ()


class HeartbeatAnswer(Answer, Struct, frozen=True, gc=False):
    """The CSMS's time."""

    now: datetime
    items: tuple[bytes, ...] = ()


class AuthorizationAnswer(Answer, Struct, frozen=True, gc=False):
    """The decision on a token; `certificate_status` is told of the certificate that came with it."""

    authorization: Authorization
    items: tuple[bytes, ...] = ()
    certificate_status: str | None = None


class TransactionAnswer(Answer, Struct, frozen=True, gc=False):
    """To a start, update or end; `transaction_id` is spelled by 1.6 starts only, `total_cost` by 2.x ends."""

    transaction_id: TransactionId | None = None
    authorization: Authorization | None = None
    items: tuple[bytes, ...] = ()
    total_cost: Decimal | None = None


class Acknowledged(Answer, Struct, frozen=True, gc=False):
    """Nothing to say but that it is durable (StatusNotification, MeterValues)."""

    items: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class DataTransferAnswer(Answer):
    """`status` is Accepted, Rejected, UnknownMessageId or UnknownVendorId."""

    status: str
    data: object = None
