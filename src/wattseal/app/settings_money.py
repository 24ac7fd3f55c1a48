"""The tables of the configuration that are about money: how sessions are billed, who sells them, who takes payments."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from wattseal.app.settings_base import Party, Seconds, Secret, Section
from wattseal.model.invoice import Language
from wattseal.rules.hold_policy import Homeless, OwnRisk


class Share(Section, frozen=True):
    """What somebody gets of the net of each charge: the `host` of its site, or the `party` whose driver it was."""

    percent: Decimal
    host: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    party: Party | None = None


Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
Prefix = Annotated[str, Meta(pattern=r"\A([A-Za-z0-9._-]|\{year\}){0,23}[._-]\Z", max_length=40)]
"""How invoice numbers begin, up to a point, dash or underscore; `{year}` in it is the year of the date."""


class Entity(Section, frozen=True):
    """A legal entity that sells charges: what its invoices say, how they are numbered. Give vat_id or tax_number."""

    id: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,36}\Z")]
    name: Line
    street: Line
    postal_code: Line
    city: Line
    country: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
    email: Line
    series: Prefix
    credit_series: Prefix
    vat_id: str | None = None
    tax_number: Line | None = None
    contact: Line | None = None
    phone: Line | None = None
    iban: str | None = None
    terms_days: Annotated[int, Meta(ge=0, le=365)] = 14
    exemption: Annotated[str, Meta(max_length=200)] = ""
    """Why sales without VAT are exempt."""
    language: Language = Language.ENGLISH
    time_zone: str = "UTC"
    """Its dates are those of this zone (IANA name)."""
    sites: tuple[str, ...] = ()
    """Ids of the sites whose charges it sells."""


class RiskGroup(Section, frozen=True):
    """Whose charges are let through when nobody can be asked, for the tokens of one group."""

    group: Annotated[str, Meta(min_length=1, max_length=255)]
    unreachable: OwnRisk | None = None
    offline: OwnRisk | None = None
    cap_wh: Annotated[int, Meta(ge=0)] | None = None


class Billing(Section, frozen=True):
    """How sessions are billed."""

    hold: Decimal = Decimal(50)
    """Money set aside on the driver's account for a charge, in the account's currency."""
    least_hold: Decimal = Decimal(5)
    """With less than this on the account no charge begins."""
    extend_at: Decimal = Decimal("0.8")
    """The share of what is held at which as much again is set aside."""
    watch_s: Seconds = 10.0
    """How often running charges are compared with what is held for them."""
    max_session_wh: Annotated[int, Meta(gt=0)] = 200_000
    """No decision of the CPO's allows a session more."""
    without_account: Homeless = Homeless.HOUSE
    """What becomes of tokens without account and eMSP: "house" (charge, nothing is held) or "refuse"."""
    unreachable: OwnRisk = OwnRisk.DENY
    """Who may charge when the eMSP does not answer: "deny", "local_list" or "capped"."""
    unreachable_cap_wh: Annotated[int, Meta(ge=0)] = 20_000
    """Up to so much, on the CPO's own risk."""
    offline: OwnRisk = OwnRisk.CAPPED
    """Whose charges are billed that a station began without asking: "deny", "local_list" or "capped"."""
    offline_cap_wh: Annotated[int, Meta(ge=0)] = 100_000
    """Above it such a session waits for a person."""
    offline_cap: Decimal = Decimal(100)
    """Above this cost, too, in the currency of the tariff."""
    offline_after_s: Annotated[int, Meta(ge=1)] = 300
    """A 1.6 start told so much later than it happened was begun without asking."""
    stop_after_s: Seconds = 15.0
    """A station that charges without authorisation is asked to stop after so long."""
    quarantine_days: Annotated[int, Meta(ge=1, le=365)] = 7
    """After that what is held for a quarantined session is given back, whatever is decided on it."""
    groups: tuple[RiskGroup, ...] = ()
    wait_s: Annotated[float, Meta(ge=0, le=86_400)] = 300.0
    """How long a bill waits for witnesses, whose cosignatures raise the evidence grade it prints."""
    shares: tuple[Share, ...] = ()
    entities: tuple[Entity, ...] = ()
    """Who sells; the first one wherever no other names the site."""


class PaymentProviderName(StrEnum):
    """Who takes payments: Stripe, or the embedded test provider, with which no money moves."""

    EMBEDDED = "embedded"
    STRIPE = "stripe"


class Payments(Section, frozen=True):
    """Payments by card: on the spot, and onto accounts."""

    provider: PaymentProviderName | None = None
    url: Annotated[str, Meta(pattern=r"^https?://[!-~]+$", max_length=400)] | None = None
    """Where drivers reach this CSMS's HTTP port; by default where it listens."""
    ad_hoc: Decimal | None = None
    """What is set aside for a charge on the spot, in the tariff's currency; without it nobody pays on the spot."""
    pay_within_s: Annotated[float, Meta(ge=60, le=86_400)] = 600.0
    """How long a driver may take on the provider's page."""
    start_within_s: Annotated[float, Meta(ge=30, le=3600)] = 300.0
    """How long after paying a charge may begin; then all is released."""
    stripe_api_key: Secret | None = None
    stripe_webhook_secret: Secret | None = None
    stripe_address: Annotated[str, Meta(pattern=r"^https?://[!-~]+$")] | None = None
    """Where Stripe's API is, if not at Stripe."""
    allow_test_money: bool = False
    """Let the embedded test provider be used beyond --insecure-dev on loopback: then everybody charges for nothing."""
