"""Records that a meter signed and nobody sent: a gap in its page counter, within a session or before it."""

from itertools import pairwise

from wattseal.model.verdict import Finding
from wattseal.watch.detector import Detector, Moment, Seen, at

STEP = 1
"""A page counter goes up by one with every record (OCMF, PG)."""


def observe(seen: Seen) -> Finding | None:
    """Look at the end at all pages of the session, behind the last one of its meter before it.

    While another session runs, what is missing may be that one's and still to come. Where messages are missing by their
    numbers, that says it already.
    """
    if seen.gap or seen.running:
        return None
    pages = {*seen.own_pages, *seen.pages}
    for context in sorted({page.context for page in pages}):
        numbers = sorted(page.number for page in pages if page.context == context)
        before = [high for span in seen.meter_spans for told, _, high in span.pages if told == context]
        before = [high for high in before if high < numbers[0]]
        for low, high in pairwise((*(before and [max(before)]), *numbers)):
            if high > low + STEP:
                return Finding("pagination_gap", "PG", f"{context}{low} to {context}{high}")
    return None


DETECTOR = Detector(
    code="pagination_gap",
    title="pages of a meter's records that are missing",
    threshold=STEP,
    unit="page a record",
    why="the counter goes up by one with every record, also from one session to the next",
    then="ask the station for its log: a session, or part of one, was not told",
    moments=at(Moment.END),
    observe=observe,
)
