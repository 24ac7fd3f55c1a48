"""Changes of JSON that leave it JSON: another value, spelling, order, a key more, twice or less."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

OTHERS = ("null", "true", "false", "0", "-1", "1e3", '""', "[]", "{}", '"none"', "[[]]", '"\\u0000"', "9" * 31, "0.5")


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is spelt."""

    text: str


class Members(list[tuple[str, Any]]):
    """An object as it is written: in order, and a key as often as it stands there."""


Path = tuple[int, ...]


@lru_cache(maxsize=64)
def opened(text: str) -> Members:
    """Read JSON once for all its mutants; what comes is not to be changed in place."""
    read: Members = json.loads(text, object_pairs_hook=Members, parse_int=Number, parse_float=Number)
    return read


def written(value: Any) -> str:
    """Write what was read, as it was spelt and without white space."""
    match value:
        case Members():
            return "{" + ",".join(f"{json.dumps(key)}:{written(each)}" for key, each in value) + "}"
        case list():
            return "[" + ",".join(map(written, value)) + "]"
        case Number(text):
            return text
        case Raw(text):
            return text
    return json.dumps(value)


@dataclass(frozen=True, slots=True)
class Raw:
    """Text that stands in the place of a value."""

    text: str


def places(value: Any, path: Path = ()) -> list[Path]:
    """Return where members and elements stand, by their positions."""
    found = []
    if isinstance(value, list):
        for index, each in enumerate(value):
            inner = each[1] if isinstance(value, Members) else each
            found += [(*path, index), *places(inner, (*path, index))]
    return found


def changed(value: Any, path: Path, change: Callable[[Any], list[Any]]) -> Any:
    """Return it with the member or element at `path` replaced by those that `change` makes of it."""
    index, *rest = path
    made = type(value)(value)
    if not rest:
        made[index : index + 1] = change(value[index])
    elif isinstance(value, Members):
        key, inner = value[index]
        made[index] = (key, changed(inner, tuple(rest), change))
    else:
        made[index] = changed(value[index], tuple(rest), change)
    return made


def _on_some(text: str, dice: random.Random, change: Callable[[str | None, Any], list[tuple[str | None, Any]]]) -> str:
    """Change one member or element, told by its key (None in a list) and value."""
    value = opened(text)

    def each(found: Any) -> list[Any]:
        if isinstance(found, tuple):
            return change(*found)
        return [inner for _, inner in change(None, found)]

    return written(changed(value, dice.choice(places(value)), each))


def another_value(text: str, dice: random.Random) -> str:
    return _on_some(text, dice, lambda key, value: [(key, _another(value, dice))])


def _another(value: Any, dice: random.Random) -> Any:
    match value:
        case Number(digits):
            at = dice.randrange(len(digits))
            return Number(digits[:at] + dice.choice("0123456789") + digits[at + 1 :]) if digits[at] != "." else value
        case bool():
            return not value
        case str():
            at = dice.randrange(len(value) + 1)
            return value[:at] + dice.choice("0AZaz_-*=é ") + value[at + dice.randrange(2) :]
    return Raw(dice.choice(OTHERS))


def another_kind(text: str, dice: random.Random) -> str:
    return _on_some(text, dice, lambda key, _: [(key, Raw(dice.choice(OTHERS)))])


def left_out(text: str, dice: random.Random) -> str:
    return _on_some(text, dice, lambda _key, _value: [])


def twice(text: str, dice: random.Random) -> str:
    """Write a member again, before or after itself, with another value half the time."""

    def double(key: str | None, value: Any) -> list[tuple[str | None, Any]]:
        again = (key, _another(value, dice) if dice.randrange(2) else value)
        return [again, (key, value)] if dice.randrange(2) else [(key, value), again]

    return _on_some(text, dice, double)


def renamed(text: str, dice: random.Random) -> str:
    def rename(key: str | None, value: Any) -> list[tuple[str | None, Any]]:
        names = (key or "").lower(), f"{key} ", "", f"{key}\u0000", (key or "").swapcase(), "crit", "jwk", "kid"
        return [(dice.choice(names), value)]

    return _on_some(text, dice, rename)


def respelt(text: str, dice: random.Random) -> str:
    """Write the same value in another spelling."""

    def spell(key: str | None, value: Any) -> list[tuple[str | None, Any]]:
        match value:
            case Number(digits):
                others = f"{digits}0", f"{digits}e0", f"0{digits}", f"+{digits}", f'"{digits}"', f" {digits} "
                return [(key, Raw(dice.choice(others)))]
            case str() if value:
                at = dice.randrange(len(value))
                escaped = f"{value[:at]}\\u{ord(value[at]):04x}{value[at + 1 :]}"
                return [(key, Raw(f'"{escaped}"'))]
        return [(key, Raw(f" {written(value)}\t"))]

    return _on_some(text, dice, spell)


def reordered(text: str, dice: random.Random) -> str:
    value = Members(opened(text))
    dice.shuffle(value)
    return written(value)


def spaced(text: str, dice: random.Random) -> str:
    return json.dumps(json.loads(text), indent=dice.choice((None, 0, 2)), sort_keys=dice.randrange(2) == 1)


JSON: Mapping[str, Callable[[str, random.Random], str]] = {
    "another value": another_value,
    "another kind": another_kind,
    "a member left out": left_out,
    "a member twice": twice,
    "a member renamed": renamed,
    "another spelling": respelt,
    "another order": reordered,
    "other white space": spaced,
}
