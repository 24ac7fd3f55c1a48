"""What can be configured: one TOML file, one table a section, the same file for every process of a deployment.

No setting switches a defence off, but for `serve.allow_profile_0`. A secret may be given as itself, or as a
file: `token_file = "PATH"`.
"""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta, field

from wattseal.app.settings_base import Party, Port, Seconds, Secret, Section
from wattseal.app.settings_money import Billing, Payments
from wattseal.app.settings_retention import Retention
from wattseal.model.alarm import Severity
from wattseal.rules.authorize import OnePer


class Serve(Section, frozen=True):
    """`wattseal serve`: the CSMS of one CPO."""

    host: str = "127.0.0.1"
    ocpp_port: Port = 9000
    http_port: Port = 8080
    metrics_host: str = "127.0.0.1"
    metrics_port: Port | None = None
    """Where Prometheus scrapes `/metrics`, without authentication; nowhere by default."""
    party: Party = "CPO"
    wss_port: Port | None = None
    """Stations over TLS: with a password (profile 2), or with a certificate of their own (3)."""
    mutual_port: Port | None = None
    """Stations over TLS that must show a certificate (profile 3)."""
    public_url: Annotated[str, Meta(pattern=r"\Ahttps?://[!-~]+[^/]\Z", max_length=200)] | None = None
    """Where others reach the HTTP API, for links in CDRs and the QR codes of receipts."""
    answer_step_s: Annotated[float, Meta(ge=0.02, le=5)] = 0.5
    """A sealed edge's calls are answered at multiples of this: how long it took tells neither eMSP nor record then."""
    allow_profile_0: bool = False
    """Let stations that are enrolled with profile 0 in from other machines: no password, no TLS."""
    path_aliases: tuple[Annotated[str, Meta(pattern=r"^/([^?#]*/)?$")], ...] = ()
    """More paths before the station id, each ending in a slash, for stations that come from another CSMS."""


class Uploads(Section, frozen=True):
    """Files that stations upload: logs and diagnostics."""

    url: Annotated[str, Meta(pattern=r"^https?://[!-~]+$", max_length=400)] | None = None
    """Where stations reach this CSMS's HTTP API; by default where it listens, unless that is every address."""
    max_bytes: Annotated[int, Meta(ge=1024)] = 64 * 1024 * 1024
    """The largest file."""
    max_total_bytes: Annotated[int, Meta(ge=1024)] = 2 * 1024 * 1024 * 1024
    """All files together; while there is no room nothing is taken."""


class Devices(Section, frozen=True):
    """What stations tell of themselves."""

    alarm_severity: Annotated[int, Meta(ge=-1, le=9)] = 3
    """Events of at most this severity (0 danger to 9 debugging) raise alarms; -1: none."""
    inventory: bool = False
    """Ask a station for all its variables when it boots as another model or with other firmware."""
    vendors: tuple[str, ...] = ()
    """Vendor ids whose DataTransfer is accepted and kept."""
    vendor_plugins: tuple[str, ...] = ()
    """Entry points of the group wattseal.vendors that answer vendors' messages."""


class People(Section, frozen=True):
    """People who sign in to the pages."""

    idle_h: Annotated[float, Meta(gt=0, le=720)] = 8.0
    """After so many hours without use a session is over."""
    session_h: Annotated[float, Meta(gt=0, le=2160)] = 168.0
    """After so many hours it is over in any case."""
    link_h: Annotated[float, Meta(gt=0, le=168)] = 24.0
    """How long one-time links are good."""
    alone_stations: Annotated[int, Meta(ge=1, le=1000)] = 10
    """To so many stations a day one person rolls out templates and firmware alone; more take a second person."""
    alone_power_stations: Annotated[int, Meta(ge=1, le=1000)] = 20
    """To so many stations a day one person sends single commands that may change power."""
    alone_charge_stations: Annotated[int, Meta(ge=1, le=1000)] = 60
    """To so many stations an hour one person sends stops, unlocks, resets and limits of one charge."""
    oidc_issuer: Annotated[str, Meta(pattern=r"\Ahttps?://[!-~]+\Z", max_length=300)] | None = None
    """The OpenID Connect provider where people may sign in, as its tokens name it."""
    oidc_client_id: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    oidc_client_secret: Secret | None = None
    oidc_groups_claim: str = "groups"
    """The claim with the groups that give roles."""
    oidc_roles: dict[str, str] = field(default_factory=dict)
    """The role that each group gives; who is in none of them stays out."""


class ProxyCertificate(StrEnum):
    """The header in which a trusted proxy passes a station's certificate on."""

    CLIENT_CERT = "client-cert"
    X_FORWARDED_CLIENT_CERT = "x-forwarded-client-cert"
    SSL_CLIENT_CERT = "ssl-client-cert"
    X_SSL_CLIENT_CERT = "x-ssl-client-cert"


