"""Maintenance of stations: updating their firmware, fetching their logs."""

from datetime import datetime
from typing import Annotated, Literal

from litestar import post
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from wattseal.base.errors import InputError
from wattseal.flow.commands import DEADLINE_S
from wattseal.flow.stations.maintenance_verbs import LogWanted, get_log, spelled, update_firmware
from wattseal.flow.verbs import Ask
from wattseal.model.firmware import Firmware
from wattseal.model.logs import DiagnosticsAnswered, LogAnswered
from wattseal.model.message import Replied
from wattseal.model.principal import Principal
from wattseal.serve.api.bodies import Body
from wattseal.serve.api.commands import MAINTAIN, Deadline, answered, demand_command
from wattseal.serve.api.kept import known_station
from wattseal.serve.api.service import Service, What, Who

Location = Annotated[str, Meta(min_length=1, max_length=512, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:[!-~]*$")]
Time = Annotated[datetime, Meta(tz=True)]
Times = Annotated[int, Meta(ge=0, le=100)]
Interval = Annotated[int, Meta(ge=0, le=86_400)]


class UpdateFirmwareBody(Body, frozen=True, kw_only=True):
    """Where the firmware is, when to fetch and install it; signed with `signing_certificate` (PEM) and `signature`."""

    location: Location
    retrieve_at: Time | None = None
    install_at: Time | None = None
    signing_certificate: Annotated[str, Meta(min_length=1, max_length=5500)] | None = None
    signature: Annotated[str, Meta(min_length=1, max_length=800)] | None = None
    retries: Times | None = None
    retry_interval_s: Interval | None = None


class GetLogBody(Body, frozen=True, kw_only=True):
    """Which log, and of which time; it is uploaded here."""

    log: Literal["DiagnosticsLog", "SecurityLog", "DataCollectorLog"] = "DiagnosticsLog"
    oldest: Time | None = None
    latest: Time | None = None
    retries: Times | None = None
    retry_interval_s: Interval | None = None


class JobView(Body, frozen=True, kw_only=True, omit_defaults=True):
    """A station's answer to a command that began a job: `request_id` finds it among the station's jobs."""

    action: str
    record: str
    status: str | None = None
    request_id: int | None = None
    filename: str | None = None


@post("/stations/{station_id:str}/update-firmware", status_code=200)
async def post_update_firmware(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[UpdateFirmwareBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> JobView:
    """Have the station update its firmware; how it goes stands under `firmware-jobs`."""
    if (data.signature is None) != (data.signing_certificate is None):
        raise InputError("a signature and its signing_certificate come together", subject="signature")
    ask = await asking(principal, service, station_id, deadline_s)
    firmware = Firmware(
        data.location,
        spelled(data.retrieve_at or service.world.clock.now()) or "",
        spelled(data.install_at),
        data.signing_certificate,
        data.signature,
    )
    outcome, number = await update_firmware(ask, firmware, data.retries, data.retry_interval_s)
    done = answered(outcome)
    status = done.answer.status if isinstance(done.answer, Replied) else None
    return JobView(action=done.action, record=done.record.hex(), status=status, request_id=number)


@post("/stations/{station_id:str}/get-log", status_code=200)
async def post_get_log(
    principal: Who,
    service: What,
    station_id: FromPath[str],
    data: JSONBody[GetLogBody],
    *,
    deadline_s: Deadline = DEADLINE_S,
) -> JobView:
    """Have the station upload a log here; what becomes of it, and the file, stands under `logs`."""
    ask = await asking(principal, service, station_id, deadline_s)
    wanted = LogWanted(data.log, data.oldest, data.latest, data.retries, data.retry_interval_s)
    outcome, number = await get_log(ask, wanted)
    done = answered(outcome)
    match done.answer:
        case LogAnswered(status=status, filename=name):
            return JobView(
                action=done.action, record=done.record.hex(), status=status, request_id=number, filename=name
            )
        case DiagnosticsAnswered(file_name=name):
            status = "Accepted" if name else "Rejected"
            return JobView(action=done.action, record=done.record.hex(), status=status, filename=name)
        case _:
            return JobView(action=done.action, record=done.record.hex())


async def asking(principal: Principal, service: Service, station_id: str, deadline_s: float) -> Ask:
    """Return who asks which station for maintenance; a problem where they may not, or there is no such station."""
    demand_command(principal, MAINTAIN)
    return Ask(service.world, principal, await known_station(principal, service, station_id), deadline_s)


ROUTES = (post_update_firmware, post_get_log)
