"""In what a command that an edge refused differs from the one that was sent, in words for the operator."""

from collections.abc import Iterator, Mapping
from typing import Any

MISMATCH = "command_mismatch"
"""The note and alarm: a command came to an edge as it was not sent."""
ALTERED = "its payload is not the one that was signed"
TOKENS = frozenset({"idTag", "idToken", "groupIdToken", "parentIdTag"})
"""Members of payloads that name a driver: nothing of them is kept or told."""
MAX_TOLD, MAX_PATH, MAX_VALUE = 3, 100, 40
"""Differences told, and how much of each."""
_ABSENT = object()


def without_tokens(value: Any) -> Any:
    """Return a payload without what names a driver, at any depth."""
    if isinstance(value, Mapping):
        return {name: without_tokens(inner) for name, inner in value.items() if name not in TOKENS}
    return [without_tokens(inner) for inner in value] if isinstance(value, list) else value


def differences(sent: Any, came: Any) -> str:
    """Say in what two payloads differ, such as "limit: 16 was sent, 32 came"; the first ones, "" where in nothing."""
    found = list(_walk(without_tokens(sent), without_tokens(came), ""))
    more = f"; and {len(found) - MAX_TOLD} more" if len(found) > MAX_TOLD else ""
    return "; ".join(found[:MAX_TOLD]) + more


def _walk(sent: Any, came: Any, path: str) -> Iterator[str]:
    if isinstance(sent, Mapping) and isinstance(came, Mapping):
        for name in dict.fromkeys((*sent, *came)):
            yield from _walk(sent.get(name, _ABSENT), came.get(name, _ABSENT), f"{path}.{name}" if path else str(name))
    elif isinstance(sent, list) and isinstance(came, list) and len(sent) == len(came):
        for number, pair in enumerate(zip(sent, came, strict=True)):
            yield from _walk(*pair, f"{path}.{number}")
    elif sent != came:
        yield f"{_printable(path)[-MAX_PATH:]}: {_spelt(sent)} was sent, {_spelt(came)} came"


def _spelt(value: Any) -> str:
    if value is _ABSENT:
        return "nothing"
    return "another content" if isinstance(value, Mapping | list) else _printable(str(value))[:MAX_VALUE]


def _printable(text: str) -> str:
    """Return a text that somebody on the link may have written without what moves cursors."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
