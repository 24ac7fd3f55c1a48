"""Commands to a station: each is a signed record before it is sent, and so is what came of it.

The record of a command is on the station's chain of this CSMS (stream 0), with the payload as sent; where a payload
holds a secret (a password, a certificate's key) its value is left out of the record.
"""

from dataclasses import dataclass, replace

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.crypto.hashes import sha256
from wattseal.flow import command_log, command_signing, ramp, signing
from wattseal.flow.charges import charge_details, loose_ends, payments
from wattseal.flow.command_signing import Sending
from wattseal.flow.documents import STATION, read
from wattseal.flow.drivers import local_lists, reservations
from wattseal.flow.fleet import alone, quirks
from wattseal.flow.identity import certificates, credentials
from wattseal.flow.limits import batteries, charging, der, station_tariffs
from wattseal.flow.memory import Memory
from wattseal.flow.orders import Answered, Asking, Checks, joined
from wattseal.flow.ports import Silence
from wattseal.flow.ramp import Passing, Placed
from wattseal.flow.stations import device
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.message import Answer, Asked, Command, Replied
from wattseal.model.principal import Principal
from wattseal.model.station import Station
from wattseal.model.transaction import EvidenceVerdict
from wattseal.model.verdict import Finding
from wattseal.rules.recorded import Observed
from wattseal.rules.secrets import without_secrets
from wattseal.seal import dcbor
from wattseal.seal.fields import Ordered
from wattseal.seal.item import Group, Kind
from wattseal.seal.plain import PlainDraft, Written
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import CallError, CallResult
from wattseal.wire.ocpp.version import Refusal, Version

DEADLINE_S = 30.0
MAX_DEADLINE_S = 300.0
MAX_KEPT = 32 * 1024
"""Of a longer payload its record keeps the beginning, and the SHA-256 of the whole (`payload_cut`)."""
CHECKS: Checks = {
    **batteries.CHECKS,
    **charging.CHECKS,
    **credentials.CHECKS,
    **der.CHECKS,
}
EFFECTS = joined(
    batteries.EFFECTS,
    certificates.EFFECTS,
    charge_details.EFFECTS,
    charging.EFFECTS,
    der.EFFECTS,
    device.EFFECTS,
    local_lists.EFFECTS,
    loose_ends.EFFECTS,
    payments.EFFECTS,
    reservations.EFFECTS,
    station_tariffs.EFFECTS,
)


@dataclass(frozen=True, slots=True)
class Done:
    """The station's answer; `payload` as it came, `record` the payload hash of the command's record."""

    action: str
    answer: Answer
    payload: bytes
    record: bytes


@dataclass(frozen=True, slots=True)
class Declined:
    """The station answered with a CALLERROR of this code; `text` is its own."""

    action: str
    code: str
    text: str
    record: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """There is no answer: `reason` is a `Silence`, or "unreadable" (an answer against its schema)."""

    action: str
    reason: str
    record: bytes | None


@dataclass(frozen=True, slots=True)
class Queued:
    """Not sent yet: it waits for the fleet's ramp under this id and is sent at `at_ms` (flow.ramp)."""

    action: str
    id: str
    at_ms: int


Outcome = Done | Declined | Unanswered | Queued


class UnknownStationError(InputError):
    """There is no such station."""

    code = "unknown_station"


class UnusablePayloadError(InputError):
    """The payload does not fit the action's schema; `fault` is the CALLERROR code it would have earned."""

    code = "bad_payload"

    def __init__(self, refusal: Refusal, version: Version, action: str) -> None:
        """Tell which version was applied."""
        super().__init__(f"OCPP {version} {action}: {refusal.text}", subject=action)
        self.fault = refusal.fault.code(version)


async def send(
    world: World,
    principal: Principal,
    station_id: StationId,
    command: Command,
    deadline_s: float = DEADLINE_S,
    *,
    passing: Passing | Placed = Passing.IN_LINE,
) -> Outcome:
    """Send a command in the words of the station's version; `InputError` where that version cannot say it.

    One that may change power passes the fleet's ramp first.
    """
    memory = await find_station(world, station_id)
    version = world.lines.version(StationId(memory.station.id))
    if version is None:
        return Unanswered("", Silence.OFFLINE, None)
    command = quirks.adapt(memory, command)
    action, payload = catalog.ask(version, command)
    return await _send(world, principal, memory, _Order(version, action, payload, command, deadline_s, passing))


async def send_payload(
    world: World,
    principal: Principal,
    station_id: StationId,
    action: str,
    payload: bytes,
    *,
    deadline_s: float = DEADLINE_S,
    passing: Passing | Placed = Passing.IN_LINE,
) -> Outcome:
    """Send a payload of the station's version, checked against its schema first (`UnusablePayloadError`)."""
    memory = await find_station(world, station_id)
    version = world.lines.version(StationId(memory.station.id))
    if version is None:
        return Unanswered(action, Silence.OFFLINE, None)
    command = catalog.read_command(version, action, payload)
    if isinstance(command, Refusal):
        raise UnusablePayloadError(command, version, action)
    return await _send(world, principal, memory, _Order(version, action, payload, command, deadline_s, passing))


