"""TLS that an attacker ends himself: an authority and a server's certificate of his own making."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from wattseal.app.system import SystemClock, SystemRandom
from wattseal.stores.authority import AuthorityFiles

HOSTS = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class ForgedTls:
    """What he serves with, and what somebody would have to trust to believe him."""

    serves: ssl.SSLContext
    root: Path

    def believer(self) -> ssl.SSLContext:
        """Return what a client uses that trusts him, and only him."""
        return ssl.create_default_context(cafile=str(self.root))


def forge(folder: Path, hosts: tuple[str, ...] = HOSTS) -> ForgedTls:
    """Make it under a folder: the names in the certificate are right, who vouches for them is nobody."""
    authority, now = AuthorityFiles(folder), SystemClock().now()
    authority.make(name="somebody", organization="somebody", now=now, random=SystemRandom())
    authority.issue_server(hosts, now=now, random=SystemRandom())
    ((certificate, key),) = authority.server_files()
    serves = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    serves.load_cert_chain(certificate, key)
    return ForgedTls(serves, authority.certificate)
