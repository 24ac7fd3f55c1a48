"""Verbs of maintenance: the right call of each version to update firmware and to fetch logs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from wattseal.base.errors import InputError
from wattseal.flow.commands import Declined, Done, Outcome, Unanswered, send
from wattseal.flow.ports import Silence
from wattseal.flow.stations.jobs import REFUSED
from wattseal.flow.stations.uploads import make_address, withdraw_address
from wattseal.flow.verbs import Ask
from wattseal.model.firmware import Firmware, FirmwareUpdate, SignedFirmwareUpdate
from wattseal.model.logs import DiagnosticsAnswered, DiagnosticsAsked, LogAnswered, LogAsked, LogParameters
from wattseal.model.message import Command
from wattseal.wire.ocpp.version import Version

_INT32 = 2**31 - 1


def request_number(ask: Ask) -> int:
    """Draw the number of a request: positive, 31 bits."""
    return int.from_bytes(ask.world.random.bytes(4), "big") % _INT32 + 1


def spelled(at: datetime | None) -> str | None:
    """Return a time as RFC 3339 text."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


async def update_firmware(
    ask: Ask, firmware: Firmware, retries: int | None, retry_interval_s: int | None
) -> tuple[Outcome, int]:
    """Have a station update; signed firmware goes to a 1.6 station by SignedUpdateFirmware.

    Returns the request's number as well, which plain updates of 1.6 do not know. `InputError` where the version cannot
    say it.
    """
    number = request_number(ask)
    if ask.world.lines.version(ask.station_id) is Version.V16:
        if firmware.signature is not None:
            signed = SignedFirmwareUpdate(firmware, number, retries, retry_interval_s)
            return await send(ask.world, ask.principal, ask.station_id, signed, ask.deadline_s), number
        plain = FirmwareUpdate(firmware, None, retries, retry_interval_s)
        return await send(ask.world, ask.principal, ask.station_id, plain, ask.deadline_s), number
    command = FirmwareUpdate(firmware, number, retries, retry_interval_s)
    return await send(ask.world, ask.principal, ask.station_id, command, ask.deadline_s), number


@dataclass(frozen=True, slots=True)
class LogWanted:
    """Which log: DiagnosticsLog, SecurityLog or DataCollectorLog (2.1), of which time, and how often to try."""

    log_type: str
    oldest: datetime | None = None
    latest: datetime | None = None
    retries: int | None = None
    retry_interval_s: int | None = None


async def get_log(ask: Ask, wanted: LogWanted) -> tuple[Outcome, int | None]:
    """Have a station upload a log to an address made for this one file; return the number of the job as well.

    A 1.6 station that does not know GetLog is sent GetDiagnostics, which gives jobs no number.
    """
    number = request_number(ask)
    oldest, latest = spelled(wanted.oldest), spelled(wanted.latest)

    def log(url: str) -> Command:
        parameters = LogParameters(url, oldest, latest)
        return LogAsked(parameters, wanted.log_type, number, wanted.retries, wanted.retry_interval_s)

    def diagnostics(url: str) -> Command:
        return DiagnosticsAsked(url, wanted.retries, wanted.retry_interval_s, oldest, latest)

    outcome = await _with_address(ask, number, log)
    if _is_unknown(outcome) and _is_old(ask) and wanted.log_type == "DiagnosticsLog":
        return await _with_address(ask, None, diagnostics), None
    return outcome, number


async def _with_address(ask: Ask, number: int | None, command: Callable[[str], Command]) -> Outcome:
    """Send a command with an address made for it, which is closed where nothing will be uploaded."""
    url, key = await make_address(ask.world, ask.station_id, number)
    try:
        outcome = await send(ask.world, ask.principal, ask.station_id, command(url), ask.deadline_s)
    except InputError:
        await withdraw_address(ask.world, key)
        raise
    if _refused(outcome):
        await withdraw_address(ask.world, key)
    return outcome


def _is_old(ask: Ask) -> bool:
    return ask.world.lines.version(ask.station_id) is Version.V16


def _is_unknown(outcome: Outcome) -> bool:
    return isinstance(outcome, Declined) and outcome.code in {"NotImplemented", "NotSupported"}


def _refused(outcome: Outcome) -> bool:
    """Return whether nothing will be uploaded; where there is no answer the station may yet do it."""
    match outcome:
        case Done(answer=LogAnswered(status=status)):
            return status in REFUSED
        case Done(answer=DiagnosticsAnswered(file_name=name)):
            return not name
        case Declined():
            return True
        case Unanswered(reason=reason):
            return reason in {Silence.OFFLINE, Silence.BUSY}
        case _:
            return False
