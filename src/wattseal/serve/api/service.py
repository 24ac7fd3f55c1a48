"""What every handler of the API works with, and who asks."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter, SkipValidation

from wattseal.base.ids import StationId
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.fleet.api_tokens import ApiTokens
from wattseal.flow.money.invoices import Renderer
from wattseal.flow.people.outside import Outside
from wattseal.flow.people.sessions import People
from wattseal.flow.privacy.desk import ExportDesk
from wattseal.flow.world import World
from wattseal.model.principal import Principal
from wattseal.seal.registry import Entry
from wattseal.serve.api.problems import ProblemError
from wattseal.serve.api.receiving import Uploads
from wattseal.serve.feed import Feed
from wattseal.serve.pay.desk import PayDesk
from wattseal.serve.viewers import Viewers
from wattseal.stores.frames import FrameStore
from wattseal.stores.requests import KeptRequests

MAX_BODY_BYTES = 1024 * 1024
MAX_PAGE = 1000
PLAIN = "text/plain"
Limit = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)]
ShortQuery = Annotated[str | None, QueryParameter(max_length=255)]


class Link(msgspec.Struct, frozen=True):
    """A station's live connection: the OCPP version spoken, since when, from which address, its security profile."""

    version: str
    since_ms: int
    remote: str
    security_profile: int


class LastBackup(msgspec.Struct, frozen=True):
    """The last backup made of the data directory: when, how many bytes, whether the keys are in it."""

    at_ms: int
    size: int
    keys: bool


@dataclass(frozen=True, slots=True)
class Service:
    """What the handlers work with.

    `authenticate` turns a bearer token into a principal; `requests` keeps answers by idempotency key; `frames` is None
    where none are kept; `link` tells of a station's live connection; `tiles` is the log's directory; `own_entries` are
    to be enrolled with a registry; `retry_after_s` is how long the next checkpoint may take; `uploads` takes
    the files of stations, `renderer` makes invoices, `pay` is where drivers pay on the spot; `viewers` knows who is
    behind a browser's session, `people` who works here, `outside` signs them in elsewhere; `exports` hands drivers what
    is held about them. `witnesses` are the verifier keys of those that are asked to cosign the log, by party; `ports`
    are those that stations and browsers dial, by name, once they are open; `settings` is the configuration in force,
    secrets hidden.
    """

    world: World
    proofs: Proofs
    authenticate: Callable[[str], Principal | None]
    api_tokens: ApiTokens
    requests: KeptRequests
    frames: FrameStore | None
    link: Callable[[StationId], Link | None]
    ready: Callable[[], bool]
    tiles: Path
    log_vkey: str
    own_entries: tuple[Entry, ...]
    retry_after_s: int
    uploads: Uploads
    renderer: Renderer
    pay: PayDesk = field(default_factory=PayDesk)
    viewers: Viewers | None = None
    feed: Feed | None = None
    people: People | None = None
    outside: Outside | None = None
    exports: ExportDesk = field(default_factory=ExportDesk)
    witnesses: Mapping[str, str] = field(default_factory=dict)
    ports: Mapping[str, int] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    last_backup: Callable[[], LastBackup | None] = lambda: None
    statement: Callable[[], bytes | None] = lambda: None
    """The latest statement that this process lives and tells its alarms."""


Who = NamedDependency[SkipValidation[Principal]]
What = NamedDependency[SkipValidation[Service]]


async def admit(connection: ASGIConnection[Any, Any, Any, State], _handler: BaseRouteHandler) -> None:
    """Guard: let nobody pass without a good bearer token of this tenant, before anything of a request is read."""
    await provide_principal(connection)


async def provide_principal(request: ASGIConnection[Any, Any, Any, State]) -> Principal:
    """Return who asks; without a good bearer token there is nobody."""
    service = provide_service(request.app.state)
    found = principal_of(service, request.headers.get("authorization", ""))
    if found is None:
        raise NotAuthorizedException("send Authorization: Bearer with an API token, or the one in DIR/admin-token")
    if found.tenant != service.world.tenant:
        raise ProblemError(403, "another_tenant", "this token is of another tenant than this service")
    return found


def principal_of(service: Service, authorization: str) -> Principal | None:
    """Return whom an Authorization header speaks for."""
    kind, _, token = authorization.partition(" ")
    return service.authenticate(token.strip()) if kind.lower() == "bearer" else None


def provide_service(state: State) -> Service:
    """Return the process's service."""
    service: Service = state["service"]
    return service
