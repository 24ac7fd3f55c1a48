"""The edge's pace: while a car charges one message a step goes up, all of one length, whatever there is to say.

Somebody who sees the link and can read nothing of it would else tell from when and how much is said what the car drew:
a full one falls silent, a cold one says more. What nobody may wait for, a driver who shows a card, goes at once.
"""

from collections.abc import Sequence
from math import floor

from wattseal.parties.edge.state import EdgeState
from wattseal.parties.edge.upstream import Upward
from wattseal.seal.item import Kind, parse_item

BACKLOG = 16
"""So many messages that wait are what was said while offline: they go up as fast as they are taken."""
COVER = Upward()
"""What goes up in a step in which there is nothing to say."""


def is_charging(state: EdgeState) -> bool:
    """Return whether a transaction is under way."""
    return any(charge.end is None for charge in state.charges.values())


def is_hurried(waiting: Sequence[Upward]) -> bool:
    """Return whether what waits goes up at once: a driver is among it, or it is a backlog."""
    return len(waiting) >= BACKLOG or any(_asks(message) for message in waiting)


def next_step(now_s: float, pace_s: float) -> float:
    """Return when the next message may go: at whole multiples of the pace, of one clock for ever."""
    return (floor(now_s / pace_s) + 1) * pace_s


def _asks(message: Upward) -> bool:
    return any(parse_item(item).payload.kind == Kind.REQUEST for item in message.items)
