"""What a man in the middle does with frames, apart from what stands in them: plans that can be joined.

A plan is asked for every frame of one direction and says what is sent on in its place: nothing, the frame, others, now
or later. Plans that alter frames are `Alter` in `lab.tap`; `altering` makes them plans. Each plan is for one use: it
remembers what it has seen.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Alter = Callable[[str], str | None]
"""Takes a frame; returns what to send on instead, or None to leave it alone."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame sent on, `after_s` from now: frames that come meanwhile overtake it."""

    frame: str
    after_s: float = 0.0


Plan = Callable[[str], Sequence[Sent]]
Wanted = Callable[[str], bool]
"""Whether a plan is about a frame; it passes all others on."""


def pass_on(frame: str) -> Sequence[Sent]:
    """Leave everything alone."""
    return (Sent(frame),)


def every(_frame: str) -> bool:
    """Mean every frame."""
    return True


def calls(*actions: str) -> Wanted:
    """Mean the calls of these actions."""

    def wanted(frame: str) -> bool:
        call = call_of(frame)
        return call is not None and call[2] in actions

    return wanted


def call_of(frame: str) -> list[Any] | None:
    """Return a CALL as [2, id, action, payload]; None for anything else."""
    try:
        message = json.loads(frame)
    except ValueError:
        return None
    return message if isinstance(message, list) and len(message) == 4 and message[0] == 2 else None


def joined(*plans: Plan) -> Plan:
    """Give what one plan sends on to the next; delays add up."""

    def plan(frame: str) -> Sequence[Sent]:
        sent: Sequence[Sent] = (Sent(frame),)
        for one in plans:
            sent = [Sent(more.frame, each.after_s + more.after_s) for each in sent for more in one(each.frame)]
        return sent

    return plan


def altering(alter: Alter) -> Plan:
    """Send on what `alter` makes of each frame."""

    def plan(frame: str) -> Sequence[Sent]:
        changed = alter(frame)
        return (Sent(frame if changed is None else changed),)

    return plan


def field_set(action: str, path: Sequence[str | int], value: Any) -> Alter:
    """Put `value` at a place in the payload of each call of an action; calls without that place are left alone."""

    def alter(frame: str) -> str | None:
        call = call_of(frame)
        if call is None or call[2] != action:
            return None
        at = call[3]
        try:
            for step in path[:-1]:
                at = at[step]
            _ = at[path[-1]]
        except (KeyError, IndexError, TypeError):
            return None
        at[path[-1]] = value
        return json.dumps(call, separators=(",", ":"))

    return alter


def listening(heard: list[str]) -> Plan:
    """Read along."""

    def plan(frame: str) -> Sequence[Sent]:
        heard.append(frame)
        return (Sent(frame),)

    return plan


def black_hole(begun: Callable[[], bool] = lambda: True) -> Plan:
    """Swallow everything once `begun` says so."""
    return lambda frame: () if begun() else (Sent(frame),)


def gray_hole(one_in: int, wanted: Wanted = every) -> Plan:
    """Swallow one in so many of the frames that are wanted, the first of each."""
    seen = 0

    def plan(frame: str) -> Sequence[Sent]:
        nonlocal seen
        if not wanted(frame):
            return (Sent(frame),)
        seen += 1
        return () if seen % one_in == 1 % one_in else (Sent(frame),)

    return plan


def delayed(seconds: float, wanted: Wanted = every) -> Plan:
    """Hold back what is wanted for so long; the rest overtakes it."""
    return lambda frame: (Sent(frame, seconds if wanted(frame) else 0.0),)


def reordered(of: int, wanted: Wanted = every) -> Plan:
    """Hold back what is wanted until there are `of`, then send them on backwards."""
    held: list[str] = []

    def plan(frame: str) -> Sequence[Sent]:
        if not wanted(frame):
            return (Sent(frame),)
        held.append(frame)
        if len(held) < of:
            return ()
        sent = tuple(map(Sent, reversed(held)))
        held.clear()
        return sent

    return plan


def duplicated(wanted: Wanted = every) -> Plan:
    """Send what is wanted twice."""
    return lambda frame: (Sent(frame), Sent(frame)) if wanted(frame) else (Sent(frame),)


def replayed(after_s: float, wanted: Wanted = every, message_id: str | None = None) -> Plan:
    """Send what is wanted once more so much later, under another message id where one is given."""

    def again(frame: str) -> str:
        call = call_of(frame)
        if call is None or message_id is None:
            return frame
        return json.dumps([call[0], message_id, *call[2:]], separators=(",", ":"))

    return lambda frame: (Sent(frame), Sent(again(frame), after_s)) if wanted(frame) else (Sent(frame),)
