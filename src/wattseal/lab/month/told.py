"""What stations tell of their sessions, as OCPP frames in time, spoilt where a session's fault says so."""

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from wattseal.crypto.keys import SigningKey
from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.lab.month.plan import Box, Fault, Session
from wattseal.wire.ocpp.version import Version

BELOW_WH = 700
"""So much below the truth a register begins, or falls on the way, where that is the fault."""
_SAMPLE = {"measurand": "Energy.Active.Import.Register"}


@dataclass(frozen=True, slots=True)
class Frame:
    """A call of a station at a time; one told late bears a time that is over."""

    at_ms: int
    version: Version
    action: str
    payload: dict[str, Any]


@dataclass(slots=True)
class Known:
    """Under which ids of the station a planned session was told; the last is the one its fault is about."""

    ids: dict[int, list[str]]

    def told(self, session: Session, transaction_id: str) -> None:
        """Note an id."""
        self.ids.setdefault(session.number, []).append(transaction_id)


@dataclass(slots=True)
class Meter:
    """A signing meter and its next page."""

    state: MeterState
    key: SigningKey

    def sign(self, at_ms: int, register_wh: int, reason: str) -> str:
        """Return a signed record of one reading."""
        reading = ReadingToSign(datetime.fromtimestamp(at_ms / 1000, UTC), reason, Decimal(register_wh))
        record = build(self.state, [reading], self.key)
        self.state = self.state.turned()
        return record.decode()


Telling = Generator[Frame, bytes, None]
"""Yields frames in time, and is sent the answer to each."""


def tell(box: Box, sessions: Iterator[Session], known: Known, meter: Meter | None) -> Telling:
    """Tell of a station's sessions one after another."""
    for session in sessions:
        told = _spoilt(session)
        if box.version is Version.V16:
            yield from _tell16(told, known)
        else:
            yield from _tell2x(box, told, known, meter, f"T{session.number}")
        if session.fault is Fault.TOLD_AGAIN:
            yield from _tell2x(box, _later(told), known, None, f"T{session.number}-again")
        elif session.fault is Fault.TOLD_BY_ANOTHER_VERSION:
            yield from _tell16(_later(told), known)


def _spoilt(session: Session) -> Session:
    """Return the session as its station has it: registers that begin below, or fall on the way."""
    readings = session.readings
    if session.fault is Fault.BEGINS_BELOW:
        at_ms, register_wh = readings[0]
        readings = ((at_ms, register_wh - BELOW_WH), *readings[1:])
    elif session.fault is Fault.DECREASES:
        at_ms, _ = readings[1]
        readings = (readings[0], (at_ms, readings[0][1] - BELOW_WH), *readings[2:])
    return replace(session, readings=readings)


def _later(session: Session) -> Session:
    """Return the session without its fault, to be told a second time."""
    return replace(session, fault=None)


def _tell16(session: Session, known: Known) -> Telling:
    (start_ms, start_wh), *between, (end_ms, end_wh) = session.readings
    begun = {"connectorId": 1, "idTag": session.token, "meterStart": start_wh, "timestamp": _text(start_ms)}
    answer = yield Frame(start_ms, Version.V16, "StartTransaction", begun)
    number = int(json.loads(answer)["transactionId"])
    known.told(session, str(number))
    for at_ms, register_wh in between:
        sample = [_SAMPLE | {"value": str(register_wh), "unit": "Wh"}]
        values = [{"timestamp": _text(at_ms), "sampledValue": sample}]
        payload = {"connectorId": 1, "transactionId": number, "meterValue": values}
        yield Frame(at_ms, Version.V16, "MeterValues", payload)
    if session.fault is Fault.STOP_LOST:
        return
    stop = {"transactionId": number, "meterStop": end_wh, "timestamp": _text(end_ms), "reason": "Local"}
    yield Frame(end_ms, Version.V16, "StopTransaction", stop)
    if session.fault is Fault.SECOND_STOP:
        yield Frame(end_ms + 1000, Version.V16, "StopTransaction", stop | {"meterStop": end_wh + 5_000})


def _tell2x(box: Box, session: Session, known: Known, meter: Meter | None, transaction_id: str) -> Telling:
    version = box.version
    known.told(session, transaction_id)
    last = len(session.readings) - 1
    for number, (at_ms, register_wh) in enumerate(session.readings):
        kind, trigger, context, reason = _event(number, last)
        sample: dict[str, Any] = _SAMPLE | {"value": register_wh, "context": context, "unitOfMeasure": {"unit": "Wh"}}
        if meter is not None and number in {0, last}:
            sample["signedMeterValue"] = {
                "signedMeterData": meter.sign(at_ms, register_wh, reason),
                "signingMethod": "",
                "encodingMethod": "OCMF",
                "publicKey": "",
            }
        payload = {
            "eventType": kind,
            "timestamp": _text(at_ms),
            "triggerReason": trigger,
            "seqNo": number,
            "transactionInfo": {"transactionId": transaction_id},
            "meterValue": [{"timestamp": _text(at_ms), "sampledValue": [sample]}],
        }
        if number == 0:
            payload |= {"idToken": {"idToken": session.token, "type": "ISO14443"}, "evse": {"id": 1, "connectorId": 1}}
        if not _is_dropped(session.fault, number, last):
            yield Frame(at_ms, version, "TransactionEvent", payload)
        if number == last and session.fault is Fault.SECOND_STOP:
            sample = {k: v for k, v in sample.items() if k != "signedMeterValue"} | {"value": register_wh + 5_000}
            value = [{"timestamp": _text(at_ms), "sampledValue": [sample]}]
            yield Frame(at_ms + 1000, version, "TransactionEvent", payload | {"seqNo": number + 1, "meterValue": value})


def _event(number: int, last: int) -> tuple[str, str, str, str]:
    if number == 0:
        return "Started", "Authorized", "Transaction.Begin", "B"
    if number == last:
        return "Ended", "EVDeparted", "Transaction.End", "E"
    return "Updated", "MeterValuePeriodic", "Sample.Periodic", "C"


def _is_dropped(fault: Fault | None, number: int, last: int) -> bool:
    match fault:
        case Fault.EVENT_DROPPED:
            return number == 1
        case Fault.START_LOST:
            return number == 0
        case Fault.STOP_LOST:
            return number == last
        case _:
            return False


def _text(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat().replace("+00:00", "Z")