@dataclass(frozen=True, slots=True)
class _Order:
    version: Version
    action: str
    payload: bytes
    command: Command
    deadline_s: float
    passing: Passing | Placed


async def find_station(world: World, station_id: StationId) -> Memory:
    """Return the memory of a station under its id as enrolled: `station_id` may differ in case."""
    document = await world.journal.document(world.tenant, STATION, station_id.casefold())
    memory = None if document is None else await remember_station(world, StationId(read(document, Station).id))
    if memory is None:
        raise UnknownStationError("there is no such station", subject=station_id)
    return memory


async def _send(world: World, principal: Principal, memory: Memory, order: _Order) -> Outcome:
    key = order.command.action if isinstance(order.command, Asked) else type(order.command)
    check, asking = CHECKS.get(key), Asking(world, memory, order.version, principal)
    if check is not None:
        await check(asking, order.command)
    await alone.keep_within_reach(asking, order.command, order.passing)
    turn = await ramp.turn_of(asking, order.command, order.passing)
    if turn.command is not order.command:
        order = replace(order, payload=catalog.ask(order.version, turn.command)[1], command=turn.command)
    wait_ms = turn.at_ms - world.now_ms()
    if wait_ms > 0 and (world.pause is None or wait_ms > min(ramp.PATIENCE_MS, order.deadline_s * 1000)):
        waiting = await ramp.keep(asking, turn, order.action, order.payload, order.deadline_s)
        return Queued(order.action, waiting.id, waiting.at_ms)
    if wait_ms > 0 and world.pause is not None:
        await world.pause(wait_ms / 1000)
    now_ms = world.now_ms()
    device.expect(memory, order.command, now_ms)
    said = Ordered(order.action, principal.name, str(order.version), now_ms + int(order.deadline_s * 1000))
    step = Step(world, memory.station.id, now_ms)
    asked = await _record(step, memory, said, order.payload)
    kept = command_log.asked(asked.hash, memory.station.id, said, order.payload, now_ms)
    step.puts.append(kept.put(now_ms))
    await step.commit()
    action, sent = signing.command(world, memory.station, order.version, order.action, order.payload)
    sending = Sending(memory.station, order.version, asked.hash, now_ms, said.deadline_ms, order.deadline_s)
    its_turn = await ramp.is_still_its_turn(asking, turn, said.deadline_ms)
    told = await _call(world, sending, action, sent) if its_turn else Silence.RAMP
    verdicts: tuple[EvidenceVerdict, ...] = ()
    if isinstance(told, CallResult) and action != order.action:
        told, verdicts = signing.open_result(world, memory.station, told)
    outcome, words, payload = _outcome(order, told, asked.hash)
    step = Step(world, memory.station.id, world.now_ms())
    if isinstance(outcome, Done):
        for effect in EFFECTS.get(key, ()):
            answered = Answered(
                world, memory, step, order.version, order.command, outcome.answer, principal.name, asked.hash
            )
            await effect(answered, order.command, outcome.answer)
    said = Ordered(said.action, said.asked_by, said.version, said.deadline_ms, words)
    record = await _record(step, memory, said, payload, ((asked.hash,), verdicts))
    step.puts.append(kept.answered(words, payload, record.hash, step.now_ms).put(step.now_ms))
    await step.commit()
    return outcome


async def _call(world: World, sending: Sending, action: str, payload: bytes) -> CallResult | CallError | Silence:
    """Ask, unless the station has come back with another version meanwhile: the payload is in words of the first."""
    if world.lines.version(StationId(sending.station.id)) is not sending.version:
        return Silence.OFFLINE
    return await command_signing.call(world, sending, action, payload)


async def _record(
    step: Step,
    memory: Memory,
    said: Ordered,
    payload: bytes,
    about: tuple[tuple[bytes, ...], tuple[EvidenceVerdict, ...]] = ((), ()),
) -> Written:
    await step.world.chains.ready(memory.origin, 0)
    refs, verdicts = about
    kept = without_secrets(said.action, payload)
    cut = (Finding("payload_cut", "payload", sha256(kept).hex()),) if len(kept) > MAX_KEPT else ()
    groups = (
        (int(Group.OPS), dcbor.encode(said.to_fields())),
        (int(Group.RAW), dcbor.encode(Observed(cut, verdicts).to_fields(kept[:MAX_KEPT]))),
    )
    draft = PlainDraft(Kind.COMMAND, step.now_ms, groups, refs)
    return step.write((memory.origin, 0), step.world.csms_key, draft, None)


def _outcome(order: _Order, told: CallResult | CallError | Silence, record: bytes) -> tuple[Outcome, str, bytes]:
    match told:
        case CallResult():
            answer = catalog.hear(order.version, told)
            if isinstance(answer, Refusal):
                return Unanswered(order.action, "unreadable", record), "unreadable", bytes(told.payload)
            status = answer.status if isinstance(answer, Replied) else getattr(answer, "status", None)
            payload = bytes(told.payload)
            return Done(order.action, answer, payload, record), str(status or "answered")[:50], payload
        case CallError():
            return Declined(order.action, told.code, told.text, record), told.code[:50], b""
        case Silence():
            return Unanswered(order.action, str(told), record), str(told), b""
