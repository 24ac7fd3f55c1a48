"""What can be configured: one TOML file, one table a section, the same file for every process of a deployment.

No setting switches a defence off, but for `serve.allow_profile_0`. A secret may be given as itself, or as a
file: `token_file = "PATH"`.
"""

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from wattseal.model.invoice import Language
from wattseal.rules.authorize import OnePer
from wattseal.rules.hold_policy import Homeless, OwnRisk

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
    keep_days: Annotated[int, Meta(ge=1)] = 30


class Devices(Section, frozen=True):
    """What stations tell of themselves."""

    alarm_severity: Annotated[int, Meta(ge=-1, le=9)] = 3
    """Events of at most this severity (0 danger to 9 debugging) raise alarms; -1: none."""
    customer_days: Annotated[int, Meta(ge=1)] = 7
    """How long reports about customers are kept."""
    inventory: bool = False
    """Ask a station for all its variables when it boots as another model or with other firmware."""
    vendors: tuple[str, ...] = ()
    """Vendor ids whose DataTransfer is accepted and kept."""
    vendor_plugins: tuple[str, ...] = ()
    """Entry points of the group wattseal.vendors that answer vendors' messages."""


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
    days: Annotated[float, Meta(gt=0, le=3650)] = 7.0
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


class Share(Section, frozen=True):
    """What somebody gets of the net of each charge: the `host` of its site, or the `party` whose driver it was."""

    percent: Decimal
    host: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    party: Party | None = None


Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\A[^\x00-\x1f\x7f]+\Z")]
Prefix = Annotated[str, Meta(pattern=r"\A([A-Za-z0-9._-]|\{year\}){0,23}[._-]\Z", max_length=40)]
"""How invoice numbers begin, up to a point, dash or underscore; `{year}` in it is the year of the date."""


class Entity(Section, frozen=True):
    """A legal entity that sells charges: what its invoices say, how they are numbered. Give vat_id or tax_number."""

    id: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._-]{1,36}\Z")]
    name: Line
    street: Line
    postal_code: Line
    city: Line
    country: Annotated[str, Meta(pattern=r"\A[A-Z]{2}\Z")]
    email: Line
    series: Prefix
    credit_series: Prefix
    vat_id: str | None = None
    tax_number: Line | None = None
    contact: Line | None = None
    phone: Line | None = None
    iban: str | None = None
    terms_days: Annotated[int, Meta(ge=0, le=365)] = 14
    exemption: Annotated[str, Meta(max_length=200)] = ""
    """Why sales without VAT are exempt."""
    language: Language = Language.ENGLISH
    time_zone: str = "UTC"
    """Its dates are those of this zone (IANA name)."""
    sites: tuple[str, ...] = ()
    """Ids of the sites whose charges it sells."""


class RiskGroup(Section, frozen=True):
    """Whose charges are let through when nobody can be asked, for the tokens of one group."""

    group: Annotated[str, Meta(min_length=1, max_length=255)]
    unreachable: OwnRisk | None = None
    offline: OwnRisk | None = None
    cap_wh: Annotated[int, Meta(ge=0)] | None = None


class Billing(Section, frozen=True):
    """How sessions are billed."""

    hold: Decimal = Decimal(50)
    """Money set aside on the driver's account for a charge, in the account's currency."""
    least_hold: Decimal = Decimal(5)
    """With less than this on the account no charge begins."""
    extend_at: Decimal = Decimal("0.8")
    """The share of what is held at which as much again is set aside."""
    watch_s: Seconds = 10.0
    """How often running charges are compared with what is held for them."""
    max_session_wh: Annotated[int, Meta(gt=0)] = 200_000
    """No decision of the CPO's allows a session more."""
    without_account: Homeless = Homeless.HOUSE
    """What becomes of tokens without account and eMSP: "house" (charge, nothing is held) or "refuse"."""
    unreachable: OwnRisk = OwnRisk.DENY
    """Who may charge when the eMSP does not answer: "deny", "local_list" or "capped"."""
    unreachable_cap_wh: Annotated[int, Meta(ge=0)] = 20_000
    """Up to so much, on the CPO's own risk."""
    offline: OwnRisk = OwnRisk.CAPPED
    """Whose charges are billed that a station began without asking: "deny", "local_list" or "capped"."""
    offline_cap_wh: Annotated[int, Meta(ge=0)] = 100_000
    """Above it such a session waits for a person."""
    offline_cap: Decimal = Decimal(100)
    """Above this cost, too, in the currency of the tariff."""
    offline_after_s: Annotated[int, Meta(ge=1)] = 300
    """A 1.6 start told so much later than it happened was begun without asking."""
    stop_after_s: Seconds = 15.0
    """A station that charges without authorisation is asked to stop after so long."""
    quarantine_days: Annotated[int, Meta(ge=1, le=365)] = 7
    """After that what is held for a quarantined session is given back, whatever is decided on it."""
    groups: tuple[RiskGroup, ...] = ()
    wait_s: Annotated[float, Meta(ge=0, le=86_400)] = 300.0
    """How long a bill waits for witnesses, whose cosignatures raise the evidence grade it prints."""
    shares: tuple[Share, ...] = ()
    entities: tuple[Entity, ...] = ()
    """Who sells; the first one wherever no other names the site."""
    retention_years: Annotated[int, Meta(ge=1, le=100)] = 10
    """How long the copies of invoices are kept, from the end of the year they were issued in."""


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
    minimum_grade: GradeName = GradeName.G2
    accept_g1: bool = False
    stations: dict[str, GradeName] = {}
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
    mode: EdgeMode = EdgeMode.SEALED


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


class PaymentProviderName(StrEnum):
    """Who takes payments: Stripe, or the embedded test provider, with which no money moves."""

    EMBEDDED = "embedded"
    STRIPE = "stripe"


class Payments(Section, frozen=True):
    """Payments by card: on the spot, and onto accounts."""

    provider: PaymentProviderName | None = None
    url: Annotated[str, Meta(pattern=r"^https?://[!-~]+$", max_length=400)] | None = None
    """Where drivers reach this CSMS's HTTP port; by default where it listens."""
    ad_hoc: Decimal | None = None
    """What is set aside for a charge on the spot, in the tariff's currency; without it nobody pays on the spot."""
    pay_within_s: Annotated[float, Meta(ge=60, le=86_400)] = 600.0
    """How long a driver may take on the provider's page."""
    start_within_s: Annotated[float, Meta(ge=30, le=3600)] = 300.0
    """How long after paying a charge may begin; then all is released."""
    stripe_api_key: Secret | None = None
    stripe_webhook_secret: Secret | None = None
    stripe_address: Annotated[str, Meta(pattern=r"^https?://[!-~]+$")] | None = None
    """Where Stripe's API is, if not at Stripe."""
    allow_test_money: bool = False
    """Let the embedded test provider be used beyond --insecure-dev on loopback: then everybody charges for nothing."""


class Settings(Section, frozen=True):
    """The whole file; every table may be missing."""

    serve: Serve = Serve()
    tokens: Tokens = Tokens()
    transactions: Transactions = Transactions()
    charging: ChargingLimits = ChargingLimits()
    billing: Billing = Billing()
    tls: Tls = Tls()
    frames: Frames = Frames()
    log: Log = Log()
    heartbeat: Heartbeat = Heartbeat()
    trust: Trust = Trust()
    partners: tuple[Partner, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    edge: Edge = Edge()
    emsp: Emsp = Emsp()
    logging: Logging = Logging()
    uploads: Uploads = Uploads()
    devices: Devices = Devices()
    payments: Payments = Payments()
