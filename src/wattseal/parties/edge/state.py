"""What an edge remembers: its chains, open charges and permits; immutable, and stored as documents of its journal."""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from wattseal.base.ids import StationId
from wattseal.flow.ports import Put
from wattseal.model.token import IdToken, TokenStatus
from wattseal.seal.chain import NO_HEAD, ChainHead
from wattseal.seal.item import ClockQuality
from wattseal.seal.registry import Registry
from wattseal.seal.writer import Reader, SubjectKeys, Writer

VERSION = 1
"""Layout of the documents below."""
STREAM, PERMIT, CHARGE, COMMANDS = "edge_stream", "edge_permit", "edge_charge", "edge_commands"


class Mode(StrEnum):
    """Whether the content of records is sealed for its readers or only signed and open to whoever forwards it."""

    SEALED = "sealed"
    SIGNED = "signed"


@dataclass(frozen=True, slots=True)
class Readers:
    """Who may read what, with root-signed keys; all empty where records are only signed."""

    identity: tuple[Reader, ...] = ()
    meter: tuple[Reader, ...] = ()

    @property
    def both(self) -> tuple[Reader, ...]:
        """Who may read a frame that tells both: the intersection."""
        return tuple(reader for reader in self.meter if reader in self.identity)


@dataclass(frozen=True, slots=True)
class Site:
    """One station behind this edge, speaking OCPP `version`. `route` is the party that decides on authorisations.

    `token_key` (32 bytes, never leaves the edge) keys the digests that stand for tokens in the edge's own memory.
    """

    station_id: StationId
    version: str
    mode: Mode
    route: str
    readers: Readers
    writer: Writer
    registry: Registry
    token_key: bytes = field(repr=False)
    heartbeat_ms: int
    clock: ClockQuality = ClockQuality.INFORMATIVE

    @property
    def origin(self) -> str:
        """Whose chains these are."""
        return self.writer.origin

    @property
    def log_origin(self) -> str:
        """The log the records are meant for."""
        return self.writer.log_origin

    def digest(self, token: IdToken) -> bytes:
        """Return what stands for a token in the edge's memory."""
        return hmac.digest(self.token_key, token.key().encode(), "sha256")


@dataclass(frozen=True, slots=True)
class Stream:
    """One chain: where it stands, which of its signed records have no receipt, and what its meter last said at an end.

    `pending` holds (epoch, seq) in order; `signed_ms` is the time of the last signed record; `prev_end` the payload
    hash of the last ended record.
    """

    number: int
    head: ChainHead = NO_HEAD
    pending: tuple[tuple[int, int], ...] = ()
    signed_ms: int = 0
    last_register_wh: Decimal | None = None
    prev_end: bytes | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What the billing party decided, from its verified decision record."""

    decision: bytes
    status: TokenStatus
    auth_id: bytes
    expires_ms: int
    cap_wh: int | None = None


@dataclass(frozen=True, slots=True)
class Permit:
    """A request for authorisation and what became of it; `token` is a keyed digest, never the token.

    `local` is the answer given by local policy while nobody could be asked. `proved_evse` is where the card has proved
    itself, 0 for the whole station; None for a bare token, which may be used at any EVSE.
    """

    token: bytes
    keys: SubjectKeys
    request: bytes
    requested_ms: int
    granted: Granted | None = None
    local: TokenStatus | None = None
    proved_evse: int | None = None

    @property
    def status(self) -> TokenStatus | None:
        """The billing party's word, else that of local policy, else None: still waiting."""
        return self.granted.status if self.granted is not None else self.local

    def is_for_elsewhere(self, evse_id: int | None, keys: SubjectKeys | None = None) -> bool:
        """Return whether a card proved itself for another EVSE or transaction: its number alone is no good here."""
        if self.proved_evse is None:
            return False
        elsewhere = bool(self.proved_evse and evse_id) and self.proved_evse != evse_id
        return elsewhere or (keys is not None and self.keys != keys)


