"""A meter's signed record that another session has had already."""

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Page, Seen, at

REUSES = 0
"""A page counter goes up by one with every record and never comes back (OCMF, PG)."""


def observe(seen: Seen) -> Finding | None:
    """Look for each page among those of the meter's other sessions, and below the oldest of them.

    Pages of sessions that are no longer remembered are lower than all that are: counters only go up.
    """
    for page in seen.pages:
        lows = [low for span in seen.meter_spans for context, low, _ in span.pages if context == page.context]
        if not lows:
            continue
        if page.number < min(lows) and page not in seen.own_pages:
            return Finding("evidence_replayed", "PG", f"{_name(page)}, before all that is remembered")
        known = next((span.subject for span in seen.meter_spans if _has(seen, span.subject, span.pages, page)), None)
        if known is not None:
            return Finding("evidence_replayed", "PG", f"{_name(page)} of session {known}")
    return None


def _has(seen: Seen, subject: str, pages: tuple[tuple[str, int, int], ...], page: Page) -> bool:
    if subject == seen.subject:
        return False
    return any(context == page.context and low <= page.number <= high for context, low, high in pages)


def _name(page: Page) -> str:
    return f"{page.context}{page.number}"


DETECTOR = Detector(
    code="evidence_replayed",
    title="a meter's signed record used in a second session",
    threshold=REUSES,
    unit="further uses",
    why="the meter's page counter goes up with every record; a page that was there is a copy, also after a restart",
    then="compare the session's registers with the meter's display; decide it by a ruling",
    moments=at(Moment.START, Moment.READING, Moment.LATE, Moment.END),
    observe=observe,
)
