"""The pages of verified records: what a replay repeats and a gap lacks."""

from collections.abc import Iterable

from wattseal.base.errors import InputError
from wattseal.evidence import ocmf_record
from wattseal.model.continuity import Pages
from wattseal.watch.detector import Page


def pages_of(valid: Iterable[bytes]) -> tuple[Page, ...]:
    """Return the page of each record that has one (OCMF, PG)."""
    found: list[Page] = []
    for raw in dict.fromkeys(valid):
        try:
            page = ocmf_record.parse(raw).page
        except InputError:
            continue
        if page is not None:
            found.append(Page(page.context, page.number))
    return tuple(found)


def ranges(pages: Iterable[Page]) -> tuple[Pages, ...]:
    """Return lowest and highest of each context."""
    by_context: dict[str, list[int]] = {}
    for page in pages:
        by_context.setdefault(page.context, []).append(page.number)
    return tuple((context, min(numbers), max(numbers)) for context, numbers in sorted(by_context.items()))
