"""The world a CPO's process works in: its keys, its ports, and what it keeps in memory of stations and chains."""

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from wattseal.base.ids import StationId, TenantId
from wattseal.bundle.trust import Trust
from wattseal.crypto.certificates import Certificate
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import SigningKey
from wattseal.evidence.ocpp_jws_build import MessageSigner
from wattseal.flow.alarm_book import AlarmBook
from wattseal.flow.alerts import NO_ALERTS, AlertPolicy
from wattseal.flow.books import Books
from wattseal.flow.chains import Chains
from wattseal.flow.money.providers import PaymentProvider
from wattseal.flow.ports import CertificateAuthority, Clock, Journal, Lines, NoLines, OcspResponders, Random
from wattseal.model.account import Account
from wattseal.model.assembly import Assembly
from wattseal.model.connector import ConnectorState
from wattseal.model.continuity import LastEnd
from wattseal.model.customer import KeptCustomer
from wattseal.model.held import Held
from wattseal.model.job import Job
from wattseal.model.local_list import ListPolicy, LocalList
from wattseal.model.payment import Payment, PaymentPolicy
from wattseal.model.station import Station
from wattseal.model.token import Authorization, TokenRecord
from wattseal.model.transaction import Transaction
from wattseal.pricing.periods import Point
from wattseal.rules.arrival import Tail
from wattseal.rules.authorize import OnePer
from wattseal.rules.billing_policy import DEFAULT_BILLING, BillingPolicy
from wattseal.rules.charging_policy import DEFAULT_CHARGING, ChargingPolicy
from wattseal.rules.cut_short import CUT_SHORT
from wattseal.rules.device_model import Place
from wattseal.rules.ramp import Ramp
from wattseal.rules.recorded import Recorded
from wattseal.rules.uid_guessing import Tries
from wattseal.seal.registry import Registry, Role
from wattseal.watch import WATCH, Watch
from wattseal.watch.detector import Page
from wattseal.watch.power import Power

_SIGNERS = frozenset({Role.STATION, Role.EDGE})
SUBJECT_BYTES = 16
"""Length of the random pseudonym that a transaction's records share."""
ASK_TIMEOUT_S = 8
"""How long an eMSP may take to decide before the stated policy applies."""
MAX_GRANTS = 64
"""Unused authorisations kept per station; the oldest goes."""
MAX_MARKS = 4096
"""Messages remembered per transaction to recognise retries; beyond that the oldest is forgotten."""
MAX_PAGES = 256
"""Signed meter records kept in memory per transaction; with more of them its pages are not proven complete."""
MAX_POINTS = 4096
"""Readings of an open charge kept in memory for its running cost; of more the last intervals are long."""
MAX_CUT = 10_000
MAX_HEARD, HEARD_MS = 32, 150_000
"""Moments at which a station was heard that are kept, and how far apart they are: an hour and more."""
MAX_TOKENS = 10_000
"""Tokens kept in memory; others are read from the journal."""
MAX_ACCOUNTS = 10_000
"""Accounts kept in memory, like tokens."""
NO_PAYMENTS = PaymentPolicy()
MAX_CAPS = 2_000
"""Answers kept to how much energy an amount buys under a tariff."""


class Partners(Protocol):
    """The eMSPs this CPO works with."""

    def known(self, party: str) -> bool:
        """Return whether there is a connection to `party`."""

    def parties(self) -> tuple[str, ...]:
        """Return all of them."""

    async def ask(self, party: str, items: Sequence[bytes], timeout_s: float) -> tuple[bytes, ...] | None:
        """Send encoded items and return the items answered; None when the party cannot be reached in time."""


@dataclass(slots=True)
class Grant:
    """An authorisation not yet used: its request and decision, what is held, and the subject of the records to come."""

    records: tuple[Recorded, ...]
    subject: bytes
    authorization: Authorization
    expires_ms: int
    held: Held | None = None


@dataclass(slots=True)
class Numbers:
    """The OCPP sequence numbers of a transaction, as far as completeness needs them."""

    lowest: int | None = None
    highest: int | None = None
    count: int = 0
    without: int = 0

    def take(self, number: int | None) -> None:
        """Count one record, with or without a number."""
        if number is None:
            self.without += 1
            return
        self.lowest = number if self.lowest is None else min(self.lowest, number)
        self.highest = number if self.highest is None else max(self.highest, number)
        self.count += 1

    @property
    def gap(self) -> bool:
        """Whether numbers are missing between the lowest and the highest."""
        return self.lowest is not None and self.highest is not None and self.highest - self.lowest + 1 != self.count

    @property
    def complete(self) -> bool:
        """Whether every record had a number and none is missing."""
        return self.count > 0 and self.without == 0 and not self.gap


