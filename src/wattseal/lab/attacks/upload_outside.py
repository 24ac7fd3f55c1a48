"""T66: an upload is written, and a file read, outside the folder of uploads."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

from wattseal.flow.stations import uploads as addresses
from wattseal.flow.stations.uploads import Closed
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.null import take_out
from wattseal.model.job import JobFile
from wattseal.serve.api import uploads
from wattseal.serve.api.problems import ProblemError, Req
from wattseal.serve.api.service import Service
from wattseal.stores.spool import Spool

STATION, OUTSIDE = "UP1", "planted.py"
NAMES = (
    f"../../{OUTSIDE}",
    f"..%2f..%2f{OUTSIDE}",
    f"%2e%2e/%2e%2e/{OUTSIDE}",
    f"..\\..\\{OUTSIDE}",
    f"....//....//{OUTSIDE}",
    f"..%00/{OUTSIDE}",
)
READ = ("..%2fadmin-token", "..%2F..%2Fcpo.toml", "%2e%2e%2fadmin-token", "../admin-token", "/etc/hostname")


async def _perform(lab: Lab) -> Found:
    return await _write_and_read(lab)


async def _control(lab: Lab) -> Found:
    return await _write_and_read(lab, "upload_outside")


def undefend() -> None:
    """Store an upload under the name it comes with, and give out files by any name."""

    async def receive(service: Service, request: Req, secret: str) -> None:
        found = await addresses.open_address(service.world, secret)
        if isinstance(found, Closed):
            raise ProblemError(404, "not_found", "")
        name = unquote(request.scope["path"].partition(f"{secret}/")[2])
        body = b"".join([part async for part in _parts(request)])
        await asyncio.to_thread((service.uploads.spool.folder / name).write_bytes, body)

    async def any_file(_world: object, _station: str, name: str) -> JobFile:
        return JobFile(unquote(name), 0, "", 0)

    take_out(uploads, "_receive", receive)
    take_out(uploads, "find_file", any_file)
    take_out(Spool, "path", lambda spool, name: spool.folder / name)


async def _parts(request: Req) -> AsyncIterator[bytes]:
    async for part in request.stream():
        yield part


async def _write_and_read(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        await cpo.enrol(STATION)
        before = _files(cpo.data.parent)
        for name in NAMES:
            url = await _address(cpo)
            await asyncio.to_thread(_send, f"{url}/{name}", b"print('owned')")
        planted = sorted(
            path for path in _files(cpo.data.parent) - before if "uploads" not in path.parts and OUTSIDE in path.name
        )
        secret = (cpo.data / "admin-token").read_bytes().strip()
        leaked = [name for name in READ if secret in await asyncio.to_thread(_read, cpo, name)]
        kept = [path for path in (cpo.data / "uploads").iterdir() if path.is_file()]
    if planted or leaked:
        where = [str(path) for path in planted]
        return Found(Outcome.MISSED, f"written outside: {where}; the administrator's token read by {leaked}")
    if len(kept) != len(NAMES) or any(len(path.name) != 32 for path in kept):
        raise LabError(f"{len(kept)} uploads were kept, not {len(NAMES)}", subject="uploads")
    text = (
        f"{len(NAMES)} uploads named like {NAMES[0]} are {len(kept)} files under names made here; "
        f"{len(READ)} downloads by path gave nothing"
    )
    return Found(Outcome.PREVENTED, text)


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


async def _address(cpo: Alone) -> str:
    """Have the station asked for its log, and return where it is to upload that."""
    async with cpo.station(STATION, "2.0.1") as line:
        asking = asyncio.create_task(cpo.api("POST", f"/api/v1/stations/{STATION}/get-log", {}))
        _, number, _, payload = await line.receive()
        await line.send(f'[3,"{number}",{{"status":"Accepted"}}]')
        await asking
        return str(payload["log"]["remoteLocation"])


def _send(url: str, body: bytes) -> None:
    """PUT as it stands: nothing on the way makes a path tidy."""
    request = urllib.request.Request(url, body, method="PUT")  # noqa: S310 - the lab's own server
    try:
        urllib.request.urlopen(request, timeout=20).close()  # noqa: S310 - same
    except urllib.error.HTTPError as refused:
        refused.close()


def _read(cpo: Alone, name: str) -> bytes:
    url = f"{cpo.http}/api/v1/stations/{STATION}/logs/{name}"
    token = (cpo.data / "admin-token").read_text().strip()
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - same
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 - same
            return bytes(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.read()


ATTACK = Attack(
    line="T66",
    title="a log is uploaded under a path that leads out of its folder, and files are fetched by such paths",
    steps=(
        "as a station that was asked for its log, upload it under names with ../, in six spellings",
        "over the API, download logs whose names lead to the administrator's token",
        "look for files outside the folder, and for the token in the answers",
    ),
    defence="names of files are made here, and only what the station's records name is given out",
    without="the name that comes with an upload is its file's, and any name is given out",
    residual="what is in an uploaded file is the station's: open it as you would an attachment of a stranger",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
