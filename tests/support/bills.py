"""Bills made by hand, as a biller would make them."""

import hashlib
from decimal import Decimal

from wattseal.model.billing import Bill, BillState, TaxShare
from wattseal.model.invoice import Buyer, Language, LegalEntity
from wattseal.model.tariff import Price
from wattseal.model.verdict import Grade, Source
from wattseal.pricing.money import rounded

DAY_MS = 86_400_000
AT_MS = 1_793_520_000_000
"""2026-11-01T08:00:00Z."""

GMBH = LegalEntity(
    id="gmbh",
    name="Ladewerk GmbH",
    street="Am Güterbahnhof 4",
    city="Köln",
    postal_code="50667",
    country="DE",
    email="rechnung@ladewerk.example",
    series="LW-{year}-",
    credit_series="LWG-{year}-",
    vat_id="DE123456789",
    contact="Buchhaltung",
    phone="+49 221 5550100",
    iban="DE89370400440532013000",
    language=Language.GERMAN,
    time_zone="Europe/Berlin",
)
DRIVER = Buyer(name="Jürgen Groß", street="Lindenstraße 7", city="Bonn", postal_code="53111", country="DE")


def share(net: str, percent: str | None) -> TaxShare:
    rate = None if percent is None else Decimal(percent)
    amount = Decimal(net)
    return TaxShare(rate, amount, rounded(amount * (rate or Decimal(0)) / 100, 2))


def bill(
    number: int,
    *shares: TaxShare,
    account: str = "a" * 32,
    currency: str = "EUR",
    state: BillState = BillState.BILLED,
    day: int = 0,
    station_id: str = "ST1",
    invoice: str | None = None,
    energy_wh: str = "12345",
) -> Bill:
    digest = hashlib.sha256(f"{account}/{number}".encode()).hexdigest()
    taxes = shares or (share("5.00", "19"),)
    net = sum((s.net for s in taxes), Decimal(0))
    started = AT_MS + day * DAY_MS + number * 1000
    return Bill(
        id=digest[:32],
        evidence=digest,
        account=account,
        party=None,
        station_id=station_id,
        evse_id=1 + number % 2,
        started_ms=started,
        ended_ms=started + 3_600_000,
        energy_wh=Decimal(energy_wh),
        currency=currency,
        total=Price(net, net + sum((s.tax for s in taxes), Decimal(0))),
        taxes=taxes,
        tariff="00" * 32,
        tariff_id="T-DAY",
        country="DE",
        grade=Grade.G3,
        source=Source.METER,
        posting=f"charge/{digest}",
        billed_ms=started + 3_700_000,
        state=state,
        invoice=invoice,
    )
