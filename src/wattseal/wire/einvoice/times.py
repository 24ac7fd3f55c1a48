"""Instants as a place's clock shows them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from wattseal.model.invoice import InvoiceLine
from wattseal.wire.einvoice.words import Words


def local_day(ms: int, zone: str) -> date:
    """Return the date of Unix milliseconds in an IANA time zone."""
    return datetime.fromtimestamp(ms / 1000, ZoneInfo(zone)).date()


def time_span(line: InvoiceLine, words: Words) -> str:
    """Return from when to when a session was, on its place's clock; an hour that comes twice says which it is."""
    start, end = (datetime.fromtimestamp(ms / 1000, ZoneInfo(line.zone)) for ms in (line.started_ms, line.ended_ms))
    last = f"{end:%H:%M}" if start.date() == end.date() else f"{words.day(end.date())} {end:%H:%M}"
    if start.utcoffset() != end.utcoffset():
        return f"{words.day(start.date())} {start:%H:%M} {start:%Z} - {last} {end:%Z}"
    return f"{words.day(start.date())} {start:%H:%M} - {last}"
