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
from wattseal.flow.books import Books
from wattseal.flow.chains import Chains
from wattseal.flow.memory import Memory
from wattseal.flow.money.providers import PaymentProvider
from wattseal.flow.ports import CertificateAuthority, Clock, Journal, Lines, NoLines, OcspResponders, Random
from wattseal.flow.settings import Settings
from wattseal.model.account import Account
from wattseal.model.local_list import ListPolicy, LocalList
from wattseal.model.payment import Payment
from wattseal.model.station import Station
from wattseal.model.token import TokenRecord
from wattseal.model.transaction import Transaction
from wattseal.rules.alone import Alone
from wattseal.rules.cut_short import CUT_SHORT
from wattseal.rules.ramp import Ramp
from wattseal.rules.uid_guessing import Tries
from wattseal.seal.registry import Registry, Role
from wattseal.watch import WATCH, Watch

_SIGNERS = frozenset({Role.STATION, Role.EDGE})
SUBJECT_BYTES = 16
"""Length of the random pseudonym that a transaction's records share."""
ASK_TIMEOUT_S = 8
"""How long an eMSP may take to decide before the stated policy applies."""
MAX_CUT = 10_000
MAX_TOKENS = 10_000
"""Tokens kept in memory; others are read from the journal."""
MAX_ACCOUNTS = 10_000
"""Accounts kept in memory, like tokens."""
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
    era: int = 0
    """Another one when what somebody is reading of tokens and accounts may be older than what is true by then."""
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
    """Transactions, accounts, payments and others that somebody is deciding on right now (`flow.claims`)."""
    used_reservations: set[str] = field(default_factory=set)
    """Reservations that charges have used and that may not be read so yet, by key (`flow.drivers.reservations`)."""
    numbering: set[str] = field(default_factory=set)
    """Series of invoices in which one is being issued."""
    trust: Trust | None = None
    """What bundles shown here are judged by."""
    ramp: Ramp = field(default_factory=Ramp)
    """How fast commands may change the fleet's power."""
    works: Any = None
    """What the records say of announced works (`flow.fleet.maintenance.Works`); None until they were read."""
    waiting: dict[str, Any] | None = None
    """Commands that wait for the ramp (`flow.ramp.Waiting`) by id; None until they were read."""
    alone: dict[str, Alone] = field(default_factory=dict)
    """Which stations each person has commanded alone lately (`flow.fleet.alone`), as far as it was asked for."""
    limited: dict[StationId, int] | None = None
    """When to look at the fallbacks of stations with limits (`flow.limits.fallback`); None until they were read."""
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

    def has_edge(self, station: Station) -> bool:
        """Return whether an edge stands beside a station: it looks at the commands that it is sent."""
        origin = self.signed_origin(station)
        edges = (e for e in self.registry.entries() if e.origin == origin and e.role is Role.EDGE)
        return any(e.revoked_ms is None for e in edges)

    def origin_of(self, station: Station) -> str:
        """Return the chain this CSMS writes for a station; the plain name belongs to the station's own signer."""
        return self.signed_origin(station) + ("~csms" if self.has_signer(station) else "")

    @property
    def billing_origin(self) -> str:
        """Return the chain of this CPO's own decisions and tariffs."""
        return f"{self.party}/billing"

    def forget(self) -> None:
        """Drop all that is kept in memory: after a failed commit, the journal alone says what is true."""
        self.era += 1
        self.stations.clear()
        self.tokens.clear()
        self.uid_tries.clear()
        self.used_reservations.clear()
        self.accounts.clear()
        self.listed = None
        self.syncing.clear()
        self.payments = None
        self.works = None
        self.waiting = None
        self.limited = None
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
