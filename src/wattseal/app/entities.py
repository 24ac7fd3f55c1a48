"""The legal entities that sell, as configured: numbers that hold their checks, series that no two share."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import msgspec
from stdnum import iban

from wattseal.app.settings_money import Entity
from wattseal.base.errors import ConfigError
from wattseal.model.invoice import LegalEntity
from wattseal.rules.vat import canonical_vat

PLACE = "billing.entities"


def legal_entities(chosen: Sequence[Entity]) -> tuple[LegalEntity, ...]:
    """Return them; `ConfigError` names what cannot be used."""
    series = [prefix for entity in chosen for prefix in (entity.series, entity.credit_series)]
    _once([entity.id for entity in chosen], "two entities have the id {}")
    _once(series, "the series {} is used twice; numbers of different series must differ")
    _once([site for entity in chosen for site in entity.sites], "two entities sell the charges of the site {}")
    return tuple(_entity(entity) for entity in chosen)


def _once(values: list[str], text: str) -> None:
    twice = next((value for n, value in enumerate(values) if value in values[:n]), None)
    if twice is not None:
        raise ConfigError(text.format(twice), code="bad_entity", subject=PLACE)


def _entity(entity: Entity) -> LegalEntity:
    vat_id = None if entity.vat_id is None else canonical_vat(entity.vat_id)
    if entity.vat_id is not None and vat_id is None:
        raise _bad(entity, f"{entity.vat_id} has not the form of a VAT number of its country")
    if vat_id is None and entity.tax_number is None:
        raise _bad(entity, "give vat_id or tax_number; an invoice names one of them")
    if entity.iban is not None and not iban.is_valid(entity.iban):
        raise _bad(entity, "the IBAN's check digits are wrong")
    try:
        ZoneInfo(entity.time_zone)
    except (ValueError, OSError, KeyError) as error:
        raise _bad(entity, f"there is no time zone {entity.time_zone}; give an IANA name") from error
    values = msgspec.structs.asdict(entity)
    account = None if entity.iban is None else iban.compact(entity.iban)
    return LegalEntity(**values | {"vat_id": vat_id, "iban": account, "sites": frozenset(entity.sites)})


def _bad(entity: Entity, text: str) -> ConfigError:
    return ConfigError(f"{entity.id}: {text}", code="bad_entity", subject=PLACE)
