"""What an eMSP keeps: customers with their accounts, holds, and charges as it knows them."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from wattseal.model.billing import TaxShare
from wattseal.model.token import IdToken, TokenStatus
from wattseal.model.verdict import Grade, Source

ZERO = Decimal(0)
BY_DIRECTORY = "directory"
"""Reason of a charge that started offline, on the directory its edge holds."""
NOT_FRESH = "request_not_fresh"
"""Reason of a charge whose request came too late to be decided on."""


@dataclass(frozen=True, slots=True)
class Account:
    """One customer's money in one currency: `held` by open holds, `captured` by settled charges, both within `limit`.

    `captured` may pass `limit` when a charge turned out dearer than its hold.
    """

    currency: str
    limit: Decimal
    held: Decimal = ZERO
    captured: Decimal = ZERO

    @property
    def available(self) -> Decimal:
        """What a new hold may take."""
        return self.limit - self.held - self.captured


@dataclass(frozen=True, slots=True)
class Customer:
    """A contract: a token, whether it may charge, its account; `open_charges` are subjects (hex) with money held.

    `card` is whether the token's number may be shown: one that was copied is blocked, and the customer goes on by app.
    `card_key` (SPKI) is the public key of a card that proves itself: its number alone charges nothing.
    """

    id_token: IdToken
    status: TokenStatus
    account: Account
    open_charges: tuple[str, ...] = ()
    card: TokenStatus = TokenStatus.ACCEPTED
    card_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class App:
    """An app of a customer (by the canonical form of the token), and whether its codes are good."""

    customer: str
    status: TokenStatus = TokenStatus.ACCEPTED


@dataclass(frozen=True, slots=True)
class UsedCode:
    """That a code was used, and for which charge (its subject, hex)."""

    subject: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A token that a CPO drew for the charge of a code: whose it is, where and until when, and for which charge so far.

    `reference` is the code's (hex); `subject` the latest charge decided on.
    """

    customer: str
    reference: str
    cpo: str
    station: str
    evse_id: int
    until_ms: int
    subject: str


class HoldState(StrEnum):
    """A hold is open until the charge is settled (captured) or did not come about (released)."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside for one charge; `captured` is what the charge cost in the end."""

    amount: Decimal
    currency: str
    state: HoldState = HoldState.OPEN
    captured: Decimal = ZERO


class ChargeStatus(StrEnum):
    """How far a charge has come, in the eMSP's eyes."""

    DECLINED = "declined"
    AUTHORISED = "authorised"
    CHARGING = "charging"
    ENDED = "ended"
    SETTLED = "settled"
    CREDITED = "credited"
    DISPUTED = "disputed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Dispute:
    """Why a charge is disputed: the verification step (None where no step failed), a reason code, and what it is about.

    `field` and `record` name the place; hashes of conflicting evidence stand in `detail`.
    """

    step: int | None
    reason: str
    field: str = ""
    record: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Bill:
    """What a verified bundle comes to: energy by its records, cost by the tariff agreed in the decision.

    `taxes` are the parts of the total under each rate.
    """

    energy_wh: Decimal
    grade: Grade
    source: Source
    currency: str
    total_excl_vat: Decimal
    total_incl_vat: Decimal
    taxes: tuple[TaxShare, ...] = ()


@dataclass(frozen=True, slots=True)
class Metered:
    """What was relayed while charging: registers in Wh, and the secret that opens the meter group (hex).

    `step_wh` is what the latest record added.
    """

    secret: str | None = None
    start_wh: Decimal | None = None
    register_wh: Decimal | None = None
    records: int = 0
    step_wh: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge from request to settlement. Hashes and the subject are hex; `alarms` are codes, each once.

    `evse_id` is 0 where the request did not say.

    `stop` is the record by which it was told to stop.

    `bundle` is the SHA-256 of the bundle the present verdict rests on, `facts` a digest of what that bundle says.
    `cdr` is the id of the CDR that asks for it, `cdr_dispute` where that asks for something else than the bill.
    `identity_level` is how sure it is who charged (rules.identity_level).
    """

    subject: str
    cpo: str
    origin: str
    evse_id: int
    request: str
    decision: str
    tariff: str | None
    status: ChargeStatus
    token_status: TokenStatus
    reason: str | None
    customer: str | None
    requested_ms: int
    expires_ms: int
    auth_id: str
    cap_wh: int | None = None
    hold: Hold | None = None
    metered: Metered = Metered()
    ended: str | None = None
    bundle: str | None = None
    facts: str | None = None
    settlement: str | None = None
    bill: Bill | None = None
    dispute: Dispute | None = None
    alarms: tuple[str, ...] = ()
    cdr: str | None = None
    cdr_dispute: Dispute | None = None
    stop: str | None = None
    identity_level: str | None = None

    @property
    def by_directory(self) -> bool:
        """Whether it started on a directory given to the edge in advance, with nobody to ask."""
        return self.reason == BY_DIRECTORY

    @property
    def station(self) -> str:
        """The station's id."""
        return self.origin.partition("/")[2].partition("~")[0]

    def with_alarm(self, code: str) -> tuple[str, ...]:
        """Return the alarms with this one among them."""
        return self.alarms if code in self.alarms else (*self.alarms, code)