@dataclass(slots=True)
class Gap:
    """Messages of a transaction that are missing, since when, and when the last came that was; numbers are of 2.x."""

    since_ms: int
    filled_ms: int
    from_number: int
    to_number: int

    @staticmethod
    def opened(now_ms: int, number: int) -> "Gap":
        """Begin with the message that shows it."""
        return Gap(now_ms, now_ms, number, number)

    def take(self, now_ms: int, highest: int) -> None:
        """Take a message: it goes on, or it is one of those that were missing."""
        if highest == self.to_number:
            self.filled_ms = now_ms
        self.to_number = highest

    @property
    def messages(self) -> int:
        """How many messages have gone on since."""
        return self.to_number - self.from_number


@dataclass(slots=True)
class Live:
    """A transaction in memory.

    `marks` recognise retried messages; `highest_wh` is the highest good register on the way, recorded at `latest_ms`
    and read at `read_ms` of the station's time; `at_ms` is the latest such time told, `power` what its power comes to;
    `pages` is what the meter signed since the start, `meter_pages` where that stands among its records; `secrets` open
    the groups that are sealed for this CPO. `token` is the canonical form of the one that started it, as far as that is
    known; `fresh` means that nothing of it is recorded yet, `told_ms` is when its station last told of it, `held` what
    is set aside for it; `gap` what is missing of it. `points` are its readings, kept once a running cost that depends
    on them was asked for.
    """

    transaction: Transaction
    subject: bytes
    authorization: Authorization | None = None
    highest_wh: Decimal | None = None
    latest_ms: int | None = None
    read_ms: int | None = None
    at_ms: int | None = None
    power: Power | None = None
    meter_pages: dict[Page, None] = field(default_factory=dict)
    marks: dict[int, None] = field(default_factory=dict)
    pages: list[bytes] = field(default_factory=list)
    numbers: Numbers = field(default_factory=Numbers)
    secrets: dict[int, bytes] = field(default_factory=dict, repr=False)
    token: str | None = None
    fresh: bool = False
    told_ms: int = 0
    held: Held | None = None
    points: list[Point] | None = None
    gap: "Gap | None" = None

    @property
    def missing(self) -> bool:
        """Whether messages of it are missing by their numbers, the start included."""
        return self.numbers.gap or (self.transaction.started is None and self.numbers.count > 0)

    def follow_gap(self, now_ms: int, *, started: bool | None = None) -> None:
        """Take note of a message that was counted: whether some are missing since, still, or no more.

        `started`: whether the start had come by then, where that is another time than now.
        """
        lacks_start = self.numbers.count > 0 if started is False else self.missing
        if not (self.numbers.gap or lacks_start):
            self.gap = None
        elif self.gap is None:
            self.gap = Gap.opened(now_ms, self.numbers.highest or 0)
        else:
            self.gap.take(now_ms, self.numbers.highest or 0)

    def is_told(self, code: str) -> bool:
        """Return whether an alarm of this code stands in it."""
        return any(note.code == code for note in self.transaction.alarms)

    def measured(self, point: Point) -> None:
        """Keep a reading for the running cost, where that depends on it."""
        if self.points is not None and len(self.points) < MAX_POINTS:
            self.points.append(point)

    def take(self, seq_no: int | None, valid: Sequence[bytes]) -> None:
        """Count one record: its sequence number, and the meter's pages in it."""
        self.numbers.take(seq_no)
        if valid and len(self.pages) + len(valid) <= MAX_PAGES:
            self.pages.extend(valid)

    def seen(self, mark: int) -> bool:
        """Remember a message; return whether it was there before."""
        if mark in self.marks:
            return True
        if len(self.marks) >= MAX_MARKS:
            del self.marks[next(iter(self.marks))]
        self.marks[mark] = None
        return False


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
    last_end: dict[int, LastEnd] = field(default_factory=dict)
    statuses: dict[int, str] = field(default_factory=dict)
    marks: OrderedDict[int, None] = field(default_factory=OrderedDict)
    tails: dict[int, Tail] = field(default_factory=dict)
    seen_ms: int = 0
    back_ms: int = 0
    unaccounted: dict[int, tuple[str, int | None]] = field(default_factory=dict)
    heard: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_HEARD))
    signed_ms: int = 0
    version: str | None = None
    connected: bool = False
    boot_status: str | None = None
    expected: set[str] = field(default_factory=set)
    booted_ms: int = 0
    clock: tuple[int, ...] = ()
    clock_alarmed: bool = False
    connectors: dict[tuple[int, int], ConnectorState] | None = None
    trails: dict[str, deque[str]] = field(default_factory=dict)
    components: set[Place] | None = None
    jobs: dict[str, dict[str, Job]] = field(default_factory=dict)
    shelves: dict[str, set[str]] = field(default_factory=dict)
    customers: dict[int, KeptCustomer] = field(default_factory=dict)
    assemblies: OrderedDict[tuple[str, int], Assembly] | None = None

    def hear(self, now_ms: int, quiet_ms: int) -> None:
        """Take note that it was heard; after more than `quiet_ms` of silence it is back."""
        if now_ms - self.seen_ms > quiet_ms:
            self.back_ms = now_ms
        self.seen_ms = now_ms
        if not self.heard or now_ms - self.heard[-1] >= HEARD_MS:
            self.heard.append(now_ms)

    def heard_for_ms(self, at_ms: int, now_ms: int) -> int:
        """Return how long ago it was first heard after `at_ms`, as far as that is kept; 0 where that is now."""
        if now_ms - at_ms <= HEARD_MS:
            return 0
        return now_ms - next((moment for moment in self.heard if moment >= at_ms), now_ms)

    regulars: frozenset[str] | None = None
    """Canonical forms of tokens that have charged there, known only while card numbers are tried out there."""


