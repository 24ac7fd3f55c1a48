"""The transparency log, for everybody."""

import asyncio

from litestar import Response, get
from litestar.params import FromPath

from wattseal.base.errors import InputError
from wattseal.log.tiles import TileRef
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.service import PLAIN, What


@get("/log/{path:path}", security=[{}], media_type=PLAIN)
async def get_log(service: What, path: FromPath[str]) -> Response[bytes]:
    """Serve the transparency log as C2SP tlog-tiles: `checkpoint` and `tile/...`; public, and nothing else."""
    name = path.removeprefix("/")
    if name != "checkpoint":
        try:
            name = TileRef.parse(name).path()
        except InputError as error:
            raise ProblemError(404, "not_found", "the log has checkpoint and tile/...") from error
    try:
        data = await asyncio.to_thread((service.tiles / name).read_bytes)
    except OSError as error:
        raise ProblemError(404, "not_found", "the log does not have this yet") from error
    return Response(data, media_type=PLAIN if name == "checkpoint" else "application/octet-stream")


ROUTES = (get_log,)
