"""Facts: what a station says happened, whatever OCPP version it said it in.

`items` are encoded wattseal records that travelled with the message (customData in 2.x, DataTransfer in 1.6).
Timestamps are the station's, aware, UTC.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.certificates import CertificateId
from wattseal.model.message import Fact
from wattseal.model.metering import Reading
from wattseal.model.token import IdToken


@dataclass(frozen=True, slots=True)
class BootReported(Fact):
    """BootNotification: the station (re)started."""

    vendor: str
    model: str
    serial: str | None = None
    firmware: str | None = None
    reason: str | None = None
    items: tuple[bytes, ...] = ()


class HeartbeatReported(Fact, Struct, frozen=True, gc=False):
    """Heartbeat: the station lives."""

    items: tuple[bytes, ...] = ()


class StatusReported(Fact, Struct, frozen=True, gc=False):
    """StatusNotification; `status` in 2.x words (Available, Occupied, Reserved, Unavailable, Faulted).

    `detail` keeps the 1.6 word (Preparing, Charging, ...), and what follows are 1.6's words about an error; `evse_id` 0
    is the station.
    """

    evse_id: EvseId
    connector_id: int
    status: str
    at: datetime | None = None
    detail: str | None = None
    error_code: str | None = None
    info: str | None = None
    vendor_id: str | None = None
    vendor_error_code: str | None = None


class AuthorizationRequested(Fact, Struct, frozen=True, gc=False):
    """Authorize: a driver presented a token.

    A car's contract comes as `certificate`, PEM of the chain, or as `hashes` of each with its OCSP URL (C07).
    """

    id_token: IdToken
    items: tuple[bytes, ...] = ()
    certificate: str | None = None
    hashes: tuple[tuple[CertificateId, str], ...] = ()


class TransactionStarted(Fact, Struct, frozen=True, gc=False):
    """StartTransaction (1.6, `transaction_id` None: the CSMS assigns it) or TransactionEvent Started (2.x).

    `charging_state` is a ChargingStateEnumType of 2.x.
    """

    evse_id: EvseId
    at: datetime
    transaction_id: TransactionId | None = None
    connector_id: int | None = None
    id_token: IdToken | None = None
    register_wh: Decimal | None = None
    readings: tuple[Reading, ...] = ()
    seq_no: int | None = None
    offline: bool = False
    trigger: str | None = None
    remote_start_id: int | None = None
    items: tuple[bytes, ...] = ()
    reservation_id: int | None = None
    charging_state: str | None = None


class TransactionUpdated(Fact, Struct, frozen=True, gc=False):
    """TransactionEvent Updated (2.x); `charging_s` is the time energy has flowed (timeSpentCharging)."""

    transaction_id: TransactionId
    at: datetime
    seq_no: int
    evse_id: EvseId | None = None
    id_token: IdToken | None = None
    readings: tuple[Reading, ...] = ()
    offline: bool = False
    trigger: str | None = None
    items: tuple[bytes, ...] = ()
    reservation_id: int | None = None
    remote_start_id: int | None = None
    connector_id: int | None = None
    charging_state: str | None = None
    charging_s: int | None = None


class TransactionEnded(Fact, Struct, frozen=True, gc=False):
    """StopTransaction (1.6) or TransactionEvent Ended (2.x); `register_wh` is the meter's stop register."""

    transaction_id: TransactionId
    at: datetime
    register_wh: Decimal | None = None
    reason: str | None = None
    evse_id: EvseId | None = None
    id_token: IdToken | None = None
    readings: tuple[Reading, ...] = ()
    seq_no: int | None = None
    offline: bool = False
    trigger: str | None = None
    items: tuple[bytes, ...] = ()
    charging_state: str | None = None
    charging_s: int | None = None


class MeterReported(Fact, Struct, frozen=True, gc=False):
    """MeterValues outside 2.x transactions, or inside a 1.6 one."""

    evse_id: EvseId
    readings: tuple[Reading, ...]
    transaction_id: TransactionId | None = None
    items: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class DataTransferred(Fact):
    """DataTransfer: a vendor's own message; `data` is JSON text or a JSON value as received."""

    vendor_id: str
    message_id: str | None
    data: object
