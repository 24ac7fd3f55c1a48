"""Signed messages of stations, and of ours to them (OCPP 2.x part 4, chapter 7).

A signature never decides whether a message is taken. Its verdict is kept in the record of the message, and counted.
"""

from msgspec.structs import replace

from wattseal.evidence import ocpp_jws
from wattseal.evidence.format import Checked
from wattseal.evidence.ocpp_jws import SignedMessage
from wattseal.flow.alarms import raised
from wattseal.flow.turn import Turn
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.facts import MeterReported, TransactionEnded, TransactionStarted, TransactionUpdated
from wattseal.model.message import Fact
from wattseal.model.station import Station
from wattseal.model.transaction import MESSAGE, EvidenceVerdict
from wattseal.model.verdict import Finding, Verdict
from wattseal.rules.notes import is_alarm
from wattseal.wire.ocpp import signed
from wattseal.wire.ocpp.rpc import CallResult
from wattseal.wire.ocpp.signed import Unwrapped
from wattseal.wire.ocpp.version import Version

RECORDED = (TransactionStarted, TransactionUpdated, TransactionEnded, MeterReported)
"""Facts that become records of their own, with their verdicts in them."""
_NOTES = {
    Verdict.INVALID: "message_signature_invalid",
    Verdict.UNREADABLE: "message_signature_unreadable",
    Verdict.UNKNOWN_KEY: "message_key_unknown",
}
_MISSING = Finding("message_signature_missing", "signature")


def unsigned(turn: Turn) -> Turn:
    """Return the turn of an unsigned message of a station that was enrolled as one that signs."""
    return replace(turn, findings=(*turn.findings, _MISSING))


async def checked(turn: Turn, unwrapped: Unwrapped, fact: Fact) -> Turn:
    """Return the turn of a signed message: with its inner payload, its verdict, and what is to be noted of it.

    What has no record of its own raises an alarm instead.
    """
    world, station = turn.world, turn.station
    found = _check(world, station, unwrapped.message, unwrapped.call.action, unwrapped.type_id)
    notes = _notes(station, found)
    verdict = EvidenceVerdict(MESSAGE, found.format, found.verdict, found.reason)
    more = replace(turn, payload=bytes(unwrapped.call.payload), findings=(*turn.findings, *notes), verdicts=(verdict,))
    alarms = [note for note in notes if is_alarm(note)]
    if alarms and not isinstance(fact, RECORDED):
        step = turn.step()
        for note in alarms:
            alarm = Alarm(note.code, station.id, turn.now_ms, unwrapped.call.action, note.detail)
            step.puts.append(raised(world, alarm)[1])
        await step.commit()
    return more


def answer(turn: Turn, unwrapped: Unwrapped, payload: bytes) -> bytes:
    """Return the signed answer to a signed message; unsigned where this CSMS has no key to sign with."""
    signer = turn.world.message_signer
    return payload if signer is None else signer.sign(payload, unwrapped.call.action, signed.RESULT)


def command(world: World, station: Station, version: Version, action: str, payload: bytes) -> tuple[str, bytes]:
    """Return action and payload as they go to a station: signed where it was enrolled so and its version can."""
    signer = world.message_signer
    if signer is None or not station.signed_messages or version is Version.V16:
        return action, payload
    return action + signed.SUFFIX, signer.sign(payload, action, signed.CALL)


def open_result(world: World, station: Station, result: CallResult) -> tuple[CallResult, tuple[EvidenceVerdict, ...]]:
    """Return the answer to a signed call as if neither were signed, and the verdict on its signature."""
    unwrapped = signed.unwrap_result(result)
    if unwrapped is None:
        missing = EvidenceVerdict(MESSAGE, ocpp_jws.NAME, Verdict.UNSIGNED, "answer_unsigned")
        return signed.plain_result(result), (missing,)
    inner, message = unwrapped
    found = _check(world, station, message, inner.action, signed.RESULT)
    return inner, (EvidenceVerdict(MESSAGE, found.format, found.verdict, found.reason),)


def _check(world: World, station: Station, message: SignedMessage, action: str, type_id: int) -> Checked:
    found = ocpp_jws.check_message(message, station.message_certificates, action, type_id)
    world.count(f"message_signature_{found.verdict.value.lower()}")
    return found


def _notes(station: Station, found: Checked) -> tuple[Finding, ...]:
    if found.verdict not in _NOTES:
        return ()
    note = Finding(_NOTES[found.verdict], "signature", found.reason)
    vouched = found.verdict is Verdict.INVALID or not station.signed_messages
    return (note,) if vouched else (note, _MISSING)
