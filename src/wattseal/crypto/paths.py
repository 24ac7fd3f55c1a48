"""The path from a certificate to a root that is trusted (RFC 5280, 6), among the certificates shown with it."""

from collections.abc import Sequence
from datetime import datetime

from wattseal.crypto.certificates import Certificate

MAX_CHAIN = 4
"""A contract certificate and its sub-CAs: ISO 15118 has two of them, and a root."""
Links = tuple[tuple[Certificate, Certificate], ...]
"""Each certificate with its issuer, the last issuer a root."""


def path_to(chain: Sequence[Certificate], roots: Sequence[Certificate]) -> Links | None:
    """Return the path from the first of `chain` to one of `roots`, None where there is none.

    Every issuer is an authority whose key verifies; every certificate on the way has a strong key and digest. Times are
    judged by `in_force`.
    """
    if not chain or len(chain) > MAX_CHAIN + 1:
        return None
    links: list[tuple[Certificate, Certificate]] = []
    current = chain[0]
    while len(links) <= MAX_CHAIN:
        root = next((r for r in roots if r.is_authority and current.issued_by(r)), None)
        above = root or next((c for c in chain if c.is_authority and c is not current and current.issued_by(c)), None)
        if above is None or not current.strong:
            return None
        links.append((current, above))
        if root is not None:
            return tuple(links)
        current = above
    return None


def in_force(links: Links, now: datetime) -> bool:
    """Return whether every certificate of a path, the root included, is valid at `now`."""
    return all(c.not_before <= now <= c.not_after for link in links for c in link)
