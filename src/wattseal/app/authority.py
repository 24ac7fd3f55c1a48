"""The data directory's authority at work: signs what stations ask for (port `CertificateAuthority`)."""

import asyncio
from datetime import datetime

from wattseal.crypto.signing_requests import SigningRequest
from wattseal.flow.ports import Clock, Random, SignedCertificate
from wattseal.stores.authority import AuthorityFiles


class DirectoryAuthority:
    """Signs with the key of a data directory, and keeps every certificate there."""

    def __init__(self, files: AuthorityFiles, clock: Clock, random: Random, days: int) -> None:
        """Read who it is; certificates last `days`."""
        self._files = files
        self._clock = clock
        self._random = random
        self._days = days
        self._organization = files.organization()
        self._hosts = files.hosts()

    @property
    def organization(self) -> str:
        """Return the O of what it issues."""
        return self._organization

    @property
    def hosts(self) -> tuple[str, ...]:
        """Return the names it has given the CSMS."""
        return self._hosts

    async def issue(self, request: SigningRequest) -> SignedCertificate:
        """Sign a request and keep the certificate, durably."""
        return await asyncio.to_thread(self._issue, request)

    async def revoke(self, serial: str) -> datetime:
        """Revoke a certificate; the signed list is on disk when this returns."""
        done = await asyncio.to_thread(self._files.revoke, serial, now=self._clock.now())
        return done.revoked_at or self._clock.now()

    def _issue(self, request: SigningRequest) -> SignedCertificate:
        made = self._files.issue_station(
            request.key,
            request.common_names[0],
            request.serial_numbers,
            now=self._clock.now(),
            random=self._random,
            days=self._days,
        )
        return SignedCertificate(made, self._files.with_chain(made).decode("ascii"))
