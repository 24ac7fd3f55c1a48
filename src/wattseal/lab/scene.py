"""Setting the scene: directories, keys, the registry's entries, the trust file and configurations of one world."""

import base64
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.bundle.trust import LogKey, WitnessKey
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.crew import free_port
from wattseal.log.keys import SignatureType
from wattseal.log.keys import SigningKey as LogSigningKey
from wattseal.parties.registry import Enrolments, make_trust
from wattseal.seal.registry import SOURCE_ROLES, Entry, Role, Use
from wattseal.seal.signed import Statement
from wattseal.stores.datadir import DataDir
from wattseal.stores.files import write_durably
from wattseal.stores.registry_home import RegistryHome

REGISTRY = "registry"
LOG_ORIGIN = "CPO/log"
WITNESS_PARTIES = ("MSP", "DSO")
CHECKPOINT_S = 1
HEARTBEAT_S = 2
PACE_S = 0.1


@dataclass(frozen=True, slots=True)
class Stations:
    """The three stations: a signing meter dialled directly, a stock one behind an edge, the same stock one direct."""

    signing: str
    edged: str
    stock: str


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everybody listens on loopback."""

    ocpp: int
    http: int
    emsp: int
    edge: int
    witnesses: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """A world on disk, ready to start: `meter_key` is the signing station's, `partner_token` the CPO's at the eMSP."""

    root: Path
    stations: Stations
    ports: Ports
    meter_key: SigningKey
    meter_id: str
    passwords: dict[str, str]
    partner_token: str
    log_key: LogSigningKey

    @property
    def trust(self) -> Path:
        """The trust file everybody but the CPO decides by."""
        return self.root / "trust.json"

    def home(self, name: str) -> Path:
        """Return a member's directory."""
        return self.root / name


def prepare(root: Path, stations: Stations, meter_id: str) -> Scene:
    """Make keys and files of a new world under `root`. Keys are always fresh: no seed ever makes a key."""
    root.mkdir(parents=True, exist_ok=True)
    for role in ("cpo", "emsp"):
        DataDir.open(root / role, role).close()
    witnesses = {p: _witness_key(root, p) for p in WITNESS_PARTIES}
    scene = Scene(
        root=root,
        stations=stations,
        ports=Ports(free_port(), free_port(), free_port(), free_port(), tuple(free_port() for _ in witnesses)),
        meter_key=_signing_key(root / "station-signing", "meter", Algorithm.ESP256),
        meter_id=meter_id,
        passwords={name: _secret() for name in dataclasses.astuple(stations)},
        partner_token=_secret(),
        log_key=_log_key(root / "cpo"),
    )
    entries = _enrol(scene)
    _configure(scene, witnesses, entries)
    return scene


def _secret() -> str:
    return base64.b32encode(SystemRandom().bytes(12)).decode().rstrip("=")


def _keep(directory: Path, name: str, pem: bytes) -> None:
    folder = directory / "keys"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_durably(folder / f"{name}.pem", pem, 0o600)


def _signing_key(directory: Path, name: str, algorithm: Algorithm = Algorithm.ED25519) -> SigningKey:
    key = SigningKey.from_seed(algorithm, SystemRandom().bytes(32))
    _keep(directory, name, key.to_pem())
    return key


def _seal_key(directory: Path, name: str) -> SealPrivateKey:
    key = SealPrivateKey.from_seed(SystemRandom().bytes(32))
    _keep(directory, name, key.to_pem())
    return key


def _log_key(directory: Path) -> LogSigningKey:
    key = LogSigningKey(LOG_ORIGIN, SignatureType.ED25519, SystemRandom().bytes(32))
    _keep(directory, "log", key.to_pem())
    return key


def _witness_key(root: Path, party: str) -> LogSigningKey:
    key = LogSigningKey(f"witness/{party}", SignatureType.COSIGNATURE_ED25519, SystemRandom().bytes(32))
    home = root / f"witness-{party.lower()}"
    _keep(home, "witness", key.to_pem())
    write_durably(home / "vkey", f"{key.verifier}\n".encode())
    return key


