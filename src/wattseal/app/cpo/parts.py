"""What a CPO's process is made from, what it is made of, and what it is once it answers."""

from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientSession

from wattseal.app.alive import Statements
from wattseal.app.cpo.log import LogProofs
from wattseal.app.cpo.stations import (
    StationPorts,
)
from wattseal.app.lines import StationLines
from wattseal.app.log_keeper import LogKeeper
from wattseal.app.settings import Settings
from wattseal.dial.emsp import EmspPartners
from wattseal.flow.world import World
from wattseal.log.keys import SigningKey as LogKey
from wattseal.parties.cpo import CpoKeys
from wattseal.serve.feed import Feed
from wattseal.serve.pay.desk import PayDesk


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: settings, and whether unknown stations are let in from this machine (`--insecure-dev`).

    With `owner_link` a one-time link is made at the start as long as there is no owner.
    """

    data: Path
    settings: Settings
    insecure_dev: bool = False
    owner_link: bool = False


@dataclass(frozen=True, slots=True)
class Running:
    """A process that answers: its ports, the directory, the log's verifier key, the link for the first owner."""

    stations: StationPorts
    http_port: int
    data: Path
    log_vkey: str
    metrics_port: int | None = None
    owner_link: str | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The CPO put together, before it listens."""

    world: World
    keeper: LogKeeper
    proofs: LogProofs
    partners: EmspPartners
    log_key: LogKey
    keys: CpoKeys
    lines: StationLines
    desk: PayDesk
    feed: Feed
    session: ClientSession
    statements: Statements
