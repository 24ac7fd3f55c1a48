"""The enrolment registry's own side: a root key that says whose keys are whose (docs/spec/trust.md).

Run by somebody both sides trust, never by the CPO alone. A key that measures (meter, station, edge) is enrolled in
three moves: a request is written, an eMSP or vendor consents to it, the registry issues the entry.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from wattseal.base.errors import InputError
from wattseal.bundle.trust import LogKey, Root, Trust, WitnessKey
from wattseal.crypto.certificates import Certificate
from wattseal.crypto.keys import SigningKey
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.registry import Entry, Registry, entry_from, read_entry
from wattseal.seal.signed import Statement

REQUEST_DOMAIN = "wattseal-entry-request-v1"
_REMEDIES = {
    "no_consent_of_a_party_other_than_the_cpo": "a meter, station or edge needs the consent of an enrolled eMSP or "
    "vendor that is not the CPO; it gives it with `wattseal registry consent`",
    "key_reused_for_another_purpose": "this key is enrolled for another origin, role or use; make a new key",
    "revocation_cannot_be_taken_back": "this key is revoked; make a new key",
    "bad_key": "a signing key is Ed25519 or P-256, a sealing key X25519",
    "weak_key": "anybody can sign with or read under this key; make a new one",
}


class EnrolmentError(InputError):
    """The registry does not issue this entry; the text says what is missing."""

    code = "not_enrolled"


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """An entry that wants consent, for the registry called `registry`. The entry's version is not given yet (0)."""

    registry: str
    entry: Entry

    def encode(self) -> bytes:
        """Return the file's bytes."""
        return dcbor.encode([REQUEST_DOMAIN, self.registry, self.entry.fields()])

    @staticmethod
    def parse(data: bytes) -> "EnrolmentRequest":
        """Parse a request file; `CborError` says what is wrong."""
        match dcbor.decode(data):
            case [domain, str(registry), dict(fields)] if domain == REQUEST_DOMAIN:
                return EnrolmentRequest(registry, read_entry(fields))
        raise CborError("not an enrolment request; make one with `wattseal registry request`", subject="request")

    def consent(self, key: SigningKey) -> Statement:
        """Consent to it, as an enrolled eMSP or vendor."""
        return self.entry.consent(key, self.registry)


@dataclass(frozen=True, slots=True)
class Enrolments:
    """A registry: its name, its root key, and all it has issued, oldest first. `issue` and `revoke` return the next."""

    name: str
    root: SigningKey = field(repr=False)
    issued: tuple[Statement, ...] = ()

    @property
    def version(self) -> int:
        """The version of the newest entry; each entry has one of its own."""
        return max((entry_from(s).version for s in self.issued), default=0)

    def issue(self, entry: Entry, consents: Iterable[Statement] = ()) -> tuple[Statement, "Enrolments"]:
        """Sign an entry with the next version; whatever a verifier would refuse is an `EnrolmentError`."""
        numbered = replace(entry, version=self.version + 1, consents=(*entry.consents, *consents))
        statement = numbered.issue(self.root, self.name)
        refusals = self._registry().add_all([statement])
        if refusals:
            code = refusals[0].code
            raise EnrolmentError(_REMEDIES.get(code, code.replace("_", " ")), code=code, subject=entry.origin)
        return statement, replace(self, issued=(*self.issued, statement))

    def revoke(self, kid: bytes, revoked_ms: int) -> tuple[Statement, "Enrolments"]:
        """Sign the revocation of a key from `revoked_ms` on; records not witnessed before then are good no more."""
        known = [e for e in map(entry_from, self.issued) if e.kid == kid]
        if not known:
            raise EnrolmentError("this registry has not enrolled that key", code="unknown_key", subject=kid.hex())
        latest = max(known, key=lambda e: e.version)
        earliest = revoked_ms if latest.revoked_ms is None else min(revoked_ms, latest.revoked_ms)
        return self.issue(replace(latest, revoked_ms=earliest))

    def _registry(self) -> Registry:
        registry = Registry({self.name: self.root.public})
        registry.add_all(list(self.issued))
        return registry


def make_trust(
    enrolments: Enrolments,
    party: str,
    *,
    logs: Iterable[LogKey],
    witnesses: Iterable[WitnessKey],
    quorum: int,
    entries: Iterable[Statement],
    contract_roots: Iterable[Certificate] = (),
) -> Trust:
    """Build a trust file on this registry, run by `party`; a quorum the witnesses cannot reach is an `InputError`."""
    witness_keys = tuple(witnesses)
    if not 1 <= quorum <= len({w.party for w in witness_keys}):
        raise InputError("the quorum counts distinct witness parties: 1 to as many as there are", code="bad_quorum")
    unique = {statement.encode(): statement for statement in entries}
    root = Root(enrolments.name, enrolments.root.public, party)
    contracts = tuple(certificate.der for certificate in contract_roots)
    return Trust((root,), tuple(logs), witness_keys, quorum, tuple(unique.values()), contracts)
