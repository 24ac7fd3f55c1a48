"""Verbs of maintenance: the right call of each version to update firmware."""

from datetime import datetime

from wattseal.flow.commands import Outcome, send
from wattseal.flow.verbs import Ask
from wattseal.model.firmware import Firmware, FirmwareUpdate, SignedFirmwareUpdate
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
