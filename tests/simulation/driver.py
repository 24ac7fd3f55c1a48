"""Coroutines driven by hand: no event loop, no threads; which one goes on next is drawn, and any may be abandoned."""

from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from wattseal.base.errors import StoreError

PRODUCT = "/wattseal/"


class Pause:
    """Where a coroutine waits: it goes on when it is drawn, not before `ready` says so."""

    def __init__(self, ready: Callable[[], bool] = lambda: True) -> None:
        self.ready = ready

    def __await__(self) -> Generator["Pause", None, None]:
        yield self


@dataclass(eq=False)
class Running:
    """A coroutine under way; `told` hears what it came to: its value, or the exception it ended by."""

    name: str
    coroutine: Coroutine[Any, Any, Any]
    told: Callable[[Any], None]
    waits: Pause = field(default_factory=Pause)


def ignore(_came_to: Any) -> None:
    """Nobody waits for it."""


class Driver:
    """One process: what runs in it. `suspended` counts how often anything has waited so far, `last` waited last."""

    def __init__(self, dice: Random) -> None:
        self.running: list[Running] = []
        self.suspended = 0
        self.last: Running | None = None
        self._dice = dice

    def start(self, name: str, coroutine: Coroutine[Any, Any, Any], told: Callable[[Any], None] = ignore) -> None:
        """Begin a coroutine; it runs up to where it first waits."""
        one = Running(name, coroutine, told)
        self.running.append(one)
        self._go_on(one)

    def busy(self, name: str) -> bool:
        """Return whether one of that name is under way."""
        return any(one.name == name for one in self.running)

    def step(self) -> bool:
        """Let one go on that can; false where none can."""
        able = [one for one in self.running if one.waits.ready()]
        if able:
            self._go_on(self._dice.choice(able))
        return bool(able)

    def die(self) -> list[str]:
        """Abandon everything as a process does that is killed; return where each was."""
        places = [place_of(one.coroutine) for one in self.running]
        for one in self.running:
            one.told = ignore
        gone, self.running = self.running, []
        for one in gone:
            _abandon(one.coroutine)
        return places

    def _go_on(self, one: Running) -> None:
        try:
            one.waits = one.coroutine.send(None)
            self.suspended += 1
            self.last = one
        except StopIteration as ended:
            self._end(one, ended.value)
        except Exception as error:  # noqa: BLE001 - whoever began it decides what an error means
            self._end(one, error)

    def _end(self, one: Running, came_to: Any) -> None:
        if one in self.running:
            self.running.remove(one)
            one.told(came_to)


def _abandon(coroutine: Coroutine[Any, Any, Any]) -> None:
    with suppress(RuntimeError, StoreError):  # it wants to wait, or to commit, while it is closed
        coroutine.close()


def place_of(coroutine: Coroutine[Any, Any, Any]) -> str:
    """Return the innermost line of the product at which a coroutine waits, as room/file.py:line."""
    return next(iter(reversed(_places(coroutine))), "")


def path_of(coroutine: Coroutine[Any, Any, Any]) -> str:
    """Return all such lines, from the outermost in: the same commit is reached on many ways."""
    return " > ".join(_places(coroutine))


_AWAITED = {"cr": "cr_await", "ag": "ag_await", "gi": "gi_yieldfrom"}
"""What a coroutine, generator of one kind or the other, waits for, by what its fields begin with."""


def _places(coroutine: Coroutine[Any, Any, Any]) -> list[str]:
    places: list[str] = []
    inner: Any = coroutine
    while (kind := next((one for one in _AWAITED if hasattr(inner, f"{one}_frame")), None)) is not None:
        frame = getattr(inner, f"{kind}_frame")
        if frame is not None and PRODUCT in frame.f_code.co_filename and "/tests/" not in frame.f_code.co_filename:
            places.append(f"{frame.f_code.co_filename.rpartition(PRODUCT)[2]}:{frame.f_lineno}")
        inner = getattr(inner, _AWAITED[kind])
    return places
