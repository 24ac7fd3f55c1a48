"""What pages load: styles, scripts, pictures. Read once; an address holds the hash of all, so browsers may keep it."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from litestar import Response, get
from litestar.params import FromPath

from wattseal.crypto.hashes import sha256
from wattseal.serve.api.problems import ProblemError

_TYPES = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
    "webmanifest": "application/manifest+json",
}
_KEPT = "public, max-age=31536000, immutable"


@cache
def every_file() -> dict[str, bytes]:
    """Return all files below `static` by their path."""
    return dict(_below(files("wattseal.serve.web") / "static", ""))


def _below(folder: Traversable, place: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            found += _below(entry, f"{place}{entry.name}/")
        elif entry.name.rpartition(".")[2] in _TYPES:
            found.append((place + entry.name, entry.read_bytes()))
    return found


@cache
def version() -> str:
    """Return what the addresses of this version's files begin with."""
    return sha256(b"".join(name.encode() + sha256(data) for name, data in every_file().items())).hex()[:16]


def address(name: str) -> str:
    """Return where a file is served; a name that is none is a defect of a template."""
    if name not in every_file():
        raise KeyError(name)
    return f"/static/{version()}/{name}"


@get("/static/{tag:str}/{name:path}", security=[{}], include_in_schema=False, sync_to_thread=False)
def static_file(tag: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    """Return a file; an address of another version gives today's, and is not kept."""
    data = every_file().get(str(name).lstrip("/"))
    if data is None or str(name).endswith(".html"):
        raise ProblemError(404, "not_found", "there is no such file")
    kept = _KEPT if tag == version() else "no-cache"
    headers = {
        "Cache-Control": kept,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(data, media_type=_TYPES[str(name).rpartition(".")[2]], headers=headers)


ROUTES = (static_file,)
