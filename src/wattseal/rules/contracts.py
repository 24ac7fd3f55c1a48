"""Contract certificates of Plug and Charge (2.x C07): whose chain ends where it is trusted, and what is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wattseal.crypto.certificates import Certificate
from wattseal.crypto.paths import in_force, path_to
from wattseal.model.token import IdToken, TokenStatus

_CANCELLED = {TokenStatus.BLOCKED, TokenStatus.EXPIRED, TokenStatus.INVALID, TokenStatus.UNKNOWN}


class ChainStatus(StrEnum):
    """AuthorizeCertificateStatusEnumType, as far as a CSMS finds it out."""

    ACCEPTED = "Accepted"
    EXPIRED = "CertificateExpired"
    REVOKED = "CertificateRevoked"
    CHAIN_ERROR = "CertChainError"
    CANCELLED = "ContractCancelled"

    @property
    def token_status(self) -> TokenStatus:
        """What its idToken is told where the certificate is not good (C07.FR.15 to 17)."""
        return TokenStatus.EXPIRED if self is ChainStatus.EXPIRED else TokenStatus.INVALID


@dataclass(frozen=True, slots=True)
class Path:
    """A chain with the issuer of each certificate, or why there is none."""

    status: ChainStatus
    links: tuple[tuple[Certificate, Certificate], ...] = ()


def path_of(chain: Sequence[Certificate], roots: Sequence[Certificate], id_token: IdToken, now: datetime) -> Path:
    """Return the path from the contract certificate, the first of `chain`, to one of `roots` (RFC 5280, 6).

    The certificate is that of the token: its CN is the eMAID, compared without hyphens and case.
    """
    if not chain or _emaid(id_token.value) not in map(_emaid, chain[0].common_names):
        return Path(ChainStatus.CHAIN_ERROR)
    links = path_to(chain, roots)
    if links is None:
        return Path(ChainStatus.CHAIN_ERROR)
    return Path(ChainStatus.ACCEPTED if in_force(links, now) else ChainStatus.EXPIRED, links)


def _emaid(text: str) -> str:
    return text.replace("-", "").strip().casefold()


def contract_status(status: TokenStatus) -> ChainStatus:
    """Return what is told of a good certificate whose token has this status (C07.FR.13, 14)."""
    return ChainStatus.CANCELLED if status in _CANCELLED else ChainStatus.ACCEPTED
