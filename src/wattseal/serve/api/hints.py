"""What a body of the API would have been taken with where one did not fit: the fields there are, a list's words."""

import enum
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

_MOST = 40
"""So many are named; a longer list is in the API's document."""


def hint(kind: Any, text: str, place: str) -> str:
    """Return a problem's text with what is known at its place ("" where that says nothing more)."""
    found = _at(kind, [step for step in place.replace("[...]", "").split(".") if step])
    if "unknown field" in text:
        known = [name for one in found for name in _fields(one)]
        return _told(text, "known here", known)
    if "enum value" in text:
        return _told(text, "one of", [word for one in found for word in _words(one)])
    return text


def _told(text: str, intro: str, words: list[str]) -> str:
    return f"{text}; {intro}: {', '.join(sorted(set(words)))}" if 0 < len(words) <= _MOST else text


def _at(kind: Any, path: list[str]) -> list[Any]:
    """Return the types that a place may have: a union has several, a list those of its elements."""
    if get_origin(kind) is Annotated:
        return _at(get_args(kind)[0], path)
    if isinstance(kind, types.GenericAlias | types.UnionType) or get_origin(kind) in {Union, tuple, list}:
        inner = [one for one in get_args(kind) if one is not Ellipsis]
        return [found for one in inner for found in _at(one, path)]
    if not path:
        return [kind]
    name, index, _ = path[0].partition("[")
    if index and not name:
        return _at(kind, path[1:])
    child = _fields(kind).get(name)
    return [] if child is None else _at(child, path[1:])


def _fields(kind: Any) -> dict[str, Any]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return {}
    return {field.encode_name: field.type for field in msgspec.structs.fields(kind)}


def _words(kind: Any) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(word) for word in get_args(kind)]
    return [str(one.value) for one in kind] if isinstance(kind, type) and issubclass(kind, enum.Enum) else []
