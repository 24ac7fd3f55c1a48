"""Documents as plain values of JSON, without the fields that are not the driver's (`kinds.FIELDS`)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from wattseal.flow.privacy.kinds import FIELDS

Row = dict[str, Any]


def plain(kind: str, value: object) -> Row:
    """Return a document as it is kept: decimals as text, bytes as base64, times as they are."""
    told: Row = msgspec.json.decode(msgspec.json.encode(value))
    return without(told, FIELDS.get(kind, {}))


def without(told: Row, fields: Mapping[str, str]) -> Row:
    """Return a value without some of its fields; `a.b` is field b of field a, or of each of a list of a."""
    kept = dict(told)
    for name in fields:
        first, _, rest = name.partition(".")
        if not rest:
            kept.pop(first, None)
            continue
        inner = kept.get(first)
        if isinstance(inner, dict):
            kept[first] = without(inner, {rest: ""})
        elif isinstance(inner, list):
            kept[first] = [without(one, {rest: ""}) for one in inner]
    return kept
