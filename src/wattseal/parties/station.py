"""A charging station's part in charging, without clock or socket: its meter counts and signs, its messages wait.

Every function takes the memory and returns the next one; whoever runs the station keeps it on disk. Messages about a
transaction wait in order until they are answered (1.6 section 3.7; 2.x E12), and are given up after a number of
refusals (1.6 section 3.7.1; 2.x E13). In 1.6 the CSMS names the transaction in its answer to the start: the name is put
into what waits behind when that is sent, and -1 where no start was ever answered.
"""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from wattseal.base.ids import EvseId, TransactionId
from wattseal.crypto.keys import SigningKey
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.model.answers import TransactionAnswer
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted, TransactionUpdated
from wattseal.model.message import Answer
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, RawEvidence, Reading
from wattseal.model.token import IdToken, TokenStatus
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.version import Version

NAMELESS = "-1"
"""The transaction id of 1.6 messages whose start was never answered."""
UNKNOWN_YET = "0"
KEPT_SESSIONS = 100


class Role(StrEnum):
    """What a queued message is to its transaction."""

    START = "start"
    READING = "reading"
    STOP = "stop"


class Fate(StrEnum):
    """What became of a session: running, told but not yet acknowledged, acknowledged to its end, or given up."""

    RUNNING = "running"
    QUEUED = "queued"
    ACKNOWLEDGED = "acknowledged"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Make:
    """What does not change: the version spoken, the EVSE, its meter, and the meter's key if it signs."""

    version: Version
    evse_id: EvseId
    meter_serial: str
    meter_key: SigningKey | None = None


@dataclass(frozen=True, slots=True)
class Queued:
    """A message that has not been answered; `payload` is JSON text."""

    session: int
    role: Role
    action: str
    payload: str
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """The transaction in progress; `begin` is the meter's signed record of its start."""

    session: int
    transaction_id: str
    pseudonym: str
    start_wh: int
    started_at: datetime
    seq_no: int = 0
    begin: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """A charge as the station remembers it; `authorization` is the CSMS's answer to its start."""

    number: int
    transaction_id: str | None
    start_wh: int
    stop_wh: int | None = None
    fate: Fate = Fate.RUNNING
    authorization: str | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What a station keeps: the meter's register and next page, the sessions, and what waits to be answered."""

    register_wh: int = 0
    page: int = 1
    next_session: int = 1
    sessions: tuple[Session, ...] = ()
    queue: tuple[Queued, ...] = ()
    running: Running | None = None

    def session(self, number: int) -> Session:
        """Return a session that is remembered."""
        return next(session for session in self.sessions if session.number == number)


def begin(
    memory: Memory,
    make: Make,
    now: datetime,
    token: IdToken,
    name: str,
    *,
    offline: bool,
    remote_start_id: int | None = None,
) -> Memory:
    """Start a session; `name`, 32 random hex digits, is the transaction id (2.x) and the meter's pseudonym for it."""
    number = memory.next_session
    named = make.version is not Version.V16
    running = Running(number, name if named else UNKNOWN_YET, name, memory.register_wh, now)
    reading, memory, signed = _read(memory, make, now, "B", running.pseudonym)
    running = replace(running, begin=signed)
    fact = TransactionStarted(
        make.evse_id,
        now,
        TransactionId(name) if named else None,
        1,
        token,
        Decimal(memory.register_wh),
        (reading,),
        0,
        offline,
        "Authorized" if remote_start_id is None else "RemoteStart",
        remote_start_id if named else None,
    )
    session = Session(number, name if named else None, memory.register_wh)
    memory = replace(
        memory,
        next_session=number + 1,
        sessions=(*memory.sessions, session)[-KEPT_SESSIONS:],
        running=running,
    )
    memory = _enqueue(memory, make, number, Role.START, fact)
    if not named and signed is not None:  # application note "Signed Meter Values", 3.1.2
        memory = _enqueue(memory, make, number, Role.READING, _reported(make, running, reading))
    return memory


def measure(memory: Memory, make: Make, now: datetime, added_wh: int, *, offline: bool) -> Memory:
    """Count `added_wh` and report the register."""
    running = _running(memory)
    memory = replace(memory, register_wh=memory.register_wh + added_wh)
    reading = _reading(memory, now, "Sample.Periodic")
    if make.version is Version.V16:
        return _enqueue(memory, make, running.session, Role.READING, _reported(make, running, reading))
    running = replace(running, seq_no=running.seq_no + 1)
    fact = TransactionUpdated(
        TransactionId(running.transaction_id),
        now,
        running.seq_no,
        make.evse_id,
        None,
        (reading,),
        offline,
        "MeterValuePeriodic",
    )
    return _enqueue(replace(memory, running=running), make, running.session, Role.READING, fact)