@dataclass(frozen=True, slots=True)
class Charge:
    """A transaction: its keys until its last record has a receipt, then nothing is left but its id.

    `referred` tells that a record has named the decision; `end` is (epoch, seq) of the ended record.
    """

    transaction_id: str
    evse_id: int
    keys: SubjectKeys
    permit: Permit | None = None
    referred: bool = False
    end: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Commands:
    """Signed commands that passed: of each the hash of its record, and until when it is good (ms).

    One that is good until `forgotten_ms` at the latest does not pass: of those nothing is remembered. Once `required`,
    no command passes without a signature; that is never taken back.
    """

    required: bool = False
    used: tuple[tuple[bytes, int], ...] = ()
    forgotten_ms: int = 0


@dataclass(frozen=True, slots=True)
class EdgeState:
    """All an edge remembers. Steps make a new one; it counts once it is durable."""

    streams: Mapping[int, Stream] = field(default_factory=dict)
    permits: Mapping[bytes, Permit] = field(default_factory=dict)
    charges: Mapping[str, Charge] = field(default_factory=dict)
    commands: Commands = Commands()

    def stream(self, number: int) -> Stream:
        """Return a chain, a new one where there is none yet."""
        return self.streams.get(number) or Stream(number)

    def with_stream(self, stream: Stream) -> "EdgeState":
        """Return the state with a chain moved on."""
        return replace(self, streams={**self.streams, stream.number: stream})

    def with_permit(self, permit: Permit) -> "EdgeState":
        """Return the state with a permit added or changed."""
        return replace(self, permits={**self.permits, permit.token: permit})

    def without_permit(self, token: bytes) -> "EdgeState":
        """Return the state with a permit used up."""
        return replace(self, permits={key: kept for key, kept in self.permits.items() if key != token})

    def with_charge(self, charge: Charge) -> "EdgeState":
        """Return the state with a charge added or changed."""
        return replace(self, charges={**self.charges, charge.transaction_id: charge})

    def without_charge(self, transaction_id: str) -> "EdgeState":
        """Return the state with a charge, its keys above all, forgotten."""
        return replace(self, charges={key: kept for key, kept in self.charges.items() if key != transaction_id})


def changes(old: EdgeState, new: EdgeState, station_id: StationId, now_ms: int) -> tuple[Put, ...]:
    """Return the documents to write so that `restore` gives `new`; what was forgotten is overwritten."""
    puts: list[Put] = []

    def compare(kind: str, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> None:
        if before is after:
            return
        for key, value in after.items():
            if before.get(key) is not value:
                puts.append(_put(kind, key, msgspec.json.encode(value), station_id, now_ms, active=True))
        puts.extend(_put(kind, key, b"{}", station_id, now_ms, active=False) for key in before.keys() - after.keys())

    compare(STREAM, old.streams, new.streams)
    compare(PERMIT, old.permits, new.permits)
    compare(CHARGE, old.charges, new.charges)
    if new.commands is not old.commands:
        puts.append(_put(COMMANDS, "all", msgspec.json.encode(new.commands), station_id, now_ms, active=True))
    return tuple(puts)


def _put(kind: str, key: Any, body: bytes, station_id: StationId, now_ms: int, *, active: bool) -> Put:
    text = key.hex() if isinstance(key, bytes) else str(key)
    return Put(kind, text, VERSION, body, now_ms, station_id, active)


def restore(documents: Iterable[Put]) -> EdgeState:
    """Return the state that active documents of the four kinds tell."""
    streams: dict[int, Stream] = {}
    permits: dict[bytes, Permit] = {}
    charges: dict[str, Charge] = {}
    commands = Commands()
    for document in documents:
        match document.kind:
            case "edge_stream":
                stream = msgspec.json.decode(document.body, type=Stream)
                streams[stream.number] = stream
            case "edge_permit":
                permit = msgspec.json.decode(document.body, type=Permit)
                permits[permit.token] = permit
            case "edge_charge":
                charge = msgspec.json.decode(document.body, type=Charge)
                charges[charge.transaction_id] = charge
            case "edge_commands":
                commands = msgspec.json.decode(document.body, type=Commands)
    return EdgeState(streams, permits, charges, commands)
