"""The CPO as a party: which keys it holds, what they may sign, and what it believes on its own word."""

from dataclasses import dataclass, field

from wattseal.crypto.hpke import SealPrivateKey
from wattseal.crypto.keys import SigningKey
from wattseal.rules.enrolment import OWN_VERSION
from wattseal.seal.registry import Entry, Role, Use

KEY_NAMES = ("csms-sign", "csms-seal", "billing-sign", "log")
"""Names of the CPO's key files."""


@dataclass(frozen=True, slots=True)
class CpoKeys:
    """The CPO's private keys: records and receipts, sealing, own decisions and tariffs. The log's key is the log's."""

    csms: SigningKey = field(repr=False)
    seal: SealPrivateKey = field(repr=False)
    billing: SigningKey = field(repr=False)


def own_entries(party: str, keys: CpoKeys, from_ms: int = 0) -> tuple[Entry, ...]:
    """Return the entries to be enrolled for this CPO: what each of its keys is for."""

    def entry(origin: str, role: Role, spki: bytes, use: Use) -> Entry:
        return Entry(OWN_VERSION, origin, role, party, party, spki, use, from_ms)

    return (
        entry(f"{party}/*", Role.CSMS, keys.csms.public.spki, Use.SIGN),
        entry(f"{party}/*", Role.CSMS, keys.seal.public.spki, Use.SEAL),
        entry(f"{party}/billing", Role.BILLING, keys.billing.public.spki, Use.SIGN),
    )
