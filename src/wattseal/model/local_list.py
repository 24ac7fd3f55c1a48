"""Local authorisation lists: the tokens a station may let charge without asking (1.6 section 3.5; 2.x block D)."""

from dataclasses import dataclass, field
from enum import StrEnum

from wattseal.model.message import Answer, Command
from wattseal.model.token import Authorization, IdToken


class ListPolicy(StrEnum):
    """Which tokens go on a station's list: none at all, the CPO's own, or also those of eMSPs who allow it."""

    NONE = "none"
    OWN = "own"
    ALL = "all"


class ListStatus(StrEnum):
    """Where a list stands: `unsent`, `current`, `incomplete` (a part was not taken), `unsupported` by the station."""

    UNSENT = "unsent"
    CURRENT = "current"
    INCOMPLETE = "incomplete"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True, slots=True)
class ListEntry:
    """A token with what is known of it; without that it is to come off the list."""

    id_token: IdToken
    authorization: Authorization | None = None


@dataclass(frozen=True, slots=True)
class ListSent(Command):
    """SendLocalList: the whole list or, not `full`, changes of it; the list then has this `version` (> 0)."""

    version: int
    full: bool
    entries: tuple[ListEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class ListVersionRequested(Command):
    """GetLocalListVersion."""


@dataclass(frozen=True, slots=True)
class ListVersionResponded(Answer):
    """The list's version; 0 where there is none, -1 from a 1.6 station that knows no lists."""

    version: int


@dataclass(frozen=True, slots=True)
class Held:
    """An entry as the station has it; `digest` is of its spelling."""

    value: str
    type: str
    digest: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a station says it takes: entries and bytes of one message, entries of the list; None is not told."""

    items: int | None = None
    bytes: int | None = None
    entries: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalList:
    """A station's list as this CSMS knows it: `held` by the token's canonical form, as spelled in OCPP `spoken`.

    `told_version` is what the station said last; `left_out` counts tokens there was no room for. `fresh_ms` is when the
    station was last known to have what it should, 0 for never.
    """

    station_id: str
    policy: ListPolicy = ListPolicy.NONE
    status: ListStatus = ListStatus.UNSENT
    version: int = 0
    told_version: int | None = None
    spoken: str | None = None
    held: dict[str, Held] = field(default_factory=dict)
    limits: Limits | None = None
    left_out: int = 0
    changed_ms: int = 0
    fresh_ms: int = 0

    @property
    def since_ms(self) -> int:
        """Return since when it is not known to be fresh; where it never was, since it was last changed here."""
        return self.fresh_ms or self.changed_ms

    @property
    def drifted(self) -> bool:
        """Whether the station has another version than it was given here."""
        return self.told_version is not None and self.told_version != self.version
