"""Which sessions of a played month were spoilt, under the ids the CSMS knows them by."""

from collections.abc import Mapping
from itertools import pairwise

from wattseal.lab.month.plan import CLASSES, Month, boxes, sessions_of
from wattseal.lab.month.truth import Injected

TAMPERED = frozenset(CLASSES["tampering"])
"""Faults that are done in the database afterwards."""


def injected_of(month: Month, ids: Mapping[int, list[str]], touched: Mapping[str, str] | None = None) -> list[Injected]:
    """Return the faults of a month; once it is known, of those in the database only where there was something to touch.

    What is told twice is two sessions to the CSMS: the second is the one that should not be billed.
    """
    found = []
    for place, box in enumerate(boxes(month.stations)):
        for session, following in pairwise([*sessions_of(month, place, box), None]):
            known = [] if session is None else ids.get(session.number, [])
            if session is None or session.fault is None or not known:
                continue
            after = ids.get(following.number, [""])[0] if following is not None else ""
            one = Injected(known[-1], session.fault, (touched or {}).get(known[-1], ""), after)
            if touched is None or session.fault not in TAMPERED or one.touched:
                found.append(one)
    return found
