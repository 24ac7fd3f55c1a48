"""Reads what departs from its schema without the parts that do, where it can be read so.

A station repeats what is answered with an error a few times and then drops it (1.6 section 3.7.1, 2.x E13), or has its
whole queue wait behind it: a field of its vendor's would cost a charge. Left out are, and nothing else: nulls, fields
nobody knows, and sampled values that cannot be read; a value that is a number where a text belongs, or the other way
round, is read. What is missing then is missing, and judged so. The message is in its record whole.

So are a station's boot and its connectors' states, without which nothing can be done with it, and its answers to what
it was asked. Other messages are held to their schema: refusing them loses nothing, and tells their maker.
"""

import re
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import guard
from wattseal.wire.ocpp.values import ENCODER

READ_ANYWAY = frozenset(
    {
        "BootNotification",
        "MeterValues",
        "StartTransaction",
        "StatusNotification",
        "StopTransaction",
        "TransactionEvent",
    }
)
MAX_KINDS = 8
"""So many different departures are left out of one message; of more it is refused."""
MAX_PATH = 120
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?\Z")
_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`\Z")
_STEP = re.compile(r"\.(?P<name>[A-Za-z0-9_]+)|\[(?P<index>[0-9]+)\]")
_NUMBER = re.compile(r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?\Z")
_SAMPLES = "sampledValue"
_LISTS = ("meterValue", "transactionData")
T = TypeVar("T")
Path = tuple[str | int, ...]


def spared(decoder: msgspec.json.Decoder[T], payload: Raw) -> tuple[T, tuple[Finding, ...]] | None:
    """Return what a payload says without what departs from its schema, and a finding for each; None if it cannot be.

    A finding's field is the path, with `[]` for every element of a list, its detail why. A number told as a text
    (2.x) has a code of its own: nobody is billed for it until somebody has looked.
    """
    try:
        plain = guard.parse(bytes(payload))
    except guard.NotJsonError:
        return None
    if not isinstance(plain, dict):
        return None
    left: dict[tuple[str, str], None] = {}
    plain = _without_nulls(plain, (), left)
    for _ in range(MAX_KINDS):
        if len(left) > MAX_KINDS:
            return None
        whole = ENCODER.encode(guard.whole(plain))
        try:
            value = decoder.decode(whole)
        except (msgspec.MsgspecError, ValueError, RecursionError) as problem:
            if not _leave_out(plain, str(problem), left):
                return None
            continue
        if whole.count(b'"') != ENCODER.encode(value).count(b'"'):
            if not _respell(plain, str, left):
                return None
            continue
        return value, tuple(_finding(path, why) for path, why in left)
    return None


def _finding(path: str, why: str) -> Finding:
    place = guard.explain(path)[:MAX_PATH]
    return Finding("number_told_as_text", place, why) if why == "text" else Finding("schema_departed", place, why)


def _without_nulls(value: Any, at: Path, left: dict[tuple[str, str], None]) -> Any:
    match value:
        case dict():
            for name in [name for name, child in value.items() if child is None]:
                left[_spelt((*at, name)), "null"] = None
            return {n: _without_nulls(child, (*at, n), left) for n, child in value.items() if child is not None}
        case list():
            return [_without_nulls(child, (*at, n), left) for n, child in enumerate(value)]
        case _:
            return value


def _leave_out(plain: dict[str, Any], problem: str, left: dict[tuple[str, str], None]) -> bool:
    """Take out what a problem is about, at all places of its kind; return whether that was possible."""
    if found := _UNKNOWN.search(problem):
        path = (*_steps(found["path"] or ""), found["name"])
        left[_spelt(path), "unknown"] = None
        return _drop(plain, path)
    found = _PLACE.search(problem)
    path = () if found is None else _steps(found["path"])
    if _SAMPLES not in path[:-1]:
        return False
    cut = path.index(_SAMPLES) + 2
    if path[cut:] == ("value",) and _respell(plain, int | Decimal, left):
        return True
    inside = path[cut:]
    bad = _value(plain, path)
    left[_spelt(path), "sample"] = None
    return _drop_samples(plain, path[:cut], inside, bad)


def _respell(plain: dict[str, Any], told: Any, left: dict[tuple[str, str], None]) -> bool:
    """Have sampled values told as text be numbers, or the other way round; return whether there were any."""
    count = 0
    for field in _LISTS:
        for reading in plain.get(field) or ():
            for sample in _samples(reading):
                value = sample.get("value") if isinstance(sample, dict) else None
                if isinstance(value, told) and not isinstance(value, bool) and _NUMBER.match(str(value)):
                    is_text = isinstance(value, str)
                    sample["value"] = Decimal(value) if is_text else str(value)
                    left[f"{field}[].{_SAMPLES}[].value", "text" if is_text else "spelling"] = None
                    count += 1
    return count > 0


def _samples(reading: Any) -> list[Any]:
    samples = reading.get(_SAMPLES) if isinstance(reading, dict) else None
    return samples if isinstance(samples, list) else []


def _steps(text: str) -> Path:
    return tuple(step["name"] or int(step["index"]) for step in _STEP.finditer(text))


def _spelt(path: Path) -> str:
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def _value(plain: Any, path: Path) -> Any:
    """Return what is at a path; None where nothing is."""
    for step in path:
        if isinstance(plain, list) and isinstance(step, int) and step < len(plain):
            plain = plain[step]
        elif isinstance(plain, dict) and isinstance(step, str):
            plain = plain.get(step)
        else:
            return None
    return plain


def _drop(plain: Any, path: Path) -> bool:
    """Drop a field in every element of the lists on its path; return whether it was there."""
    step, rest = path[0], path[1:]
    if isinstance(plain, list):
        return sum(_drop(child, rest) for child in plain) > 0
    if not isinstance(plain, dict) or step not in plain:
        return False
    if rest:
        return _drop(plain[str(step)], rest)
    del plain[str(step)]
    return True


def _drop_samples(plain: dict[str, Any], sample: Path, inside: Path, bad: Any) -> bool:
    """Drop the sampled values with the same fault, then readings and lists that are empty by that."""
    field = str(sample[0])
    readings = plain.get(field)
    if field not in _LISTS or not isinstance(readings, list):
        return False
    count = 0
    for reading in readings:
        samples = _samples(reading)
        kept = [one for one in samples if not _same(_value(one, inside), bad)]
        if len(kept) < len(samples):
            count += len(samples) - len(kept)
            reading[_SAMPLES] = kept
    plain[field] = [reading for reading in readings if not isinstance(reading, dict) or reading.get(_SAMPLES) != []]
    if not plain[field]:
        del plain[field]
    return count > 0


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