def _enrol(scene: Scene) -> Sequence[Statement]:
    """Let the registry enrol everybody; the vendor consents to the meter, the eMSP to the edge."""
    root = scene.root
    vendor = _signing_key(root / "csio", "csio-sign")
    emsp = _signing_key(root / "emsp", "emsp-sign")
    now_ms = int(SystemClock().now().timestamp() * 1000) - 60_000
    cpo, edge = root / "cpo", root / "edge"

    def entry(role: Role, party: str, spki: bytes, origin: str, use: Use = Use.SIGN, **more: str) -> Entry:
        made = Entry(0, origin, role, party, more.get("custodian", party), spki, use, now_ms)
        return dataclasses.replace(made, meter_id=more.get("meter_id"))

    edged, signing = f"CPO/{scene.stations.edged}", f"CPO/{scene.stations.signing}"
    meter_spki = scene.meter_key.public.spki
    wanted = (
        entry(Role.CSIO, "CSIO", vendor.public.spki, "CSIO/*"),
        entry(Role.EMSP, "MSP", emsp.public.spki, "MSP/*"),
        entry(Role.EMSP, "MSP", _seal_key(root / "emsp", "emsp-seal").public.spki, "MSP/*", Use.SEAL),
        entry(Role.ARBITER, "ARB", _seal_key(root / "arbiter", "arbiter-seal").public.spki, "ARB/*", Use.SEAL),
        entry(Role.CSMS, "CPO", _signing_key(cpo, "csms-sign").public.spki, "CPO/*"),
        entry(Role.CSMS, "CPO", _seal_key(cpo, "csms-seal").public.spki, "CPO/*", Use.SEAL),
        entry(Role.BILLING, "CPO", _signing_key(cpo, "billing-sign").public.spki, "CPO/billing"),
        entry(Role.METER, "METER", meter_spki, signing, custodian="SITE", meter_id=scene.meter_id),
        entry(Role.EDGE, "SITE", _signing_key(edge, "edge-sign", Algorithm.ESP256).public.spki, edged),
        entry(Role.EDGE, "SITE", _seal_key(edge, "edge-seal").public.spki, edged, Use.SEAL),
    )
    enrolments = Enrolments(REGISTRY, SigningKey.from_seed(Algorithm.ED25519, SystemRandom().bytes(32)))
    home = RegistryHome(root / "registry")
    home.create(enrolments, "REG")
    consenting = {Role.METER: vendor, Role.EDGE: emsp}
    for made in wanted:
        consents = [made.consent(consenting[made.role], REGISTRY)] if made.role in SOURCE_ROLES else []
        statement, enrolments = enrolments.issue(made, consents)
        home.keep(statement)
    return enrolments.issued


def _configure(scene: Scene, witnesses: dict[str, LogSigningKey], entries: Sequence[Statement]) -> None:
    enrolments = RegistryHome(scene.root / "registry").open()
    trust = make_trust(
        enrolments,
        "REG",
        logs=[LogKey(scene.log_key.verifier, "CPO")],
        witnesses=[WitnessKey(key.verifier, party) for party, key in witnesses.items()],
        quorum=len(witnesses),
        entries=entries,
    )
    write_durably(scene.trust, trust.to_json())
    peers = "".join(
        f'[[witnesses]]\nparty = "{party}"\nvkey = "{key.verifier}"\nurl = "http://127.0.0.1:{port}"\n'
        for (party, key), port in zip(witnesses.items(), scene.ports.witnesses, strict=True)
    )
    write_durably(
        scene.root / "cpo.toml",
        f"""[serve]
party = "CPO"
answer_step_s = 0.1
public_url = "http://127.0.0.1:{scene.ports.http}"
[billing]
wait_s = 30
[[billing.entities]]
id = "demo"
name = "Operator of the demo"
street = "Loopback"
postal_code = "127"
city = "localhost"
country = "DE"
email = "nobody@localhost"
tax_number = "DEMO"
series = "DEMO-{{year}}-"
credit_series = "DEMO-C-{{year}}-"
[log]
origin = "{LOG_ORIGIN}"
checkpoint_interval_s = {CHECKPOINT_S}
[heartbeat]
interval_s = {HEARTBEAT_S}
[trust]
file = "{scene.trust}"
[[partners]]
party = "MSP"
url = "http://127.0.0.1:{scene.ports.emsp}"
token = "{scene.partner_token}"
{peers}""".encode(),
        0o600,
    )
    write_durably(
        scene.root / "emsp.toml",
        f"""[emsp]
party = "MSP"
[[partners]]
party = "CPO"
token = "{scene.partner_token}"
accept_g1 = true
""".encode(),
        0o600,
    )
