"""The bundle's bytes (`.wsb`): one deterministic CBOR map, every list in its one order."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from wattseal.base.errors import LimitError
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.groups import Opening
from wattseal.seal.item import Item, item_from
from wattseal.seal.signed import Statement, parse, statement_from

MAGIC = "wsb1"
MAX_BUNDLE_BYTES = 16 * 1024 * 1024
MAX_ITEMS = 20_000
MAX_OTHERS = 64
MAX_ENTRIES = 256
_OPENING = [bytes, int, bytes, bytes]
_STATEMENTS = frozenset({3, 8})
"""Entries and receipts: they are put in order and remembered by their bytes."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One transaction's stretch of chain with its proofs.

    `items` run from a signed record to a signed record; `others` are the signed records they refer to (request,
    decision, tariff, settlement); `proofs` are tlog-proofs, one for each signed item in order; `cdr` and
    `price_trace` are decoded dCBOR values (bundle/cdr.py).
    """

    items: tuple[Item, ...]
    openings: tuple[Opening, ...] = ()
    entries: tuple[Statement, ...] = ()
    proofs: tuple[bytes, ...] = ()
    others: tuple[Item, ...] = ()
    cdr: Any = None
    price_trace: Any = None
    receipts: tuple[Statement, ...] = ()

    def encode(self) -> bytes:
        """Return the bundle's one encoding; lists without an order of their own are sorted."""
        value: dict[int, Any] = {
            0: MAGIC,
            1: [_value(i) for i in self.items],
            2: [o.to_value() for o in sorted(self.openings, key=_opening_order)],
            3: [dcbor.decode(e) for e in sorted(e.encode() for e in self.entries)],
            4: list(self.proofs),
        }
        if self.others:
            value[5] = [_value(i) for i in sorted(self.others, key=lambda i: i.hash)]
        if self.cdr is not None:
            value[6] = self.cdr
        if self.price_trace is not None:
            value[7] = self.price_trace
        if self.receipts:
            value[8] = [dcbor.decode(e) for e in sorted(r.encode() for r in self.receipts)]
        return dcbor.encode(value)


def _value(item: Item) -> Any:
    head: Any = item.payload_bytes
    if item.signature is not None:
        head = dcbor.sign1([item.signature.protected, {}, item.payload_bytes, item.signature.signature])
    return [head, dict(item.boxes)]


def _opening_order(opening: Opening) -> tuple[bytes, int]:
    return (opening.payload_hash, opening.gid)


def parse_bundle(data: bytes) -> Bundle:
    """Parse bundle bytes; `CborError` or `LimitError` name the field and list index."""
    if len(data) > MAX_BUNDLE_BYTES:
        raise LimitError(f"a bundle has at most {MAX_BUNDLE_BYTES} bytes", subject="size")
    value = dcbor.decode_map(data, MAX_BUNDLE_BYTES, _STATEMENTS)
    if type(value) is not dict or value.get(0) != MAGIC:
        raise CborError(f"a bundle is a map that starts with {MAGIC}", subject="bundle")
    if not value.keys() >= {1, 2, 3, 4} or value.keys() - set(range(9)):
        raise CborError("a bundle has fields 0 to 4 and at most 5 to 8", subject="bundle")
    items = tuple(_each(value, 1, MAX_ITEMS, item_from))
    if not items:
        raise CborError("a bundle holds at least one record", subject="items")
    openings = tuple(_each(value, 2, MAX_ITEMS * 5, _opening))
    others = tuple(_each(value, 5, MAX_OTHERS, item_from)) if 5 in value else ()
    _in_order("openings", [_opening_order(o) for o in openings])
    _in_order("others", [o.hash for o in others])
    entries = tuple(_each(value, 3, MAX_ENTRIES, _entry))
    receipts = tuple(_each(value, 8, MAX_ITEMS, _receipt)) if 8 in value else ()
    _in_order("entries", value[3])
    _in_order("receipts", value.get(8, []))
    proofs = tuple(_each(value, 4, MAX_ITEMS, _bytes))
    return Bundle(items, openings, entries, proofs, others, value.get(6), value.get(7), receipts)


def _each(value: dict[int, Any], number: int, limit: int, parse: Any) -> Iterable[Any]:
    elements = value[number]
    if type(elements) is not list:
        raise CborError(f"bundle field {number} is a list", subject=f"bundle {number}")
    if len(elements) > limit:
        raise LimitError(f"bundle field {number} has at most {limit} elements", subject=f"bundle {number}")
    for index, element in enumerate(elements):
        try:
            yield parse(element)
        except CborError as error:
            raise CborError(str(error), code=error.code, subject=f"bundle {number}[{index}] {error.subject}") from error


def _receipt(data: bytes) -> Statement:
    return statement_from(dcbor.decode(data, MAX_BUNDLE_BYTES))


@lru_cache(maxsize=4096)
def _entry(data: bytes) -> Statement:
    """Parse a registry entry; remembered, since bundle after bundle shows the same keys."""
    return parse(data)


def _opening(value: Any) -> Opening:
    if type(value) is list and len(value) == 4 and list(map(type, value)) == _OPENING and len(value[0]) == 32:
        return Opening(*value)
    raise CborError("an opening is [payload hash, group, secret, content]", subject="opening")


def _bytes(value: Any) -> bytes:
    if type(value) is not bytes:
        raise CborError("a proof is a byte string", subject="proof")
    return value


def _in_order(name: str, keys: list[Any]) -> None:
    if any(a >= b for a, b in pairwise(keys)):
        raise CborError(f"{name} are in ascending order, each once", subject=name)
