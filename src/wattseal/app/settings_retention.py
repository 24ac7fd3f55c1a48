"""The table of the configuration that says how long things are kept, and the keys it had in other tables before."""

from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import Meta

from wattseal.app.settings_base import Section
from wattseal.base.errors import ConfigError

Days = Annotated[int, Meta(ge=1, le=3650)]


class Retention(Section, frozen=True):
    """How long each kind of stored data is kept; what is not set is kept until the person is erased."""

    frames_days: Annotated[float, Meta(gt=0, le=3650)] = 7.0
    """OCPP frames for looking things up."""
    customer_reports_days: Days = 7
    """Reports about customers that stations were asked for."""
    uploads_days: Days = 30
    """Files that stations uploaded."""
    export_links_days: Annotated[int, Meta(ge=1, le=90)] = 7
    """Links by which drivers fetch what is held about them."""
    reservations_days: Days | None = None
    """Reservations, once they are over."""
    vehicle_needs_days: Days | None = None
    """What vehicles told they need (ISO 15118)."""
    invoices_years: Annotated[int, Meta(ge=1, le=100)] = 10
    """Files of invoices, from the end of the year they were issued in; never less than the seller's law says."""
    business_year_ends: Annotated[int, Meta(ge=1, le=12)] = 12
    """The month with whose end the seller closes its books; what is issued after it is of the next year."""


MOVED: Mapping[str, str] = {
    "frames.days": "frames_days",
    "devices.customer_days": "customer_reports_days",
    "uploads.keep_days": "uploads_days",
    "billing.retention_years": "invoices_years",
}
"""Keys of earlier versions, still read: which key of [retention] each is now."""


def take_over(tree: dict[str, Any]) -> None:
    """Put keys of earlier versions where they are now, in place; one given in both places is a `ConfigError`."""
    for place, new in MOVED.items():
        table, _, key = place.partition(".")
        section = tree.get(table)
        if not isinstance(section, dict) or key not in section:
            continue
        retention = tree.setdefault("retention", {})
        if not isinstance(retention, dict) or new in retention:
            text = f"it is retention.{new} now, which is given as well; remove {place}"
            raise ConfigError(text, code="moved_key", subject=place)
        retention[new] = section.pop(key)
        if not section:
            del tree[table]
