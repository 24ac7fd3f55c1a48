"""TLS for stations as configured: loaded at the start, and anew when a file changed, without losing a connection."""

import asyncio
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from ssl import SSLContext

from wattseal.app.authority import DirectoryAuthority
from wattseal.app.settings import Tls
from wattseal.base.errors import ConfigError, InputError, WattsealError
from wattseal.crypto.certificates import Certificate, Revocations, read_bundle, read_crl
from wattseal.flow.ports import Clock, Random
from wattseal.rules.pki import StationTrust
from wattseal.serve.proxy import CertificateHeader, Proxies
from wattseal.serve.tls import ServerIdentity, SwitchableContext, server_context
from wattseal.stores.authority import AuthorityFiles

RENEW_SERVER, RENEW_CRL = timedelta(days=30), timedelta(days=10)
"""So long before their ends the own authority's certificates for the CSMS and its list are made anew."""
_LOGGER = logging.getLogger("wattseal.tls")


@dataclass(frozen=True, slots=True)
class Expiry:
    """When something ends: `kind` is server, issuer or crl, `name` its file."""

    kind: str
    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class _Loaded:
    identities: tuple[ServerIdentity, ...]
    trust: StationTrust
    expiries: tuple[Expiry, ...]


class TlsKeeper:
    """Keeps the contexts of the listeners and the trust in station certificates as the files say.

    What is not set in `[tls]` comes from the data directory's own authority, where there is one; its root and list are
    trusted beside `tls.client_ca` and `tls.crl`. A changed file that cannot be used changes nothing: the old state
    stays, a warning is logged and `count("tls_reload_failed")` called, once a change.
    """

    def __init__(self, settings: Tls, authority: AuthorityFiles, clock: Clock, count: Callable[[str], None]) -> None:
        """Load everything; `ConfigError` where something cannot be used."""
        self._settings = settings
        self._authority = authority
        self._clock = clock
        self._count = count
        self._contexts: list[tuple[SwitchableContext, bool]] = []
        self._seen = self._stamps()
        self._loaded = self._load()

    @property
    def trust(self) -> StationTrust:
        """Return who may issue station certificates at present."""
        return self._loaded.trust

    @property
    def expiries(self) -> tuple[Expiry, ...]:
        """Return what ends when: server certificates, issuers, revocation lists."""
        return self._loaded.expiries

    def seconds_left(self) -> dict[str, float]:
        """Return by kind (server, issuer, crl) in how many seconds the first of them ends."""
        now, left = self._clock.now(), dict[str, float]()
        for expiry in self.expiries:
            seconds = (expiry.at - now).total_seconds()
            left[expiry.kind] = min(seconds, left.get(expiry.kind, seconds))
        return left

    @property
    def interval_s(self) -> float:
        """Return how often `refresh` is to be called."""
        return self._settings.reload_s

    def authority(self, clock: Clock, random: Random) -> DirectoryAuthority | None:
        """Return the directory's own authority, if it has one."""
        if not self._authority.exists():
            return None
        return DirectoryAuthority(self._authority, clock, random, self._settings.station_days)

    def context(self, *, demand_certificate: bool) -> SwitchableContext:
        """Return a context for a listener, which follows the files; `ConfigError` where there is no certificate."""
        made = SwitchableContext(_context(self._loaded, demand_certificate=demand_certificate))
        self._contexts.append((made, demand_certificate))
        return made

    async def renew(self, random: Random) -> None:
        """Renew in time what the own authority has issued for the CSMS: its certificates and the revocation list."""
        if self._authority.exists():
            await asyncio.to_thread(self._renew, random)

    def _renew(self, random: Random) -> None:
        now = self._clock.now()
        for path in self._authority.renew_server(now=now, random=random, within=RENEW_SERVER):
            _LOGGER.info("server_certificate_renewed %s", path.name)
        if self._authority.crl_ends() < now + RENEW_CRL:
            self._authority.renew_crl(now=now)
            _LOGGER.info("revocation_list_renewed")

    async def refresh(self) -> bool:
        """Load what changed; returns whether anything did and could be used."""
        stamps = await asyncio.to_thread(self._stamps)
        if stamps == self._seen:
            return False
        self._seen = stamps
        try:
            loaded = await asyncio.to_thread(self._load)
            contexts = [_context(loaded, demand_certificate=demand) for _, demand in self._contexts]
        except WattsealError as error:
            self._count("tls_reload_failed")
            _LOGGER.warning("tls_reload_failed %s %s: the old files stay in force", error.code, error.subject)
            return False
        self._loaded = loaded
        for (switchable, _), fresh in zip(self._contexts, contexts, strict=True):
            switchable.current = fresh
        self._count("tls_reloaded")
        _LOGGER.info("tls_reloaded")
        return True

    def _identities(self) -> tuple[ServerIdentity, ...]:
        given = self._settings
        pairs = (
            ("certificate", given.certificate, given.key),
            ("rsa_certificate", given.rsa_certificate, given.rsa_key),
        )
        for name, certificate, key in pairs:
            if (certificate is None) != (key is None):
                raise ConfigError(
                    "a certificate and its key are set together", code="bad_server_certificate", subject=f"tls.{name}"
                )
        chosen = tuple(ServerIdentity(c, k) for _, c, k in pairs if c is not None and k is not None)
        return chosen or tuple(ServerIdentity(c, k) for c, k in self._authority.server_files())

    def _trust_files(self) -> tuple[Path, ...]:
        own = (self._authority.certificate,) if self._authority.certificate.exists() else ()
        return own if self._settings.client_ca is None else (*own, self._settings.client_ca)

    def _crl_files(self) -> tuple[Path, ...]:
        own = (self._authority.crl,) if self._authority.crl.exists() else ()
        return (*own, *self._settings.crl)

    def _stamps(self) -> tuple[tuple[str, int, int, int], ...]:
        files = {path for identity in self._identities() for path in (identity.certificate, identity.key)}
        return tuple(sorted(_stamp(path) for path in (*files, *self._trust_files(), *self._crl_files())))

    def _load(self) -> _Loaded:
        identities = self._identities()
        expiries = [Expiry("server", i.certificate.name, _read_bundle(i.certificate)[0].not_after) for i in identities]
        issuers: dict[str, Certificate] = {}
        for path in self._trust_files():
            for issuer in _read_bundle(path):
                _demand_authority(issuer, path)
                issuers[issuer.fingerprint] = issuer
                expiries.append(Expiry("issuer", path.name, issuer.not_after))
        revocations: dict[str, Revocations] = {}
        for path in self._crl_files():
            signer, listed = _read_crl(path, issuers)
            before = revocations.get(signer.fingerprint)
            revocations[signer.fingerprint] = listed if before is None else _united(before, listed)
            if listed.next_update is not None:
                expiries.append(Expiry("crl", path.name, listed.next_update))
        trust = StationTrust(tuple(issuers.values()), revocations, self._settings.organization)
        return _Loaded(identities, trust, tuple(expiries))


