"""Three tariffs of the month: energy with a fee, time of use with a fee for standing, and one in another currency."""

from datetime import UTC, datetime, time
from decimal import Decimal

from wattseal.model.tariff import PriceComponent, Restrictions, Tariff, TariffElement

_AT = datetime(2026, 1, 1, tzinfo=UTC)
_VAT = Decimal(19)


def _tariff(name: str, currency: str, *elements: TariffElement, country: str = "DE", idle_grace_s: int = 0) -> Tariff:
    return Tariff(
        country_code=country,
        party_id="CPO",
        id=name,
        currency=currency,
        elements=elements,
        last_updated=_AT,
        time_zone="Europe/Berlin",
        idle_grace_s=idle_grace_s,
    )


def _priced(kind: str, price: str, vat: Decimal | None = _VAT, step: int = 1) -> PriceComponent:
    return PriceComponent(kind, Decimal(price), vat, step)


STANDARD = _tariff("STANDARD", "EUR", TariffElement((_priced("ENERGY", "0.49"), _priced("FLAT", "0.35"))))
TIME_OF_USE = _tariff(
    "TIME-OF-USE",
    "EUR",
    TariffElement((_priced("ENERGY", "0.29"),), Restrictions(start_time=time(22), end_time=time(6))),
    TariffElement((_priced("ENERGY", "0.55"),)),
    TariffElement((_priced("PARKING_TIME", "3.00", step=60),)),
    idle_grace_s=900,
)
FOREIGN = _tariff("FOREIGN", "SEK", TariffElement((_priced("ENERGY", "5.20", Decimal(25)),)), country="SE")
