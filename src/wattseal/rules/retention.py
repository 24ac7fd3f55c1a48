"""How long each kind of stored data is kept: one schedule, which settings, timers, pages and the manual all show.

What law has kept is not shortened below it. What is proved is kept for good: a record taken out would break the chain
for everybody, so that what tells who charged is destroyed instead (`flow.privacy`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

DAY_MS = 86_400_000

LEGAL_YEARS: Mapping[str, int] = {"AT": 7, "BE": 10, "CH": 10, "DE": 8, "FR": 10, "IT": 10, "LU": 10, "NL": 7, "SE": 7}
"""By country of the seller: how many years it has to keep the invoices it issued, as read in November 2026.

DE: § 14b (1) UStG, § 147 (3) AO, § 257 (4) HGB: eight years since 1 January 2025 (ten before), also for what was issued
before; AT: § 132 BAO; CH: Art. 958f OR; FR: L123-22 code de commerce; BE: art. 60 code TVA, ten since 2023; NL: art. 52
AWR; IT: art. 2220 codice civile; LU: art. 16 code de commerce; SE: 7 kap. 2 § bokföringslagen.
They run from the end of the calendar year of issue (DE § 257 (5) HGB, § 147 (4) AO; BE), or only from the end of the
business year (CH, FR, LU, NL, SE) or of the calendar year that one ends in (AT): `kept_from` takes the latest of these.
Elsewhere the operator has to know.
"""
DECEMBER = 12


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """What an operator has chosen, in days or years; None: until the person is erased.

    `business_year_ends` is the month, 1 to 12, with whose end the seller closes its books.
    """

    frames_days: float = 7.0
    customer_reports_days: int = 7
    uploads_days: int = 30
    export_links_days: int = 7
    reservations_days: int | None = None
    vehicle_needs_days: int | None = None
    invoices_years: int = 10
    business_year_ends: int = DECEMBER


DEFAULT_RETENTION = RetentionPolicy()


@dataclass(frozen=True, slots=True)
class Line:
    """One kind of data: what it is, how long it is kept (`setting` of [retention], or words), and what then."""

    what: str
    setting: str | None
    fixed: str
    then: str


SCHEDULE: tuple[Line, ...] = (
    Line("OCPP frames, for looking things up", "frames_days", "", "removed; earlier where frames.max_mib is reached"),
    Line("reports about customers that stations were asked for", "customer_reports_days", "", "removed"),
    Line("uploaded logs", "uploads_days", "", "removed"),
    Line("links by which drivers fetch their data", "export_links_days", "", "void, removed with the next one"),
    Line("reservations that are over", "reservations_days", "", "removed"),
    Line("what vehicles told they need", "vehicle_needs_days", "", "removed"),
    Line("files of invoices", "invoices_years", "", "removed; numbers and amounts stay"),
    Line("what meters signed for people who were erased", "invoices_years", "", "destroyed; registers stay"),
    Line("marks of card numbers that were tried in vain", None, "two hours", "removed"),
    Line("requests remembered under an Idempotency-Key", None, "a day", "removed"),
    Line("cards, names and addresses", None, "until erased", "removed"),
    Line("cards and frames in records", None, "until erased", "destroyed with their salts; records and log stay"),
    Line("registers, signed records, chain and log", None, "for good", "invoices and proofs rest on them"),
    Line("sessions, bills, postings", None, "for good", "under random numbers once the person is erased"),
    Line("backups", None, "as you keep them", "erase again what was erased since, after you restore one"),
)
UNTIL_ERASED = "until erased"


def lasts(line: Line, policy: RetentionPolicy) -> str:
    """Return for how long a kind is kept, in words."""
    if line.setting is None:
        return line.fixed
    value = getattr(policy, line.setting)
    if value is None:
        return UNTIL_ERASED
    if line.setting.endswith("_years"):
        return f"{value} years from the end of the year"
    return f"{value:g} days"


def kept_from(on: date, business_year_ends: int) -> int:
    """Return the year with whose end the time of what was issued on a day begins: the one its business year ends in."""
    return on.year + (1 if on.month > business_year_ends else 0)


def due_before(today: date, policy: RetentionPolicy) -> date:
    """Return the day before which all that was issued is over by now: the inverse of `kept_from`."""
    year = today.year - policy.invoices_years
    if policy.business_year_ends == DECEMBER:
        return date(year, 1, 1)
    return date(year - 1, policy.business_year_ends + 1, 1)


def below_law(policy: RetentionPolicy, countries: Iterable[str]) -> tuple[str, int] | None:
    """Return a country whose law has invoices kept for longer than was chosen, and how many years; None for none."""
    longest = max(((LEGAL_YEARS.get(country, 0), country) for country in countries), default=(0, ""))
    return None if longest[0] <= policy.invoices_years else (longest[1], longest[0])
