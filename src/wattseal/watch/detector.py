"""What a detector is, and all that one may look at: values of one message and of what is known before it.

A detector is pure and sees no journal: whatever it needs of earlier messages and sessions is kept in memory and handed
over. What it finds is a note of the record that the message becomes, so that replaying the journal finds the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from wattseal.model.continuity import Span
from wattseal.model.station import NO_PIN
from wattseal.model.verdict import EvidencePin, Finding, Source
from wattseal.watch.power import Power

MAX_POWER_W = 1_000_000
"""What an EVSE delivers at most where its enrolment states no rating: more than any that charges cars."""


class Moment(StrEnum):
    """When a detector looks."""

    START = "start"
    READING = "reading"
    IDLE = "idle"
    """A register told of an EVSE outside of its sessions."""
    LATE = "late"
    """A reading of a time before one that has arrived."""
    END = "end"
    OPEN = "open"
    """Nothing has arrived: a session that runs is looked at by the clock."""
    TOGETHER = "together"
    """Several sessions of a site have ended: looked at by the clock."""
    SILENCE = "silence"
    """Nothing has arrived: a station that ought to speak is looked at by the clock."""
    USED = "used"
    """A card has been used, here and elsewhere: its sessions are looked at by the clock."""


class Page(Struct, frozen=True, gc=False):
    """The place of one signed record among its meter's records of a context."""

    context: str
    number: int


class Use(Struct, frozen=True, gc=False):
    """A session that a card paid for: where, and from when until when as far as its station has told.

    `place` is latitude and longitude of its site in degrees, None where no site is known.
    """

    subject: str
    station_id: str
    site: str | None
    place: tuple[float, float] | None
    began_ms: int
    until_ms: int


class Seen(Struct, frozen=True, gc=False):
    """One message about one session, and what is known before it. Registers in Wh, times Unix milliseconds.

    - The message: `at_ms` is the station's time of it, `now_ms` ours, `read_ms` the station's time of `register_wh`;
      `offline` that the station says it waited; `pages` are of the verified records in it.
    - The session: `started_ms` and `start_wh` as its start told, `began_ms` when we first heard of it; `before_wh` the
      highest good register, read at `before_ms`; `after_wh` a register that was read later than this one; `told_ms`
      the latest time told before; `own_pages` those before this message; `gap` that numbers of messages are missing;
      `rolled_back` that its start was below the end before; `power` what its power has come to; `source`, `sealed` and
      `pin` what its evidence is and must be.
    - The EVSE: `rated_w`, None where nobody has stated it; `spans` its sessions that have ended, in their order,
      without this one; `meter_spans` those of all EVSEs on the same meter, this one included; `running_wh` the highest
      register of one that has begun since and not ended. `running` says there is one, and `next_ms` when the EVSE was
      first heard to be free, or to have begun another session, after this one. `counts_on` is false where every session
      begins its register anew; `unaccounted_wh` is what a signer of its own says went by since the session before.
    - A gap in a session's numbers: `gap_open_ms` is for how long it has been open while the station was heard, None
      where there is none, `gap_messages` how many messages of the session came since, `missing` what is, in words.
    - The site, whose id is `subject`: `cut` are sessions that ended together, of `cut_of` that ran, `cut_text` how.
    - The station: `heard_for_ms` is for how long it has been heard since `at_ms`, `heard_ms` when anything of it last
      came, `signed_ms` when anything that its own signer signed did, None where it has none; `interval_ms` is how long
      it may say nothing (its heartbeat).
    - The card: `use` is the session looked at, `others` are the card's latest other ones.
    """

    now_ms: int
    at_ms: int
    subject: str = ""
    register_wh: Decimal | None = None
    read_ms: int | None = None
    offline: bool = False
    pages: tuple[Page, ...] = ()
    started_ms: int | None = None
    start_wh: Decimal | None = None
    began_ms: int | None = None
    before_wh: Decimal | None = None
    before_ms: int | None = None
    after_wh: Decimal | None = None
    told_ms: int | None = None
    own_pages: tuple[Page, ...] = ()
    gap: bool = False
    power: Power | None = None
    source: Source = Source.CSMS
    sealed: bool = False
    pin: EvidencePin = NO_PIN
    rated_w: int | None = None
    spans: tuple[Span, ...] = ()
    meter_spans: tuple[Span, ...] = ()
    running: bool = False
    running_wh: Decimal | None = None
    next_ms: int | None = None
    counts_on: bool = True
    rolled_back: bool = False
    unaccounted_wh: Decimal | None = None
    cut: int = 0
    cut_of: int = 0
    cut_text: str = ""
    heard_for_ms: int = 0
    gap_open_ms: int | None = None
    gap_messages: int = 0
    missing: str = ""
    heard_ms: int | None = None
    signed_ms: int | None = None
    interval_ms: int = 0
    use: Use | None = None
    others: tuple[Use, ...] = ()


Observe = Callable[[Seen], Finding | None]


@dataclass(frozen=True, slots=True)
class Detector:
    """One way to see that something is wrong. One file in this room holds one.

    `code` is the note's, whose effect stands in `rules.notes`; `threshold` the figure it compares with, in `unit`;
    `why` says why that figure and no other, `then` what somebody should do. `observe` is asked at `moments` and gives
    the note, or None.
    """

    code: str
    title: str
    threshold: Decimal | int
    unit: str
    why: str
    then: str
    moments: frozenset[Moment]
    observe: Observe


def at(*moments: Moment) -> frozenset[Moment]:
    """Return the moments as a detector states them."""
    return frozenset(moments)
