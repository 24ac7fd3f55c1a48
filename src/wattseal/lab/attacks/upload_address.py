"""T03: whoever hears an upload address on a hijacked connection tries what else it is good for."""

import asyncio
import json
from dataclasses import replace

from wattseal.crypto.hashes import sha256
from wattseal.flow.documents import read
from wattseal.flow.stations.uploads import UPLOAD, Closed, Upload
from wattseal.flow.world import World
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import Line
from wattseal.lab.null import take_out
from wattseal.serve.api import uploads

STATION, OTHER = "ST1", "ST2"
TRUE_LOG, FALSE_LOG = b"the station's own log\n" * 100, b"nothing happened here\n" * 100
FILE = "log.txt"


async def _perform(lab: Lab) -> Found:
    return await _collect(lab)


async def _control(lab: Lab) -> Found:
    return await _collect(lab, undefend="upload_address")


def undefend() -> None:
    """Take any number of files at an address."""

    async def always_open(world: World, secret: str) -> tuple[str, Upload] | Closed:
        key = sha256(secret.encode()).hex()
        document = await world.journal.document(world.tenant, UPLOAD, key)
        return Closed.UNKNOWN if document is None else (key, replace(read(document, Upload), used_ms=None))

    take_out(uploads, "open_address", always_open)


async def _collect(lab: Lab, undefend: str | None = None) -> Found:
    async with lab.alone(undefend=undefend) as cpo:
        for station in (STATION, OTHER):
            await cpo.enrol(station)
        address = await _overheard(cpo)
        tries = {"the station's upload": await _upload(cpo, address, TRUE_LOG)}
        tries["a second one"] = await _upload(cpo, address, FALSE_LOG)
        tries["reading it"] = await _status(cpo, "GET", address)
        jobs = await cpo.api("GET", f"/api/v1/stations/{STATION}/logs")
        name = jobs[-1]["file"]["name"]
        async with cpo.asked("GET", f"/api/v1/stations/{STATION}/logs/{name}") as answer:
            kept = await answer.read()
        async with cpo.asked("GET", f"/api/v1/stations/{OTHER}/logs/{name}") as answer:
            tries["as a log of another station"] = answer.status
        stored = _holds(cpo, address.rpartition("/")[2])
    told = ", ".join(f"{what}: {status}" for what, status in tries.items())
    if kept != TRUE_LOG or stored or tries["reading it"] == 200 or tries["as a log of another station"] == 200:
        return Found(Outcome.MISSED, f"{told}; the operator now reads his file as the station's; kept in: {stored}")
    return Found(Outcome.PREVENTED, f"{told}; the log is the station's, the address stands in none of the CPO's files")


async def _overheard(cpo: Alone) -> str:
    """Return the address that the operator gives to a station, as whoever holds its connection hears it."""
    async with cpo.station(STATION, "2.0.1") as line:
        await line.boot()
        asking = asyncio.create_task(cpo.api("POST", f"/api/v1/stations/{STATION}/get-log", {}))
        payload = await _asked(line, "GetLog")
        await asking
    where: str = payload["log"]["remoteLocation"]
    return where


async def _asked(line: Line, wanted: str) -> dict[str, dict[str, str]]:
    while True:
        match await line.receive():
            case [2, number, action, payload] if action == wanted:
                await line.send(json.dumps([3, number, {"status": "Accepted", "filename": FILE}]))
                found: dict[str, dict[str, str]] = payload
                return found
            case _:
                continue


async def _upload(cpo: Alone, address: str, body: bytes) -> int:
    return await _status(cpo, "PUT", address, body)


async def _status(cpo: Alone, method: str, address: str, body: bytes | None = None) -> int:
    async with cpo.session.request(method, address, data=body) as answer:
        return answer.status


def _holds(cpo: Alone, secret: str) -> list[str]:
    """Return the files that the secret of an address stands in."""
    files = (path for path in (*cpo.data.rglob("*"), cpo.log) if path.is_file())
    return [path.name for path in files if secret.encode() in path.read_bytes()]


ATTACK = Attack(
    line="T03",
    title="an upload address heard on a hijacked connection is used again",
    steps=(
        "hear the address that a station is given for its log, on a connection taken over",
        "let the station upload its log, then upload another one over it",
        "read from the address, and ask for the file as another station's",
        "search the CPO's database and logs for addresses to use",
    ),
    defence="an address is good for one file of one station and a day, and is kept as a hash only",
    without="an address takes files as often as they come",
    residual="who holds a station's connection can answer in its place with a file of his own, once; firmware is "
    "fetched from where the operator says, and a password in such an address reaches whoever is taken for the station",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
