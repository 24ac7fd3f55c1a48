"""Building bundles: which items, whose openings, which proofs."""

from collections.abc import Iterable, Mapping, Sequence

from wattseal.base.errors import InputError
from wattseal.bundle.format import Bundle
from wattseal.seal.groups import PLAIN, Opening, open_box
from wattseal.seal.item import Item, Kind
from wattseal.seal.signed import Statement


def stretch(chain: Sequence[Item], subject: bytes) -> tuple[Item, ...]:
    """Return the items of one chain from the started to the ended record of a transaction, neighbours included.

    `chain` is in order; `InputError` where start or end is missing.
    """
    bounds = {
        item.payload.kind: index
        for index, item in enumerate(chain)
        if item.payload.subject == subject and item.payload.kind in {Kind.STARTED, Kind.ENDED}
    }
    if len(bounds) != 2:
        raise InputError("the transaction has not both started and ended on this chain", subject=subject.hex())
    return tuple(chain[bounds[Kind.STARTED] : bounds[Kind.ENDED] + 1])


def openings_of(
    items: Iterable[Item], gids: Iterable[int], secrets: Mapping[int, bytes] | None = None
) -> tuple[Opening, ...]:
    """Open the groups `gids` of `items`: plain boxes as they are, sealed ones under S_gid from `secrets` (by group)."""
    chosen = frozenset(gids)
    found = (
        open_box(item, gid, (secrets or {}).get(gid)) for item in items for gid in sorted(item.boxes) if gid in chosen
    )
    return tuple(opening for opening in found if isinstance(opening, Opening))


def without_plain_boxes(item: Item) -> Item:
    """Return the item with its sealed boxes only: what is plain travels as an opening, chosen by audience."""
    sealed = {g: b for g, b in item.boxes.items() if not (isinstance(b, list) and b[0] == PLAIN)}
    return Item(item.payload, item.payload_bytes, item.signature, sealed)


def build_bundle(
    items: Sequence[Item],
    *,
    proofs: Sequence[bytes],
    entries: Sequence[Statement] = (),
    others: Sequence[Item] = (),
    openings: Sequence[Opening] = (),
    receipts: Sequence[Statement] = (),
    cdr: object = None,
    price_trace: object = None,
) -> Bundle:
    """Put a bundle together. `proofs` are tlog-proofs of the signed `items` in order; plain boxes are taken out."""
    return Bundle(
        items=tuple(without_plain_boxes(i) for i in items),
        openings=tuple({(o.payload_hash, o.gid): o for o in openings}.values()),
        entries=tuple({e.encode(): e for e in entries}.values()),
        proofs=tuple(proofs),
        others=tuple({o.hash: without_plain_boxes(o) for o in others}.values()),
        cdr=cdr,
        price_trace=price_trace,
        receipts=tuple({r.encode(): r for r in receipts}.values()),
    )
