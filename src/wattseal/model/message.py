"""What goes between a station and the CSMS, before one protocol version spells it: facts, commands and their answers.

Whatever behaves differently by content has a class of its own in `model`. The rest is kept as told: `Told` and `Asked`
hold a message's content as plain JSON (dict, list, str, int, Decimal, bool, None) in OCPP 2.x words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


class Fact:
    """What a station says happened."""

    __slots__ = ()


class Command:
    """What a station is asked to do."""

    __slots__ = ()


class Answer:
    """What is replied to a fact or a command."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Told(Fact):
    """A station's message as told."""

    action: str
    content: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked(Command):
    """A command as asked."""

    action: str
    content: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Replied(Answer):
    """An answer as given."""

    content: Mapping[str, object] = field(default_factory=dict)

    @property
    def status(self) -> str | None:
        """Return the answer's status word, where it has one."""
        status = self.content.get("status")
        return status if isinstance(status, str) else None
