"""A stretch of time and its steps in a page's address: so a view can be kept, sent and opened again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from wattseal.base.errors import InputError
from wattseal.model.revenue import StepSize
from wattseal.serve.web.texts import marked as _

CUSTOM, DEFAULT = "custom", "90d"
DAYS = {"7d": 7, "30d": 30, "90d": 90}
MONTHS = "12m"
THIS_MONTH, LAST_MONTH = "month", "last-month"
NAMES: Mapping[str, str] = {
    "7d": _("7 days"),
    "30d": _("30 days"),
    "90d": _("90 days"),
    MONTHS: _("12 months"),
    THIS_MONTH: _("This month"),
    LAST_MONTH: _("Last month"),
    CUSTOM: _("From … to …"),
}
STEPS: Mapping[StepSize, str] = {
    StepSize.DAY: _("Days"),
    StepSize.WEEK: _("Weeks"),
    StepSize.MONTH: _("Months"),
}
MAX_DAYS = 3700
_FEW_DAYS, _SOME_DAYS = 31, 200


@dataclass(frozen=True, slots=True)
class Range:
    """From the midnight before `first` to the one after `last`, by the clock of the reader's zone, in Unix ms."""

    name: str
    first: date
    last: date
    from_ms: int
    to_ms: int
    step: StepSize


def range_of(query: Mapping[str, str], zone: ZoneInfo, now_ms: int) -> Range:
    """Return the stretch that an address asks for: `range`, `from`, `to` and `step`; `InputError` for what is none."""
    name = query.get("range") or (CUSTOM if query.get("from") or query.get("to") else DEFAULT)
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    first, last = _days(name, query, today)
    days = (last - first).days + 1
    if not 0 < days <= MAX_DAYS:
        text = _("give a first day and a last one behind it, at most ten years apart")
        raise InputError(text, code="bad_period", subject="from")
    step = query.get("step", "")
    chosen = StepSize(step) if step in set(STEPS) else _step(days)
    return Range(name, first, last, midnight_ms(first, zone), midnight_ms(last + timedelta(days=1), zone), chosen)


def _days(name: str, query: Mapping[str, str], today: date) -> tuple[date, date]:
    if name in DAYS:
        return today - timedelta(days=DAYS[name] - 1), today
    if name == THIS_MONTH:
        return today.replace(day=1), today
    if name == LAST_MONTH:
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    if name == MONTHS:
        months = today.year * 12 + today.month - 1 - 11
        return date(months // 12, months % 12 + 1, 1), today
    last = _day(query.get("to", ""), today)
    return _day(query.get("from", ""), last - timedelta(days=DAYS[DEFAULT] - 1)), last


def _day(told: str, otherwise: date) -> date:
    if not told:
        return otherwise
    try:
        found = date.fromisoformat(told)
    except ValueError as error:
        raise InputError(_("write a day like 2026-01-31"), code="bad_day", subject="from") from error
    if not 1970 < found.year < 2100:
        raise InputError(_("write a day like 2026-01-31"), code="bad_day", subject="from")
    return found


def _step(days: int) -> StepSize:
    """Return steps of which there are neither too few nor too many."""
    if days <= _FEW_DAYS:
        return StepSize.DAY
    return StepSize.WEEK if days <= _SOME_DAYS else StepSize.MONTH


def midnight_ms(day: date, zone: ZoneInfo) -> int:
    """Return when a day begins, in Unix milliseconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
