"""Commands of everyday operation: start, stop, unlock, restart, take in and out of service, ask for a message.

`evse_id` 0 is the station itself. Numbers are the station's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.message import Answer, Command
from wattseal.model.token import IdToken

STATION = EvseId(0)
"""The station itself."""


@dataclass(frozen=True, slots=True)
class StartRequested(Command):
    """Start a transaction for a token (2.x F01, F02; 1.6 section 5.11); `evse_id` None lets the station choose.

    `remote_start_id` comes back in the 2.x transaction; 1.6 has none. `profile` is a charging profile for this
    transaction in the protocol's own words.
    """

    id_token: IdToken
    remote_start_id: int | None = None
    evse_id: EvseId | None = None
    group: IdToken | None = None
    profile: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class StopRequested(Command):
    """Stop a transaction of this station (2.x F03; 1.6 section 5.12)."""

    transaction_id: TransactionId


class ResetKind(StrEnum):
    """How to restart: IMMEDIATE ends transactions in order first (1.6 Soft); HARD need not (1.6 Hard).

    ON_IDLE waits until nobody charges (2.x only), RESUME goes on with the transactions afterwards (2.1 only).
    """

    IMMEDIATE = "Immediate"
    ON_IDLE = "OnIdle"
    RESUME = "ImmediateAndResume"
    HARD = "Hard"


@dataclass(frozen=True, slots=True)
class ResetRequested(Command):
    """Restart the station, or one EVSE (2.x B11, B12; 1.6 section 5.14)."""

    kind: ResetKind
    evse_id: EvseId | None = None


@dataclass(frozen=True, slots=True)
class UnlockRequested(Command):
    """Let a driver's cable go (2.x F05; 1.6 section 5.18)."""

    evse_id: EvseId
    connector_id: int = 1


@dataclass(frozen=True, slots=True)
class AvailabilityRequested(Command):
    """Take a station, EVSE or connector in or out of service (2.x G03, G04; 1.6 section 5.2)."""

    operational: bool
    evse_id: EvseId = STATION
    connector_id: int | None = None


@dataclass(frozen=True, slots=True)
class TriggerRequested(Command):
    """Have a message sent now, `message` in 2.x words (2.x F06; 1.6 section 5.17)."""

    message: str
    evse_id: EvseId | None = None
    connector_id: int | None = None
    custom: str | None = None


@dataclass(frozen=True, slots=True)
class ExtendedTriggerRequested(Command):
    """The same with the messages of the 1.6 security whitepaper (1.6 only, section 4.1 there)."""

    message: str
    evse_id: EvseId | None = None


@dataclass(frozen=True, slots=True)
class CacheClearRequested(Command):
    """Forget all remembered authorisations (2.x C11; 1.6 section 5.4)."""


@dataclass(frozen=True, slots=True)
class TransactionStatusRequested(Command):
    """Ask whether a transaction goes on and whether messages wait to be delivered (2.x E14)."""

    transaction_id: TransactionId | None = None


@dataclass(frozen=True, slots=True)
class Responded(Answer):
    """A status word of 2.x; `reason` and `detail` are the station's own (2.x statusInfo)."""

    status: str
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class StartResponded(Answer):
    """To a start: `transaction_id` is told where the cable was plugged in already (2.x F02)."""

    status: str
    transaction_id: TransactionId | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class TransactionStatusResponded(Answer):
    """`ongoing` is None where no transaction was named."""

    messages_in_queue: bool
    ongoing: bool | None = None
