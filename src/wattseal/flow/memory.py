"""What is kept of one station between its messages."""

from collections import OrderedDict
from dataclasses import dataclass, field

from wattseal.flow.live import Live
from wattseal.model.assembly import Assembly
from wattseal.model.connector import ConnectorState
from wattseal.model.continuity import LastEnd
from wattseal.model.customer import KeptCustomer
from wattseal.model.held import Held
from wattseal.model.job import Job
from wattseal.model.station import Station
from wattseal.model.token import Authorization
from wattseal.rules.arrival import Tail
from wattseal.rules.device_model import Place
from wattseal.rules.recorded import Recorded
from wattseal.seal.card import Challenge

MAX_GRANTS = 64
"""Unused authorisations kept per station; the oldest goes."""
NOTHING: frozenset[str] = frozenset()
"""One for all stations: an empty set of its own takes as much as a full one."""
MAX_HEARD, HEARD_MS = 32, 150_000
"""Moments at which a station was heard that are kept, and how far apart they are: an hour and more."""


@dataclass(slots=True)
class Grant:
    """An authorisation not yet used: its request and decision, what is held, and the subject of the records to come.

    `evse_id` is where a card has proved itself, 0 for any EVSE of the station.
    """

    records: tuple[Recorded, ...]
    subject: bytes
    authorization: Authorization
    expires_ms: int
    held: Held | None = None
    evse_id: int = 0

    def is_for_elsewhere(self, evse_id: int) -> bool:
        """Return whether a card proved itself for another EVSE."""
        return bool(self.evse_id and evse_id) and self.evse_id != evse_id


@dataclass(frozen=True, slots=True)
class AskedCard:
    """A challenge that waits for its card; `spki` is the key that the card told, `drawn`: its subject is new."""

    challenge: Challenge
    spki: bytes
    drawn: bool


@dataclass(slots=True)
class Memory:
    """What is kept of one station between its messages; all of it can be rebuilt from the journal.

    `origin` is the chain this CSMS writes for it, `tails` are the ends of the chains that its own signer writes.
    `boot_status` is what its last BootNotification was answered, `expected` are the messages it was asked to send;
    `back_ms` is when it was heard again after it had said nothing for long, `unaccounted` by EVSE the record of the end
    since which energy went by, and when that was first seen, None once told; `heard` are moments at which it was,
    `HEARD_MS` apart or more; `signed_ms` is when its own signer's word last came, `clock` has its times less ours
    (rules.clock_drift). `connectors`, `components` that are kept, `assemblies`, `jobs` and `trails`, the keys of
    histories' entries, are read when they are first needed.
    """

    station: Station
    origin: str
    live: OrderedDict[str, Live] = field(default_factory=OrderedDict)
    ended: OrderedDict[str, Live] = field(default_factory=OrderedDict)
    grants: OrderedDict[str, Grant] = field(default_factory=OrderedDict)
    asked_cards: OrderedDict[bytes, AskedCard] = field(default_factory=OrderedDict)
    last_end: dict[int, LastEnd] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    marks: OrderedDict[int, None] = field(default_factory=OrderedDict)
    tails: dict[int, Tail] = field(default_factory=dict)
    seen_ms: int = 0
    back_ms: int = 0
    unaccounted: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    heard: tuple[int, ...] = ()
    signed_ms: int = 0
    version: str | None = None
    connected: bool = False
    boot_status: str | None = None
    expected: frozenset[str] = NOTHING
    booted_ms: int = 0
    clock: tuple[int, ...] = ()
    clock_alarmed: bool = False
    connectors: dict[tuple[int, int], ConnectorState] | None = None
    trails: dict[str, list[str]] = field(default_factory=dict)
    components: set[Place] | None = None
    jobs: dict[str, dict[str, Job]] = field(default_factory=dict)
    shelves: dict[str, set[str]] = field(default_factory=dict)
    customers: dict[int, KeptCustomer] = field(default_factory=dict)
    assemblies: OrderedDict[tuple[str, int], Assembly] | None = None
    regulars: frozenset[str] | None = None
    """Canonical forms of tokens that have charged there, known only while card numbers are tried out there."""

    def hear(self, now_ms: int, quiet_ms: int) -> None:
        """Take note that it was heard; after more than `quiet_ms` of silence it is back."""
        if now_ms - self.seen_ms > quiet_ms:
            self.back_ms = now_ms
        self.seen_ms = now_ms
        if not self.heard or now_ms - self.heard[-1] >= HEARD_MS:
            self.heard = (*self.heard[1 - MAX_HEARD :], now_ms)

    def heard_for_ms(self, at_ms: int, now_ms: int) -> int:
        """Return how long ago it was first heard after `at_ms`, as far as that is kept; 0 where that is now."""
        if now_ms - at_ms <= HEARD_MS:
            return 0
        return now_ms - next((moment for moment in self.heard if moment >= at_ms), now_ms)
