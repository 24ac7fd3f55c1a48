"""TLS for stations: what is negotiated, and a context that can be exchanged while connections live on.

TLS 1.2 and 1.3, without compression, renegotiation or session tickets. Of TLS 1.2 the suites that OCPP names (2.0.1,
part 2, A00.FR.318 and 421) and their ECDHE forms for RSA; the two with RSA key exchange, which have no forward secrecy,
can be negotiated only where an RSA certificate is configured.
"""

import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from wattseal.base.errors import ConfigError
from wattseal.crypto.certificates import Certificate

CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
)
"""TLS 1.2, in OpenSSL's words; the last two are TLS_RSA_WITH_AES_128_GCM_SHA256 and ..._256_GCM_SHA384."""


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """The files of a server certificate with its chain, and of its private key, both PEM."""

    certificate: Path
    key: Path


def server_context(
    identities: Iterable[ServerIdentity], issuers: Iterable[Certificate] = (), *, demand_certificate: bool = False
) -> ssl.SSLContext:
    """Return a context for stations.

    With `issuers` a certificate is asked for, and one that leads to none of them ends the handshake; with
    `demand_certificate` so does showing none. `ConfigError` where a file cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
    context.num_tickets = 0
    context.set_ciphers(":".join(CIPHERS))
    for identity in identities:
        _load(context, identity)
    trusted = "".join(issuer.pem().decode("ascii") for issuer in issuers)
    if trusted:
        context.load_verify_locations(cadata=trusted)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.verify_mode = ssl.CERT_REQUIRED if demand_certificate else ssl.CERT_OPTIONAL
    elif demand_certificate:
        raise ConfigError(
            "certificates of stations are demanded, but nobody may issue them: set tls.client_ca, or make an authority "
            "with `wattseal keys ca init`",
            code="no_client_ca",
            subject="tls.client_ca",
        )
    return context


def _load(context: ssl.SSLContext, identity: ServerIdentity) -> None:
    try:
        context.load_cert_chain(identity.certificate, identity.key, password=lambda: "")
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) else getattr(error, "strerror", None)
        raise ConfigError(
            f"cannot use {identity.certificate} with the key {identity.key}: {reason or 'not readable'}; both are PEM, "
            "the key belongs to the first certificate and is not encrypted",
            code="bad_server_certificate",
            subject=str(identity.certificate),
        ) from error


class SwitchableContext(ssl.SSLContext):
    """A context for a listener that stays: each handshake takes the `current` one, living connections keep theirs."""

    current: ssl.SSLContext

    def __new__(cls, current: ssl.SSLContext) -> Self:
        """Begin with `current`."""
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made.current = current
        return made

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:
        """Begin a handshake under the current context; asyncio and uvloop begin all of theirs here."""
        return self.current.wrap_bio(*arguments, **options)
