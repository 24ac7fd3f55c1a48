"""Logs of stations: asking for them, following their upload (2.x N01; 1.6 sections 4.4 and 5.9, its whitepaper N01)."""

from wattseal.flow.orders import Answered, Effects
from wattseal.flow.stations import jobs
from wattseal.flow.stations.jobs import LOG
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.logs import (
    DiagnosticsAnswered,
    DiagnosticsAsked,
    DiagnosticsStatusReported,
    LogAnswered,
    LogAsked,
    LogStatusReported,
)
from wattseal.model.message import Replied
from wattseal.rules.secrets import without_upload

_ENDED = frozenset(
    {"Uploaded", "UploadFailure", "BadMessage", "NotSupportedOperation", "PermissionDenied", "AcceptedCanceled"}
)
_IN_2X = {"UploadFailed": "UploadFailure"}
"""Words of DiagnosticsStatusNotification that 2.x spells differently."""


async def status(turn: Turn, fact: LogStatusReported) -> Replied:
    """Lead an upload on."""
    return await _advance(turn, fact.request_id, fact.status)


async def diagnostics_status(turn: Turn, fact: DiagnosticsStatusReported) -> Replied:
    """Lead an upload on that 1.6 gives no number."""
    return await _advance(turn, None, _IN_2X.get(fact.status, fact.status))


async def _advance(turn: Turn, request_id: int | None, word: str) -> Replied:
    step = turn.step()
    job = await jobs.advance(step, turn.memory, LOG, request_id, word, done=word in _ENDED)
    if job is not None:
        await step.commit()
    return Replied()


async def _asked(answered: Answered, command: LogAsked, answer: LogAnswered) -> None:
    details = {
        "log": command.log_type,
        "location": without_upload(command.log.remote_location),
        "oldest": command.log.oldest_timestamp,
        "latest": command.log.latest_timestamp,
        "filename": answer.filename,
    }
    await jobs.begin(
        answered.step,
        answered.memory,
        LOG,
        command.request_id,
        details=details,
        asked_by=answered.asked_by,
        answer=answer.status,
    )


async def _diagnostics(answered: Answered, command: DiagnosticsAsked, answer: DiagnosticsAnswered) -> None:
    details = {
        "log": "DiagnosticsLog",
        "location": without_upload(command.location),
        "oldest": command.start_time,
        "latest": command.stop_time,
        "filename": answer.file_name,
    }
    said = "Accepted" if answer.file_name else "Rejected"
    await jobs.begin(
        answered.step, answered.memory, LOG, None, details=details, asked_by=answered.asked_by, answer=said
    )


HANDLERS: Handlers = {LogStatusReported: status, DiagnosticsStatusReported: diagnostics_status}
EFFECTS: Effects = {LogAsked: _asked, DiagnosticsAsked: _diagnostics}
