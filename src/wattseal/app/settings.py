"""What can be configured: one TOML file, one table a section, the same file for every process of a deployment.

No setting switches a defence off. A secret may be given as itself, or as a file: `token_file = "PATH"`.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65_535)]
"""0 takes a free one."""
Seconds = Annotated[float, Meta(gt=0)]
Party = Annotated[str, Meta(pattern=r"\A[!-.0-~]{1,36}\Z")]


class Secret:
    """A password or token; prints as stars, is compared and stored by nobody. `reveal` where it is sent."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file: unknown keys are refused."""


class Serve(Section, frozen=True):
    """`wattseal serve`: the CSMS of one CPO."""

    host: str = "127.0.0.1"
    ocpp_port: Port = 9000
    http_port: Port = 8080
    party: Party = "CPO"


class Log(Section, frozen=True):
    """The transparency log. `origin` names it for good (default: the CPO's party and "/log")."""

    origin: str | None = None
    checkpoint_interval_s: Seconds = 60.0
    mmd_s: Annotated[int, Meta(gt=0)] = 86_400
    """A receipt's promise: in the log within so many seconds."""


class Heartbeat(Section, frozen=True):
    """Signed heartbeats of stations' chains, at least this often."""

    interval_s: Seconds = 300.0


class Trust(Section, frozen=True):
    """What this party believes about the others' keys: the trust file (docs/spec/trust.md)."""

    file: Path | None = None


class Partner(Section, frozen=True):
    """A roaming partner: the party, where it is reached, and the token both sides use."""

    party: Party
    token: Secret
    url: str | None = None


class Witness(Section, frozen=True):
    """A witness that cosigns our log's checkpoints."""

    vkey: str
    url: str
    party: Party


class EdgeMode(StrEnum):
    """Who reads the readings: the named readers only, or everybody on the way."""

    SEALED = "sealed"
    SIGNED = "signed"


class Edge(Section, frozen=True):
    """`wattseal edge`: the proxy beside one stock station."""

    listen: str = "ws://127.0.0.1:9100/"
    upstream: str | None = None
    station: str | None = None
    password: Secret | None = None
    party: Party = "CPO"
    route: Party | None = None
    seal_for: tuple[Party, ...] = ()
    heartbeat_s: Seconds = 300.0
    mode: EdgeMode = EdgeMode.SEALED


class Emsp(Section, frozen=True):
    """`wattseal emsp`: the driver's provider."""

    host: str = "127.0.0.1"
    port: Port = 8090
    party: Party = "MSP"


class LogFormat(StrEnum):
    """How diagnostics are written."""

    JSON = "json"
    PLAIN = "plain"


class LogLevel(StrEnum):
    """The least severity that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Logging(Section, frozen=True):
    """Diagnostics on standard error."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.JSON


class Settings(Section, frozen=True):
    """The whole file; every table may be missing."""

    serve: Serve = Serve()
    log: Log = Log()
    heartbeat: Heartbeat = Heartbeat()
    trust: Trust = Trust()
    partners: tuple[Partner, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    edge: Edge = Edge()
    emsp: Emsp = Emsp()
    logging: Logging = Logging()
