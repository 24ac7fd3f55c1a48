"""Firmware of stations: updates and publications as jobs (2.x block L; 1.6 section 5.19, its whitepaper L01).

Campaigns over many stations stand above this: they begin jobs and look at what became of them.
"""

from wattseal.flow.alarms import alarm
from wattseal.flow.orders import Answered, Effects
from wattseal.flow.stations import jobs
from wattseal.flow.stations.jobs import FIRMWARE, PUBLICATION
from wattseal.flow.turn import Handlers, Turn
from wattseal.model.firmware import (
    FirmwarePublication,
    FirmwareStatusReported,
    FirmwareUpdate,
    FirmwareWithdrawal,
    PublishStatusReported,
    SignedFirmwareStatusReported,
    SignedFirmwareUpdate,
)
from wattseal.model.message import Replied

INSTALLED = "Installed"
FAILED = frozenset({"DownloadFailed", "InstallationFailed", "InstallVerificationFailed", "InvalidSignature"})
ENDED = FAILED | {INSTALLED}
"""Statuses after which an update goes no further by itself; a station that tries again says so."""
PUBLISH_ENDED = frozenset({"Published", "DownloadFailed", "InvalidChecksum", "PublishFailed"})
ALARMING = frozenset({"InvalidSignature", "InstallVerificationFailed", "InvalidChecksum"})
"""Statuses that may mean somebody meddles with firmware: they raise an alarm."""


async def status(turn: Turn, fact: FirmwareStatusReported | SignedFirmwareStatusReported) -> Replied:
    """Lead an update on."""
    return await _advance(turn, FIRMWARE, fact.request_id, fact.status, ended=fact.status in ENDED)


async def publish_status(turn: Turn, fact: PublishStatusReported) -> Replied:
    """Lead a publication on."""
    return await _advance(turn, PUBLICATION, fact.request_id, fact.status, ended=fact.status in PUBLISH_ENDED)


async def _advance(turn: Turn, kind: str, request_id: int | None, word: str, *, ended: bool) -> Replied:
    step = turn.step()
    job = await jobs.advance(step, turn.memory, kind, request_id, word, done=ended)
    if job is not None:
        turn.world.count(f"{kind}_{word}")
        if word in ALARMING:
            alarm(step, "firmware_suspect", word)
        await step.commit()
    return Replied()


async def _update(answered: Answered, command: FirmwareUpdate | SignedFirmwareUpdate, answer: Replied) -> None:
    firmware = command.firmware
    details = {
        "location": firmware.location,
        "retrieve_at": firmware.retrieve_date_time,
        "install_at": firmware.install_date_time,
        "signed": "yes" if firmware.signature else "no",
    }
    await jobs.begin(
        answered.step,
        answered.memory,
        FIRMWARE,
        command.request_id,
        details=details,
        asked_by=answered.asked_by,
        answer=answer.status,
    )


async def _publish(answered: Answered, command: FirmwarePublication, answer: Replied) -> None:
    details = {"location": command.location, "checksum": command.checksum}
    await jobs.begin(
        answered.step,
        answered.memory,
        PUBLICATION,
        command.request_id,
        details=details,
        asked_by=answered.asked_by,
        answer=answer.status,
    )


async def _withdraw(answered: Answered, command: FirmwareWithdrawal, answer: Replied) -> None:
    if answer.status != "Unpublished":
        return
    memory, step = answered.memory, answered.step
    for key, job in tuple((await jobs.all_of(answered.world, memory, PUBLICATION)).items()):
        if job.details.get("checksum") == command.checksum and job.status != "Unpublished":
            await jobs.change(step, memory, PUBLICATION, key, job.to("Unpublished", step.now_ms, done=True))


HANDLERS: Handlers = {
    FirmwareStatusReported: status,
    SignedFirmwareStatusReported: status,
    PublishStatusReported: publish_status,
}
EFFECTS: Effects = {
    FirmwareUpdate: _update,
    SignedFirmwareUpdate: _update,
    FirmwarePublication: _publish,
    FirmwareWithdrawal: _withdraw,
}