@dataclass(frozen=True, slots=True)
class CurrentTariff:
    """A tariff by the record that decisions under it refer to (payload hash in hex)."""

    record: str
    tariff_id: str


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may choose.

    `public_url` is where this CPO's API is reached by others, for the links in CDRs. `master_group` is the canonical
    form of the group whose tokens may end any transaction and start none. `interrupted_after_s` is how long after a
    restart a station may be silent about what it was charging. With `start_button` charges begun by a button are the
    CPO's own to bill; `hearsay_cap_wh` is what a bare card number may draw of those. `list_parties` are the eMSPs who
    allow their drivers' tokens on stations' local lists. Events of a severity of at most `alarm_severity` raise alarms;
    `vendors` are those whose DataTransfer is kept; with `inventory` a station that boots as another model or firmware
    is asked for its variables.
    """

    boot_interval_s: int = 300
    mmd_s: int = 86_400
    grant_s: int = 600
    public_url: str | None = None
    master_group: str | None = None
    one_per: OnePer = OnePer.NONE
    start_button: bool = False
    hearsay_cap_wh: int | None = None
    list_parties: frozenset[str] = frozenset()
    interrupted_after_s: int = 3600
    charging: ChargingPolicy = DEFAULT_CHARGING
    alarm_severity: int = 3
    vendors: frozenset[str] = frozenset()
    inventory: bool = False
    billing: BillingPolicy = DEFAULT_BILLING
    payments: PaymentPolicy = NO_PAYMENTS
    alerts: AlertPolicy = NO_ALERTS

    def bundle_url(self, transaction_id: str) -> str | None:
        """Return where a transaction's bundle is, for those who may read it."""
        return None if self.public_url is None else f"{self.public_url}/api/v1/transactions/{transaction_id}/bundle"

    def receipts_url(self) -> str | None:
        """Return what stands before a receipt's id where it is shown to whoever holds it."""
        return None if self.public_url is None else f"{self.public_url}/r/"


@dataclass(frozen=True, slots=True)
class Cut:
    """A transaction that has ended without its driver's doing: when, where and why."""

    at_ms: int
    station_id: str
    reason: str