def finish(
    memory: Memory, make: Make, now: datetime, added_wh: int, *, reason: str, trigger: str, offline: bool
) -> Memory:
    """Count `added_wh` and end the session; the signed start is told again (application note, 3.1.4 and 4.1.2)."""
    running = _running(memory)
    memory = replace(memory, register_wh=memory.register_wh + added_wh)
    reading, memory, signed = _read(memory, make, now, "E", running.pseudonym)
    readings = (reading,) if signed or make.version is not Version.V16 else ()
    if running.begin is not None:
        proof = RawEvidence("OCMF", running.begin.encode())
        first = _reading(replace(memory, register_wh=running.start_wh), running.started_at, "Transaction.Begin", proof)
        readings = (first, *readings)
    fact = TransactionEnded(
        TransactionId(running.transaction_id),
        now,
        Decimal(memory.register_wh),
        reason,
        make.evse_id,
        None,
        readings,
        running.seq_no + 1,
        offline,
        trigger,
    )
    ended = replace(memory.session(running.session), stop_wh=memory.register_wh, fate=Fate.QUEUED)
    return _enqueue(replace(_put(memory, ended), running=None), make, running.session, Role.STOP, fact)


def next_message(memory: Memory, make: Make) -> tuple[str, bytes] | None:
    """Return `(action, payload)` of what has waited longest; None when nothing waits."""
    if not memory.queue:
        return None
    first = memory.queue[0]
    if make.version is not Version.V16 or first.role is Role.START:
        return first.action, first.payload.encode()
    payload = json.loads(first.payload, parse_float=Decimal)
    payload["transactionId"] = int(memory.session(first.session).transaction_id or NAMELESS)
    return first.action, bytes(catalog.encode(payload))


def answered(memory: Memory, answer: Answer) -> Memory:
    """Take the answer to the message that waited longest."""
    first, *rest = memory.queue
    memory = replace(memory, queue=tuple(rest))
    session = memory.session(first.session)
    match first.role:
        case Role.START if isinstance(answer, TransactionAnswer):
            status = answer.authorization.status.value if answer.authorization else None
            named = answer.transaction_id or session.transaction_id
            return _put(memory, replace(session, transaction_id=named, authorization=status))
        case Role.STOP if session.fate is not Fate.LOST:
            return _put(memory, replace(session, fate=Fate.ACKNOWLEDGED))
        case _:
            return memory


def refused(memory: Memory, attempts: int) -> Memory:
    """Take a refusal of the message that waited longest: it stays for `attempts` in all, then its session is lost."""
    first, *rest = memory.queue
    if first.refusals + 1 < attempts:
        return replace(memory, queue=(replace(first, refusals=first.refusals + 1), *rest))
    memory = replace(memory, queue=tuple(rest))
    if first.role is Role.READING:
        return memory
    return _put(memory, replace(memory.session(first.session), fate=Fate.LOST))


def is_deauthorised(memory: Memory) -> bool:
    """Return whether the CSMS has answered the running session's start with a refusal: then it is to be stopped."""
    running = memory.running
    if running is None:
        return False
    return memory.session(running.session).authorization not in {None, TokenStatus.ACCEPTED}


def _running(memory: Memory) -> Running:
    assert memory.running is not None  # noqa: S101 - callers begin before they measure
    return memory.running


def _put(memory: Memory, session: Session) -> Memory:
    sessions = tuple(session if s.number == session.number else s for s in memory.sessions)
    return replace(memory, sessions=sessions)


def _enqueue(
    memory: Memory,
    make: Make,
    session: int,
    role: Role,
    fact: TransactionStarted | TransactionUpdated | TransactionEnded | MeterReported,
) -> Memory:
    action, payload = catalog.ask(make.version, fact)
    return replace(memory, queue=(*memory.queue, Queued(session, role, action, payload.decode())))


def _reported(make: Make, running: Running, reading: Reading) -> MeterReported:
    return MeterReported(make.evse_id, (reading,), TransactionId(running.transaction_id))


def _reading(memory: Memory, now: datetime, context: str, proof: RawEvidence | None = None) -> Reading:
    return Reading(now, ENERGY_IMPORT_REGISTER, Decimal(memory.register_wh), "Wh", context, evidence=proof)


def _read(memory: Memory, make: Make, now: datetime, letter: str, pseudonym: str) -> tuple[Reading, Memory, str | None]:
    """Read the register at begin ("B") or end ("E"), signed where the meter signs; its page turns then."""
    context = "Transaction.Begin" if letter == "B" else "Transaction.End"
    if make.meter_key is None:
        return _reading(memory, now, context), memory, None
    to_sign = ReadingToSign(now, letter, Decimal(memory.register_wh))
    signed = build(MeterState(make.meter_serial, memory.page), [to_sign], make.meter_key, pseudonym)
    key = make.meter_key.public.spki if letter == "B" else None
    proof = RawEvidence("OCMF", signed, key)
    return _reading(memory, now, context, proof), replace(memory, page=memory.page + 1), signed.decode()
