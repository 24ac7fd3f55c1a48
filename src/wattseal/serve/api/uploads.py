"""Where stations upload logs: one address a file, without a token, since the address is the secret.

PUT with the file as body, or POST with a form (multipart/form-data) or the file as body. Whatever a station appends to
the address as a name is ignored: names are made here. A file that was cut off may be sent again, a whole one not.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator

from litestar import Response, get, route
from litestar.enums import HttpMethod
from litestar.params import FromPath
from litestar.response import File
from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from wattseal.flow.stations.uploads import Closed, Upload, find_file, open_address, take_file
from wattseal.model.job import JobFile
from wattseal.serve.api.kept import known_station
from wattseal.serve.api.problems import ProblemError, Req, demand
from wattseal.serve.api.service import Service, What, Who

READ_LOGS = "logs:read"
"""Scope of downloading what stations uploaded."""
WITHIN_S = 1800.0
"""How long one upload may take."""
_CLOSED = {
    Closed.UNKNOWN: (404, "not_found", "nothing is to be uploaded here"),
    Closed.USED: (410, "upload_used", "a file was uploaded to this address already"),
    Closed.EXPIRED: (410, "upload_expired", "this address has expired"),
}


async def _receive(service: Service, request: Req, secret: str) -> Response[None]:
    found = await open_address(service.world, secret)
    if isinstance(found, Closed):
        raise ProblemError(*_CLOSED[found])
    key, upload = found
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > service.uploads.max_bytes + _FORM_BYTES:
        raise _too_large(service)
    with service.uploads.using(key):
        await _store(service, request, key, upload)
    service.world.count("uploads_received")
    return Response(None, status_code=201)


async def _store(service: Service, request: Req, key: str, upload: Upload) -> None:
    name = service.world.random.bytes(16).hex()
    digest = hashlib.sha256()
    file = await asyncio.to_thread(service.uploads.spool.create, name)
    try:
        async with asyncio.timeout(WITHIN_S):
            async for data in _content(request):
                if file.size_bytes + len(data) > service.uploads.max_bytes:
                    raise _too_large(service)
                digest.update(data)
                await asyncio.to_thread(file.write, data)
        await asyncio.to_thread(file.finish)
    except TimeoutError as error:
        raise ProblemError(408, "upload_slow", "the upload took too long; send it again") from error
    finally:
        await asyncio.to_thread(file.close)
    kept = JobFile(name, file.size_bytes, digest.hexdigest(), service.world.now_ms())
    await take_file(service.world, key, upload, kept)


_FORM_BYTES = 64 * 1024
"""What a form may add around a file."""


async def _content(request: Req) -> AsyncIterator[bytes | bytearray]:
    """Return the file in a body: the body itself, or the first file of a form."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if request.method == "PUT" or kind != "multipart/form-data":
        async for data in request.stream():
            yield data
        return
    taken: MultipartSegment | None = None
    current: MultipartSegment | None = None
    try:
        with PushMultipartParser(options.get("boundary", ""), max_segment_count=16) as parser:
            async for data in request.stream():
                for found in parser.parse(data):
                    if isinstance(found, MultipartSegment):
                        current = found
                        taken = taken or (found if found.filename is not None else None)
                    elif found is not None and current is taken and taken is not None:
                        yield found
    except MultipartError as error:
        raise ProblemError(400, "bad_form", "the form cannot be read; send the file as multipart/form-data") from error
    if taken is None:
        raise ProblemError(422, "no_file", "the form holds no file")


def _too_large(service: Service) -> ProblemError:
    return ProblemError(413, "too_large", f"a file has at most {service.uploads.max_bytes} bytes")


_METHODS = [HttpMethod.PUT, HttpMethod.POST]


@route("/uploads/{secret:str}", http_method=_METHODS, include_in_schema=False, request_max_body_size=None)
async def upload_plain(service: What, request: Req, secret: FromPath[str]) -> Response[None]:
    """Take a file at the address itself."""
    return await _receive(service, request, secret)


@route("/uploads/{secret:str}/{name:path}", http_method=_METHODS, include_in_schema=False, request_max_body_size=None)
async def upload_named(service: What, request: Req, secret: FromPath[str], name: FromPath[str]) -> Response[None]:
    """Take a file at the address with a name behind it, which is ignored."""
    del name
    return await _receive(service, request, secret)


@get("/stations/{station_id:str}/logs/{name:str}")
async def get_log_file(principal: Who, service: What, station_id: FromPath[str], name: FromPath[str]) -> File:
    """Download a log that the station uploaded."""
    demand(principal, READ_LOGS)
    found = await known_station(principal, service, station_id)
    file = await find_file(service.world, found, name)
    if file is None:
        raise ProblemError(404, "not_found", "the station has uploaded no such file, or it has been removed")
    path = service.uploads.spool.path(file.name)
    return File(path, filename=f"{found}-{file.name}.log", media_type="application/octet-stream")


STATION_ROUTES = (upload_plain, upload_named)
ROUTES = (get_log_file,)