@dataclass(slots=True)
class World:
    """Everything `handle` needs. One per process; `tenant` is on every look-up.

    `listed` are the stations whose local lists follow the tokens, and what is to be on them; None until they were read.
    `syncing` are the lists that are being brought up to date.
    """

    tenant: TenantId
    party: str
    log_origin: str
    journal: Journal
    clock: Clock
    random: Random
    csms_key: SigningKey
    billing_key: SigningKey
    seal_key: SealPrivateKey
    registry: Registry
    partners: Partners
    settings: Settings
    chains: Chains
    books: Books
    lines: Lines = field(default_factory=NoLines)
    message_signer: MessageSigner | None = None
    authority: CertificateAuthority | None = None
    responders: OcspResponders | None = None
    contract_roots: tuple[Certificate, ...] = ()
    stations: dict[StationId, Memory] = field(default_factory=dict)
    tokens: OrderedDict[str, TokenRecord | None] = field(default_factory=OrderedDict)
    uid_tries: OrderedDict[str, Tries] = field(default_factory=OrderedDict)
    """Card numbers tried out, by station and prefix (`flow.drivers.uid_tries`)."""
    accounts: OrderedDict[str, Account | None] = field(default_factory=OrderedDict)
    caps: OrderedDict[tuple[str, int, int], int] = field(default_factory=OrderedDict)
    tariff_book: Any = None
    """Tariffs and assignments (`flow.money.tariffs.TariffBook`); None until they were read."""
    counters: dict[str, int] = field(default_factory=dict)
    token_changes: int = 0
    alarms: AlarmBook = field(default_factory=AlarmBook)
    """The alarms that stand."""
    listed: dict[StationId, ListPolicy] | None = None
    syncing: dict[StationId, LocalList] = field(default_factory=dict)
    energy_wh: Decimal = Decimal(0)
    cut: deque[Cut] = field(default_factory=lambda: deque(maxlen=MAX_CUT))
    """Transactions that were cut short in these minutes; of more the oldest goes."""
    upload_base: str | None = None
    providers: Mapping[str, PaymentProvider] = field(default_factory=dict)
    """Payment providers by name."""
    pay_base: str | None = None
    """Where drivers reach the pages on which they pay."""
    own_base: str | None = None
    """Where this process reaches its own HTTP port."""
    payments: dict[str, Payment] | None = None
    """Payments under way, by id; None until they were read."""
    deciding: set[str] = field(default_factory=set)
    """Transactions on which a ruling is being written, or whose bills are being invoiced."""
    numbering: set[str] = field(default_factory=set)
    """Series of invoices in which one is being issued."""
    trust: Trust | None = None
    """What bundles shown here are judged by."""
    ramp: Ramp = field(default_factory=Ramp)
    """How fast commands may change the fleet's power."""
    waiting: dict[str, Any] | None = None
    """Commands that wait for the ramp (`flow.ramp.Waiting`) by id; None until they were read."""
    pause: Callable[[float], Awaitable[None]] | None = None
    """Waits so many seconds; without it whatever must wait is kept until its time."""
    watch: Watch = WATCH
    """The detectors; all of them in every process."""
    vendors: Mapping[tuple[str, str | None], Any] = field(default_factory=dict)
    """Handlers of vendors' messages that the process was given (`flow.vendors`)."""

    def new_subject(self) -> bytes:
        """Draw the pseudonym of a transaction."""
        return self.random.bytes(SUBJECT_BYTES)

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return int(self.clock.now().timestamp() * 1000)

    def signed_origin(self, station: Station) -> str:
        """Return the origin under which a station's own signer, if it has one, writes."""
        return f"{self.party}/{station.id}"

    def has_signer(self, station: Station) -> bool:
        """Return whether a key of the station itself or of its edge is enrolled: its plain word then counts less."""
        origin = self.signed_origin(station)
        return any(e.origin == origin and e.role in _SIGNERS for e in self.registry.entries())

    def origin_of(self, station: Station) -> str:
        """Return the chain this CSMS writes for a station; the plain name belongs to the station's own signer."""
        return self.signed_origin(station) + ("~csms" if self.has_signer(station) else "")

    @property
    def billing_origin(self) -> str:
        """Return the chain of this CPO's own decisions and tariffs."""
        return f"{self.party}/billing"

    def forget(self) -> None:
        """Drop all that is kept in memory: after a failed commit, the journal alone says what is true."""
        self.stations.clear()
        self.tokens.clear()
        self.uid_tries.clear()
        self.accounts.clear()
        self.listed = None
        self.syncing.clear()
        self.payments = None
        self.waiting = None
        self.tariff_book = None
        self.chains.forget()
        self.books.forget()

    def delivered(self, transaction: Transaction) -> None:
        """Count the energy of a transaction that has just ended, unless it is sealed; note one that was cut short."""
        self.energy_wh += transaction.energy_wh or 0
        if transaction.stop_reason in CUT_SHORT:
            self.cut.append(Cut(self.now_ms(), transaction.station_id, transaction.stop_reason))

    def count(self, name: str) -> None:
        """Count an event by name."""
        self.counters[name] = self.counters.get(name, 0) + 1
