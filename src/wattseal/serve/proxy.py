"""What a trusted reverse proxy says of a connection that it took: who dialled, over TLS or not, with what certificate.

Only addresses of the list are believed, and of them one certificate header alone, the configured one: a proxy
overwrites what it knows, and a header it does not know may come from the station. From anybody else all is ignored.
Whether the station came over TLS the proxy alone can tell: its own way to here says nothing about that.
"""

import base64
import binascii
import ipaddress
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from wattseal.serve.websocket import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_HOPS = 16
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-proto")


class CertificateHeader(StrEnum):
    """The header in which a proxy passes a client's certificate on.

    `client-cert` is RFC 9440: the DER in base64 between colons. The others are PEM, percent-encoded: as such (nginx's
    `$ssl_client_escaped_cert`), or as `Cert="..."` of one element (Envoy, Traefik).
    """

    CLIENT_CERT = "client-cert"
    X_FORWARDED_CLIENT_CERT = "x-forwarded-client-cert"
    SSL_CLIENT_CERT = "ssl-client-cert"
    X_SSL_CLIENT_CERT = "x-ssl-client-cert"


@dataclass(frozen=True, slots=True)
class Came:
    """How a request came. `direct` says that no proxy is known to stand between."""

    remote: str
    secure: bool
    certificate: bytes | None
    direct: bool


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies to believe, and the header with the certificate; none by default."""

    networks: tuple[Network, ...] = ()
    header: CertificateHeader | None = None

    def came(self, request: Request) -> Came | None:
        """Return how `request` came; None where a trusted proxy's certificate header cannot be read."""
        if not self._trusted(request.remote):
            forwarded = any(request.header(name) is not None for name in _FORWARDED)
            return Came(request.remote, request.secure, request.certificate, direct=not forwarded)
        schemes = [s.strip().lower() for s in (request.header("x-forwarded-proto") or "").split(",")]
        secure = all(scheme in {"https", "wss"} for scheme in schemes)
        value = None if self.header is None else request.header(self.header)
        if not value or not secure:
            return Came(self._remote(request), secure, None, direct=False)
        certificate = _certificate(self.header, value)
        return None if certificate is None else Came(self._remote(request), secure, certificate, direct=False)

    def trusts(self, remote: str) -> bool:
        """Return whether what comes from an address may say where it came from before."""
        return self._trusted(remote)

    def _trusted(self, remote: str) -> bool:
        address = _address(remote)
        return address is not None and any(address in network for network in self.networks)

    def _remote(self, request: Request) -> str:
        """Return the nearest address that is no trusted proxy's: what stands further left anybody may have written."""
        hops = (request.header("x-forwarded-for") or "").split(",")[-MAX_HOPS:]
        found = request.remote
        for hop in reversed(hops):
            address = _address(hop)
            if address is None:
                return found
            found = str(address)
            if not self._trusted(found):
                return found
        return found


def _address(text: str) -> Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _certificate(header: CertificateHeader | None, value: str) -> bytes | None:
    """Return the DER or PEM in a header's value; None where it is not in the header's form, or there are several."""
    match header:
        case CertificateHeader.CLIENT_CERT:
            return _between_colons(value)
        case CertificateHeader.X_FORWARDED_CLIENT_CERT:
            return _pem(_element(value))
        case _:
            return _pem(value)


def _between_colons(value: str) -> bytes | None:
    if len(value) < 2 or value[0] != ":" or value[-1] != ":":
        return None
    try:
        return base64.b64decode(value[1:-1], validate=True) or None
    except (ValueError, binascii.Error):
        return None


def _element(value: str) -> str:
    """Return the Cert of an X-Forwarded-Client-Cert of one element; "" where there is none, or a second element."""
    if "," in value:
        return ""
    pairs = (pair.partition("=") for pair in value.split(";"))
    certificates = [text.strip().strip('"') for key, _, text in pairs if key.strip().lower() == "cert"]
    return certificates[0] if len(certificates) == 1 else ""


def _pem(value: str) -> bytes | None:
    text = unquote_to_bytes(value)
    return text if text.startswith(b"-----BEGIN CERTIFICATE-----") and text.count(b"-----BEGIN") == 1 else None
