"""The tables of an export: which of its sections are CSV files too, and what a row of them has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from wattseal.flow.charges.bundling import utc_from_ms
from wattseal.flow.privacy.plain import Row
from wattseal.rules.holding import in_units

Cell = str | int | Decimal | None


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file: the section it is of, and by column what of a row stands there."""

    section: str
    columns: Mapping[str, Callable[[Row], Cell]]


def _field(*path: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        value: Any = row
        for name in path:
            value = None if value is None else value.get(name)
        return value if value is None or isinstance(value, int) else str(value)

    return cell


def _number(*path: str) -> Callable[[Row], Cell]:
    """Return what is a decimal in digits: a number in a spreadsheet too."""
    text = _field(*path)

    def cell(row: Row) -> Cell:
        value = text(row)
        return None if value is None else Decimal(value)

    return cell


def _time(name: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        ms = row.get(name)
        return None if ms is None else utc_from_ms(ms).isoformat(timespec="seconds").replace("+00:00", "Z")

    return cell


def _minor(name: str) -> Callable[[Row], Cell]:
    return lambda row: in_units(row[name], row["currency"])


def _place(row: Row) -> Cell:
    place = row.get("place")
    return None if place is None else f"{place['name']}, {place['address']}, {place['city']}"


TABLES: Mapping[str, Table] = {
    "sessions.csv": Table(
        "sessions",
        {
            "session": _field("id"),
            "place": _place,
            "station": _field("station_id"),
            "charging_point": _field("evse_id"),
            "card": _field("card", "value"),
            "started": _time("started_ms"),
            "ended": _time("ended_ms"),
            "energy_wh": _number("energy_wh"),
            "charged": _number("charged"),
            "currency": _field("currency"),
            "billing": _field("billing"),
            "evidence": _field("evidence"),
        },
    ),
    "bills.csv": Table(
        "bills",
        {
            "bill": _field("id"),
            "station": _field("station_id"),
            "started": _time("started_ms"),
            "ended": _time("ended_ms"),
            "billed": _time("billed_ms"),
            "energy_wh": _number("energy_wh"),
            "net": _number("total", "before_tax"),
            "charged": lambda row: _number("total", "after_tax")(row) or _number("total", "before_tax")(row),
            "currency": _field("currency"),
            "tariff": _field("tariff_id"),
            "state": _field("state"),
            "invoice": _field("invoice"),
            "credit_note": _field("credit_note"),
            "receipt": _field("receipt"),
        },
    ),
    "ledger.csv": Table(
        "ledger",
        {
            "number": _field("number"),
            "at": _time("at_ms"),
            "what": _field("kind"),
            "amount": _number("amount"),
            "balance": _number("balance"),
            "currency": _field("currency"),
            "session": _field("subject"),
            "memo": _field("memo"),
        },
    ),
    "payments.csv": Table(
        "payments",
        {
            "payment": _field("id"),
            "begun": _time("created_ms"),
            "purpose": _field("purpose"),
            "state": _field("state"),
            "asked": _minor("amount"),
            "captured": _minor("captured"),
            "refunded": _minor("refunded"),
            "currency": _field("currency"),
            "provider": _field("provider"),
            "reference": _field("reference"),
        },
    ),
    "cards.csv": Table(
        "cards",
        {
            "card": _field("id_token", "value"),
            "type": _field("id_token", "type"),
            "status": _field("status"),
            "expires": _field("expires_at"),
            "group": _field("group", "value"),
        },
    ),
    "reservations.csv": Table(
        "reservations",
        {
            "station": _field("station_id"),
            "charging_point": _field("evse_id"),
            "card": _field("id_token", "value"),
            "asked": _time("requested_ms"),
            "until": _field("expires_at"),
            "status": _field("status"),
            "session": _field("transaction"),
        },
    ),
}
"""By name of the file."""
