"""What a simulated station is to do, what it keeps on disk, and its report at the end."""

from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext

import msgspec

from wattseal.app.system import SystemRandom
from wattseal.base.errors import ConfigError
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.dial.ocpp import Backoff
from wattseal.model.token import IdToken
from wattseal.parties.station import Memory, Session
from wattseal.stores.files import write_durably
from wattseal.stores.keyfiles import KeyFiles
from wattseal.wire.ocpp.version import Version

METER_KEY = "meter.pem"
MEMORY_FILE = "station.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the simulated drivers do; `energy_wh` is one session's, told in `readings` steps `interval_s` apart.

    With `rate_per_h` drivers come at random, so many an hour on average; without it one follows the other. With `stay`
    the station stays for what its CSMS commands when nobody comes any more. `card` is the key of a card that proves
    itself before each charge.
    """

    id_token: IdToken
    sessions: int = 1
    energy_wh: int = 5000
    readings: int = 3
    interval_s: float = 1.0
    rate_per_h: float | None = None
    stay: bool = False
    card: SigningKey | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Driver:
    """Who charges next: by plan, or `called` by the CSMS."""

    id_token: IdToken
    remote_start_id: int | None = None
    called: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """A simulated station. Without `data` it forgets everything when it ends; `attempts` bounds refused messages.

    After `give_up_after_s` it reports what has happened so far; None waits for ever, as a station does.
    """

    url: str
    station_id: str
    version: Version
    plan: Plan
    password: bytes | None = None
    data: Path | None = None
    signing_meter: bool = False
    meter_serial: str = ""
    evse_id: int = 1
    attempts: int = 3
    retry_s: float = 1.0
    backoff: Backoff = field(default_factory=lambda: Backoff(0.5, 15.0))
    ssl: SSLContext | None = None
    give_up_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What happened. `ok`: every session planned was charged and acknowledged, and nothing waits any more."""

    station: str
    ocpp: str
    ok: bool
    meter_serial: str
    meter_public_key: str | None
    register_wh: int
    waiting: int
    refused_tokens: int
    sessions: tuple[Session, ...]


class Keeper:
    """The station's memory and keys on disk, or nowhere."""

    def __init__(self, data: Path | None) -> None:
        """Use the directory `data`, made when needed."""
        self._data = data

    def load(self) -> Memory:
        """Return what was kept; a new station's memory where nothing was."""
        path = self._data / MEMORY_FILE if self._data else None
        if path is None or not path.exists():
            return Memory()
        try:
            return msgspec.json.decode(path.read_bytes(), type=Memory)
        except msgspec.DecodeError as error:
            raise ConfigError(
                f"{path} is damaged; restore it or start with another --data", subject=str(path)
            ) from error

    def save(self, memory: Memory) -> None:
        """Make `memory` durable."""
        if self._data is not None:
            write_durably(self._data / MEMORY_FILE, msgspec.json.encode(memory), 0o600)

    def meter_key(self) -> SigningKey:
        """Return the meter's key, made at first."""
        made = SigningKey.from_seed(Algorithm.ESP256, SystemRandom().bytes(32))
        if self._data is None:
            return made
        return SigningKey.from_pem(KeyFiles(self._data / "keys").load_or_create(METER_KEY, made.to_pem))