def make_proxies(settings: Tls) -> Proxies:
    """Return the proxies to believe; `ConfigError` for what is no address or network."""
    try:
        networks = tuple(ipaddress.ip_network(text) for text in settings.proxies)
    except ValueError as error:
        raise ConfigError(
            "write addresses or networks, such as 10.0.0.7 or 10.0.0.0/24", code="bad_proxy", subject="tls.proxies"
        ) from error
    header = settings.proxy_certificate
    return Proxies(networks, None if header is None else CertificateHeader(header.value))


def _context(loaded: _Loaded, *, demand_certificate: bool) -> SSLContext:
    if not loaded.identities:
        raise ConfigError(
            "there is no server certificate: set tls.certificate and tls.key, or make one with "
            "`wattseal keys ca issue-server`",
            code="no_server_certificate",
            subject="tls.certificate",
        )
    return server_context(loaded.identities, loaded.trust.issuers, demand_certificate=demand_certificate)


def _stamp(path: Path) -> tuple[str, int, int, int]:
    try:
        about = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), about.st_mtime_ns, about.st_size, about.st_ino


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", subject=str(path)) from error


def _read_bundle(path: Path) -> tuple[Certificate, ...]:
    try:
        return read_bundle(_read(path))
    except InputError as error:
        raise ConfigError(f"{path}: {error}", code=error.code, subject=str(path)) from error


def _read_crl(path: Path, issuers: dict[str, Certificate]) -> tuple[Certificate, Revocations]:
    try:
        return read_crl(_read(path), issuers.values())
    except InputError as error:
        raise ConfigError(f"{path}: {error}", code=error.code, subject=str(path)) from error


def _demand_authority(issuer: Certificate, path: Path) -> None:
    if not issuer.is_authority or not issuer.strong:
        raise ConfigError(
            f"{path} holds a certificate that may not issue others, or is too weak; list the issuers of station "
            "certificates, not the certificates",
            code="not_an_authority",
            subject=str(path),
        )


def _united(one: Revocations, other: Revocations) -> Revocations:
    return Revocations(one.revoked | other.revoked, one.next_update)
