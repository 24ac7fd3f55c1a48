"""Stations and tokens from CSV files, wattseal's own or as other systems' tables come out of their databases.

Columns are known by any of their names, in any order, in any case; others are passed over. Comma, semicolon and tab
separate; a byte order mark is no part of the first name. One bad line stops nothing and is named.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from wattseal.base.errors import InputError, LimitError

MAX_BYTES = 16 * 1024 * 1024
MAX_LINES = 100_000
MAX_FIELD = 1024
MAX_RATING_W = 10_000_000
_NOTHING = frozenset({"", "NULL", "null", "\\N"})
"""How databases print a field that has no value."""
Columns = Mapping[str, tuple[str, ...]]
BodyOf = Callable[[dict[str, str]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file that can be enrolled: its number and the body for the API."""

    line: int
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BadRow:
    """One line of the file that cannot be enrolled, and why."""

    line: int
    why: str


STATION_COLUMNS: Columns = {
    "id": ("id", "station_id", "charge_box_id", "chargeboxid", "charging_station_id", "stationid"),
    "password": ("password",),
    "password_hex": ("password_hex", "authorization_key"),
    "evses": ("evses", "connectors", "number_of_connectors", "connector_count"),
    "rated_power_w": ("rated_power_w", "max_power_w"),
    "security_profile": ("security_profile", "securityprofile"),
}
TOKEN_COLUMNS: Columns = {
    "id_token": ("id_token", "idtoken", "id_tag", "idtag", "uid"),
    "type": ("type", "id_token_type", "idtokentype"),
    "status": ("status",),
    "blocked": ("blocked", "in_blacklist"),
    "expires_at": ("expires_at", "expiry_date", "expirydate", "cacheexpirydatetime"),
    "group": ("group", "parent_id_tag", "parentidtag", "group_id_token", "groupidtoken"),
    "max_active": ("max_active_transaction_count",),
    "party": ("party",),
    "account": ("account", "account_id"),
}
"""Our name of a column, and the names it goes by; `blocked` and `max_active` become a status."""


def read_stations(data: bytes) -> tuple[list[Row], list[BadRow]]:
    """Return the stations in a file, and what is wrong with other lines; `InputError` where the file has no ids."""
    return _read(data, STATION_COLUMNS, "id", _station)


def read_tokens(data: bytes) -> tuple[list[Row], list[BadRow]]:
    """Return the tokens in a file, and what is wrong with other lines; `InputError` where the file has none."""
    return _read(data, TOKEN_COLUMNS, "id_token", _token)


def _read(data: bytes, columns: Columns, needed: str, body_of: BodyOf) -> tuple[list[Row], list[BadRow]]:
    if len(data) > MAX_BYTES:
        raise LimitError(f"a file has up to {MAX_BYTES // 2**20} MiB; split it", code="too_large", subject="file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("the file is no UTF-8; save it as CSV UTF-8", code="not_utf8", subject="file") from error
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise LimitError(f"a file has up to {MAX_LINES} lines; split it", code="too_large", subject="file")
    head = lines[0] if lines else ""
    separator = max(",;\t", key=head.count)
    try:
        return _rows(csv.reader(lines, delimiter=separator, strict=True), columns, needed, body_of)
    except csv.Error as error:
        raise InputError(f"the file is no CSV: {error}", code="not_csv", subject="file") from error


def _rows(reader: Any, columns: Columns, needed: str, body_of: BodyOf) -> tuple[list[Row], list[BadRow]]:
    ours = {other: name for name, others in columns.items() for other in others}
    names = [ours.get(name.strip().casefold()) for name in next(reader, [])]
    if needed not in names:
        text = f"the first line names no column {needed} (known as {', '.join(columns[needed])})"
        raise InputError(text, code="no_column", subject=needed)
    good: list[Row] = []
    bad: list[BadRow] = []
    seen: set[str] = set()
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        given = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and _is_given(cell)}
        why = _wrong_with(given, needed, seen)
        if why is None:
            try:
                good.append(Row(reader.line_num, body_of(given)))
                seen.add(given[needed].casefold())
            except InputError as error:
                why = str(error)
        if why is not None:
            bad.append(BadRow(reader.line_num, why))
    return good, bad


def _is_given(cell: str) -> bool:
    return cell.strip() not in _NOTHING


def _wrong_with(given: dict[str, str], needed: str, seen: set[str]) -> str | None:
    if needed not in given:
        return f"{needed} is empty"
    if any(len(cell) > MAX_FIELD for cell in given.values()):
        return f"a field has more than {MAX_FIELD} characters"
    return f"{needed} stands in an earlier line" if given[needed].casefold() in seen else None


def _station(given: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {"id": given["id"]}
    body |= {name: given[name] for name in ("password", "password_hex") if name in given}
    if "evses" in given:
        rated = (
            {"rated_power_w": _number(given["rated_power_w"], "rated_power_w", MAX_RATING_W)}
            if "rated_power_w" in given
            else {}
        )
        body["evses"] = [{"id": number} | rated for number in range(1, _number(given["evses"], "evses", 256) + 1)]
    elif "rated_power_w" in given:
        raise InputError("rated_power_w is that of each EVSE; say in evses how many there are", subject="evses")
    if "security_profile" in given:
        body["security_profile"] = _number(given["security_profile"], "security_profile", 3)
    return body


def _token(given: dict[str, str]) -> dict[str, Any]:
    blocked = given.get("blocked", "").casefold() in {"1", "true", "yes"} or given.get("max_active") == "0"
    body: dict[str, Any] = {
        "id_token": given["id_token"],
        "type": given.get("type", "ISO14443"),
        "status": "Blocked" if blocked else given.get("status", "Accepted"),
    }
    body |= {name: given[name] for name in ("party", "account") if name in given}
    if "group" in given:
        body["group"] = {"id_token": given["group"], "type": body["type"]}
    if "expires_at" in given:
        body["expires_at"] = _time(given["expires_at"])
    return body


def _number(text: str, name: str, most: int) -> int:
    if not text.isdecimal() or not text.isascii() or int(text) > most:
        raise InputError(f"{name} is a whole number up to {most}", subject=name)
    return int(text)


def _time(text: str) -> str:
    """Return a time in RFC 3339; one without a zone, as databases print it, is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InputError("expires_at is written like 2027-01-31T12:00:00Z", subject="expires_at") from error
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).isoformat().replace("+00:00", "Z")
