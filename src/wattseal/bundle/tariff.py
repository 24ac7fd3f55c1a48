"""A tariff inside a TARIFF record's public field 1 (docs/spec/bundle.md, "Tariff").

Holds what is priced today: components without restrictions, minimum or maximum. Anything else is refused when the
record is written, so that no reader ever prices less than the tariff says.
"""

from datetime import UTC, datetime
from typing import Any

from wattseal.base.errors import InputError
from wattseal.model.tariff import PriceComponent, Tariff, TariffElement, TaxIncluded
from wattseal.seal.dcbor import CborError
from wattseal.seal.fields import decimal_from, decimal_to_value


def tariff_to_value(tariff: Tariff) -> dict[int, Any]:
    """Return the tariff's map; `InputError` names what cannot be carried."""
    beyond = {
        "restrictions": any(e.restrictions is not None for e in tariff.elements),
        "min_price": tariff.min_price is not None,
        "max_price": tariff.max_price is not None,
        "tax_included": tariff.tax_included is not TaxIncluded.NO,
    }
    for name, present in beyond.items():
        if present:
            raise InputError(f"a tariff with {name} cannot be signed yet", code="tariff_unsupported", subject=name)
    value: dict[int, Any] = {
        1: tariff.country_code,
        2: tariff.party_id,
        3: tariff.id,
        4: tariff.currency,
        5: [[_component_to_value(c) for c in e.components] for e in tariff.elements],
        6: _ms(tariff.last_updated),
    }
    if tariff.start_at is not None:
        value[7] = _ms(tariff.start_at)
    if tariff.end_at is not None:
        value[8] = _ms(tariff.end_at)
    return value


def tariff_from_value(value: Any) -> Tariff:
    """Read a tariff's map; `CborError` names the field."""
    match value:
        case {1: str(country), 2: str(party), 3: str(name), 4: str(currency), 5: [*elements], 6: int(updated)} if (
            value.keys() <= set(range(1, 9))
        ):
            return Tariff(
                country_code=country,
                party_id=party,
                id=name,
                currency=currency,
                elements=tuple(TariffElement(tuple(_component_from(c) for c in _list(e))) for e in elements),
                last_updated=moment(updated),
                start_at=None if value.get(7) is None else moment(value[7]),
                end_at=None if value.get(8) is None else moment(value[8]),
            )
    raise CborError("a tariff is {1: country, 2: party, 3: id, 4: currency, 5: elements, 6: updated}", subject="tariff")


def moment(ms: Any) -> datetime:
    """Return Unix milliseconds as an aware UTC time."""
    if type(ms) is not int or not 0 <= ms < 2**47:
        raise CborError("a time is Unix milliseconds", subject="time")
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _component_to_value(component: PriceComponent) -> list[Any]:
    vat = None if component.vat_percent is None else decimal_to_value(component.vat_percent)
    return [component.type, decimal_to_value(component.price), vat, component.step_size]


def _component_from(value: Any) -> PriceComponent:
    match value:
        case [str(kind), amount, vat, int(step_size)]:
            percent = None if vat is None else decimal_from(vat, "vat")
            return PriceComponent(kind, decimal_from(amount, "price"), percent, step_size)
    raise CborError("a component is [type, price, vat, step size]", subject="component")


def _list(value: Any) -> list[Any]:
    if type(value) is not list:
        raise CborError("an element is a list of components", subject="element")
    return value