class Tls(Section, frozen=True):
    """TLS for stations. What is left out comes from the directory's own authority (`wattseal keys ca`)."""

    certificate: Path | None = None
    key: Path | None = None
    rsa_certificate: Path | None = None
    rsa_key: Path | None = None
    client_ca: Path | None = None
    """Who may issue station certificates: PEM of the issuers themselves, intermediates named one by one."""
    crl: tuple[Path, ...] = ()
    organization: str | None = None
    """What O in a station's certificate must be."""
    station_days: Annotated[int, Meta(ge=1, le=3650)] = 397
    """For how long the own authority certifies stations that ask over OCPP."""
    renew_days: Annotated[int, Meta(ge=0, le=365)] = 30
    """So long before its certificate ends a station is asked to renew it; 0 never asks."""
    ocsp_responders: tuple[str, ...] = ()
    """URLs of OCSP responders that stations may have asked."""
    contract_roots: Path | None = None
    """Who may issue contract certificates for Plug and Charge: PEM of roots, and of sub-CAs shown by hash only."""
    reload_s: Seconds = 5.0
    proxies: tuple[str, ...] = ()
    """Addresses or networks of reverse proxies whose headers are believed."""
    proxy_certificate: ProxyCertificate | None = None


class Frames(Section, frozen=True):
    """OCPP frames kept for looking things up; they are no records."""

    enabled: bool = True
    max_mib: Annotated[int, Meta(ge=1, le=1024 * 1024)] = 1024
    """With more of them the oldest are deleted."""


class Tokens(Section, frozen=True):
    """Rules for drivers' tokens."""

    master_group: Annotated[str, Meta(min_length=1, max_length=255)] | None = None
    """Tokens of this group may end any transaction and start none."""
    one_charge_per: OnePer = OnePer.NONE
    """Of what one transaction may run at a time: "none" (no limit), "token" or "group"."""
    start_button: bool = False
    """Whether charges begun by a button, without any token, are authorised by the CPO and billed."""
    list_stale_s: Annotated[int, Meta(ge=600, le=31_536_000)] = 86_400
    """How long a station's local list may go without being known to be fresh before that is an alarm."""
    hearsay_cap_wh: Annotated[int, Meta(gt=0)] | None = None
    """Wh a charge may draw that a card's bare number began, where the CPO bills it; without it as much as any other."""


class Transactions(Section, frozen=True):
    """Rules for transactions."""

    interrupted_after_s: Annotated[int, Meta(ge=60)] = 3600
    """How long a restarted station may be silent about what it was charging before that is marked interrupted."""


class ChargingLimits(Section, frozen=True):
    """Limits of charging, and what drivers are told of costs."""

    floor_a: Decimal = Decimal(6)
    """The least limit of a phase, in amperes, that does not count as stopping."""
    voltage_v: Decimal = Decimal(230)
    """Between a phase and neutral, to compare watts with amperes."""
    phases: Annotated[int, Meta(ge=1, le=3)] = 3
    answer_needs: bool = True
    """Whether an EV that tells its needs (ISO 15118) gets a schedule computed for it."""
    time_zone: str = "UTC"
    """The stations' local time (IANA name), for schedules that follow it."""
    cost_interval_s: Annotated[int, Meta(ge=0)] = 0
    """How often stations are told what running transactions cost (CostUpdated); 0 is never."""
    show_price: bool = False
    """Whether the answer to a token tells its driver the price in one line (2.x, personalMessage)."""
    install_tariffs: bool = False
    """Whether 2.1 stations are given the tariff that applies to them as their default (SetDefaultTariff)."""
    fallback_a: Decimal | None = None
    """What each EVSE falls back to when a limit ends, in amperes of each phase; sites and stations may have others."""
    fallback_hold_s: Annotated[int, Meta(ge=0, le=604_800)] = 900
    """How long after that the fallback is taken away, through the ramp; 0 leaves it until somebody clears the limit."""
    offline_hold_s: Annotated[int, Meta(ge=0, le=604_800)] | None = None
    """How long a limit above the fallback holds at a 2.1 station that has lost its CSMS; needs `fallback_a`."""


class Ramp(Section, frozen=True):
    """How fast commands may change the power of the fleet; what would be faster waits."""

    fleet_kw_s: Annotated[float, Meta(gt=0, le=1_000_000)] = 100.0
    """All stations together, in kW per second, up and down each."""
    site_kw_s: Annotated[float, Meta(gt=0, le=1_000_000)] = 50.0
    """The stations of one site together."""
    jitter_s: Annotated[float, Meta(ge=0.1, le=600)] = 2.0
    """What must wait is scattered by up to so much."""
    max_wait_s: Annotated[float, Meta(ge=1, le=86_400)] = 3600.0
    """A command that would wait longer is refused."""
    spread_s: Annotated[float, Meta(ge=1, le=86_400)] = 1800.0
    """By so much at most steps of a schedule are put off that would come together with those of other stations."""
    evse_kw: Annotated[float, Meta(gt=0, le=10_000)] = 22.0
    """What an EVSE is taken to deliver that is enrolled without its rated power."""


