"""Upload addresses for stations: each good for one file of one station, for a day; known here by their hash only."""

import base64
from dataclasses import dataclass, replace
from enum import StrEnum

from wattseal.base.errors import InputError
from wattseal.base.ids import StationId
from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import put, read, removal
from wattseal.flow.ports import Batch
from wattseal.flow.stations import jobs
from wattseal.flow.stations.jobs import LOG
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.job import JobFile
from wattseal.rules.secrets import UPLOADS

UPLOAD = "upload"
"""Document kind: an upload address, by the SHA-256 of its secret in hex."""
LIFE_MS = 24 * 3600 * 1000
SECRET_BYTES = 32
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Upload:
    """Document: what an address is for; `used_ms` says when a file came, after which it is good for nothing."""

    station_id: str
    request_id: int | None
    expires_ms: int
    used_ms: int | None = None
    file: JobFile | None = None


class Closed(StrEnum):
    """Why nothing may be uploaded to an address."""

    UNKNOWN = "unknown"
    USED = "used"
    EXPIRED = "expired"


async def make_address(world: World, station_id: StationId, request_id: int | None) -> tuple[str, str]:
    """Return (URL, key of its document) for one file of a station; `InputError` where no URL of ours is known."""
    if world.upload_base is None:
        text = "set [uploads] url: stations need an address of this CSMS to upload to"
        raise InputError(text, code="no_upload_url", subject="uploads.url")
    secret = base64.urlsafe_b64encode(world.random.bytes(SECRET_BYTES)).rstrip(b"=")
    key, now_ms = sha256(secret).hex(), world.now_ms()
    upload = Upload(station_id, request_id, now_ms + LIFE_MS)
    made = put(UPLOAD, key, upload, now_ms, station_id=station_id, active=True)
    await world.journal.commit(Batch(world.tenant, puts=(made,)))
    return world.upload_base.rstrip("/") + UPLOADS + secret.decode(), key


async def withdraw_address(world: World, key: str) -> None:
    """Close an address that nobody will upload to."""
    await world.journal.commit(Batch(world.tenant, puts=(removal(UPLOAD, key, world.now_ms()),)))


async def open_address(world: World, secret: str) -> tuple[str, Upload] | Closed:
    """Return (key, what it is for) of the address with this secret, or why it is closed."""
    key = sha256(secret.encode()).hex()
    document = await world.journal.document(world.tenant, UPLOAD, key)
    if document is None:
        return Closed.UNKNOWN
    upload = read(document, Upload)
    if upload.used_ms is not None:
        return Closed.USED
    return Closed.EXPIRED if upload.expires_ms <= world.now_ms() else (key, upload)


async def take_file(world: World, key: str, upload: Upload, file: JobFile) -> None:
    """Keep that a file came: its address is used, and its job has it."""
    memory = await remember_station(world, StationId(upload.station_id))
    step = Step(world, upload.station_id, world.now_ms())
    used = replace(upload, used_ms=step.now_ms, file=file)
    step.puts.append(put(UPLOAD, key, used, step.now_ms, station_id=upload.station_id, active=False))
    if memory is not None:
        await jobs.attach(step, memory, LOG, upload.request_id, file)
    await step.commit()


async def find_file(world: World, station_id: StationId, name: str) -> JobFile | None:
    """Return a file that a station has uploaded here."""
    memory = await remember_station(world, station_id)
    if memory is None:
        return None
    found = (await jobs.all_of(world, memory, LOG)).values()
    return next((job.file for job in found if job.file is not None and job.file.name == name), None)


async def forget_old(world: World, keep_ms: int) -> list[str]:
    """Remove what is older than `keep_ms` and has expired; return the names of files to be removed."""
    now_ms, after, names = world.now_ms(), "", list[str]()
    while page := await world.journal.documents(world.tenant, UPLOAD, after=after, limit=_PAGE):
        after = page[-1].key
        for document in page:
            upload = read(document, Upload)
            since_ms = upload.used_ms or upload.expires_ms
            if since_ms + (keep_ms if upload.file is not None else 0) > now_ms:
                continue
            step = Step(world, upload.station_id, now_ms)
            step.puts.append(removal(UPLOAD, document.key, now_ms))
            if upload.file is not None:
                names.append(upload.file.name)
                memory = await remember_station(world, StationId(upload.station_id))
                if memory is not None:
                    await jobs.detach(step, memory, LOG, upload.file.name)
            await step.commit()
    return names
