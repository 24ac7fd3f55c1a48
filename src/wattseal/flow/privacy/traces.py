"""Where a person's cards stand in records: which boxes are to be destroyed, and what is stated in their place."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from wattseal.base.errors import InputError
from wattseal.flow.ports import Erased, KeptItem
from wattseal.flow.privacy.finding import Belongings
from wattseal.flow.world import World
from wattseal.model.token import canonical
from wattseal.rules.recorded import FRAME, NOTES, VERDICTS
from wattseal.seal.erasure import Cut
from wattseal.seal.groups import PLAIN, Content
from wattseal.seal.item import Group, Item, parse_item

PAGE = 1000
PERSONAL = (int(Group.IDENTITY), int(Group.RAW))
"""Groups that hold what identifies somebody: the card as presented, and the frame as it came."""
DISTINCT = 6
"""A card of at least so many characters is looked for inside other words as well."""


@dataclass(frozen=True, slots=True)
class Trace:
    """A record with boxes to be destroyed: what takes its place, and what is stated of it.

    `session` is the one it belongs to, whoever pays for that: whoever proves it finds there why something is missing.
    """

    session: str | None
    erased: Erased
    cut: Cut


async def traces(world: World, mine: Belongings) -> AsyncIterator[Trace | None]:
    """Yield every record of the journal of which boxes are to go; None now and then, so that others have their turn.

    Of an account's sessions these are all cards and frames; of any other record those that name one of its cards, from
    when it was the account's.
    """
    after = 0
    while page := await world.journal.replay(world.tenant, after, PAGE):
        for kept in page:
            found = trace_of(kept, mine)
            if found is not None:
                yield found
        after = page[-1].position
        yield None


def trace_of(kept: KeptItem, mine: Belongings) -> Trace | None:
    """Return what is to go of one record; None where nothing is."""
    session = None if kept.item.subject is None else kept.item.subject.hex()
    own = session in mine.ids
    if not own and not _may_name(kept.item.item, mine.since):
        return None
    item = parse_item(kept.item.item)
    known = [card for card in mine.since if own or mine.had(card, kept.item.recorded_at_ms)]
    going = [gid for gid in PERSONAL if gid in item.boxes and (own or _names(item, gid, known))]
    if not going:
        return None
    stated = {gid: _stated(item, gid, mine.since) for gid in going}
    left = Item(item.payload, item.payload_bytes, item.signature, _without(item.boxes, going))
    erased = Erased(kept.position, kept.item.payload_hash, left.encode())
    return Trace(session, erased, Cut(item.hash, stated))


def names_a_card(text: str, cards: Iterable[str]) -> bool:
    """Return whether a text is a card's number, or has it in it as a word, or anywhere where that is long enough."""
    said = canonical(text)
    words = "".join(c if c.isalnum() else " " for c in said).split()
    return any(said == card or card in words or (len(card) >= DISTINCT and card in said) for card in cards)


def _may_name(item: bytes, cards: Iterable[str]) -> bool:
    """Look for a card in an item's bytes, fast and without regard to what they mean."""
    folded = item.lower()
    return any(card.encode() in folded for card in cards)


def _without(boxes: Mapping[int, Any], going: Iterable[int]) -> dict[int, Any]:
    return {gid: box for gid, box in boxes.items() if gid not in going}


def _fields(item: Item, gid: int) -> Mapping[int, Any] | None:
    """Return what a plain box says, or None."""
    box = item.boxes[gid]
    if not isinstance(box, list) or box[0] != PLAIN:
        return None
    try:
        return Content.decode(box[2]).fields
    except InputError:
        return None


def _names(item: Item, gid: int, cards: Iterable[str]) -> bool:
    fields = _fields(item, gid)
    return fields is not None and any(names_a_card(text, cards) for text in texts_in(fields))


def texts_in(value: Any) -> list[str]:
    """Return every text in a value; bytes that are JSON, as frames are, are looked into, others are one text."""
    match value:
        case str():
            return [value]
        case bytes():
            try:
                return texts_in(msgspec.json.decode(value))
            except (msgspec.DecodeError, UnicodeDecodeError):
                return [value.decode("latin-1")]
        case dict():
            return [text for child in value.values() for text in texts_in(child)]
        case list():
            return [text for child in value for text in texts_in(child)]
        case _:
            return []


def _stated(item: Item, gid: int, cards: Iterable[str]) -> Mapping[int, Any] | None:
    """Return what this CPO itself had noted in a group RAW, without the frame, and without a card in a detail."""
    fields = _fields(item, gid) if gid == Group.RAW else None
    if fields is None:
        return None
    said = {number: value for number, value in fields.items() if number != FRAME and number in {NOTES, VERDICTS}}
    if NOTES in said:
        said[NOTES] = [
            [code, name, "" if names_a_card(detail, cards) else detail] for code, name, detail in said[NOTES]
        ]
    return {FRAME: b""} | said