class Log(Section, frozen=True):
    """The transparency log. `origin` names it for good (default: the CPO's party and "/log")."""

    origin: str | None = None
    checkpoint_interval_s: Seconds = 60.0
    mmd_s: Annotated[int, Meta(gt=0)] = 86_400
    """A receipt's promise: in the log within so many seconds."""


class Heartbeat(Section, frozen=True):
    """Signed heartbeats of stations' chains, at least this often."""

    interval_s: Seconds = 300.0


class Reproof(Section, frozen=True):
    """Sessions proved again by the clock: so many at each turn."""

    interval_s: Seconds = 5.0
    sessions: Annotated[int, Meta(ge=2, le=1000)] = 20


class MailTls(StrEnum):
    """How a mail server is spoken to: TLS after a greeting, or from the first byte."""

    STARTTLS = "starttls"
    TLS = "tls"


class Alerts(Section, frozen=True):
    """Alarms, for those outside: the statement that this process lives, and who is told from which severity on."""

    alive_s: Seconds = 15.0
    least: Severity = Severity.WARNING
    webhook: str | None = None
    webhook_secret: Secret | None = None
    mail_host: str | None = None
    mail_port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    mail_tls: MailTls = MailTls.STARTTLS
    mail_ca: Path | None = None
    mail_user: str | None = None
    mail_password: Secret | None = None
    mail_from: str | None = None
    mail_to: tuple[str, ...] = ()


class Trust(Section, frozen=True):
    """What this party believes about the others' keys: the trust file (docs/spec/trust.md)."""

    file: Path | None = None


class GradeName(StrEnum):
    """Evidence grades (docs/spec/bundle.md)."""

    G0 = "G0"
    G1 = "G1"
    G2 = "G2"
    G3 = "G3"
    G4 = "G4"


class Partner(Section, frozen=True):
    """A roaming partner: the party, where it is reached, and the token both sides use.

    What follows is the eMSP's contract with a CPO: the grade its charges must prove, whether G1 will do at stations for
    which nobody has enrolled a signing source, and pins of single stations, which win.
    """

    party: Party
    token: Secret
    url: str | None = None
    log_origin: str | None = None
    """The CPO's log; the one the trust file names for it by default."""
    country_code: Annotated[str, Meta(pattern=r"\A[A-Za-z]{2}\Z")] | None = None
    """The country of the CPO's party id, ISO 3166-1 alpha-2; its CDRs name no other."""
    minimum_grade: GradeName = GradeName.G2
    accept_g1: bool = False
    stations: dict[str, GradeName] = field(default_factory=dict)
    local_lists: bool = False
    """Whether this eMSP's tokens may be given to stations, to be let charge while the CSMS is out of reach."""


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
    pace_s: Seconds = 10.0
    """How often a message goes up while a car charges, where content is sealed; 60 at most."""
    mode: EdgeMode = EdgeMode.SEALED
    signed_commands: bool = False
    """Let no unsigned command pass from now on, as an edge that begins anew never does; once done it stays."""


class Emsp(Section, frozen=True):
    """`wattseal emsp`: the driver's provider."""

    host: str = "127.0.0.1"
    port: Port = 8090
    party: Party = "MSP"
    hold: Decimal = Decimal(50)
    """Money set aside for a charge, in the customer's currency; `least_hold` where there is not that much."""
    least_hold: Decimal = Decimal(5)
    extend_at: Decimal = Decimal("0.8")
    """The share of what is held at which as much again is set aside."""
    max_session_wh: Annotated[int, Meta(gt=0)] = 200_000
    decision_s: Seconds = 900.0
    """How long after a decision a charge may start."""
    request_age_s: Seconds = 900.0
    clock_skew_s: Seconds = 300.0


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
    tokens: Tokens = Tokens()
    transactions: Transactions = Transactions()
    charging: ChargingLimits = ChargingLimits()
    billing: Billing = Billing()
    tls: Tls = Tls()
    frames: Frames = Frames()
    retention: Retention = Retention()
    ramp: Ramp = Ramp()
    log: Log = Log()
    heartbeat: Heartbeat = Heartbeat()
    reproof: Reproof = Reproof()
    alerts: Alerts = Alerts()
    trust: Trust = Trust()
    partners: tuple[Partner, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    edge: Edge = Edge()
    emsp: Emsp = Emsp()
    logging: Logging = Logging()
    uploads: Uploads = Uploads()
    devices: Devices = Devices()
    payments: Payments = Payments()
    people: People = People()
