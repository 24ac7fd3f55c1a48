"""Signed statements that are not records: receipts, entries, consents, handovers, directories, app codes, commands.

Same envelope as a record (COSE_Sign1 with {1: alg, 4: kid}), each with a domain of its own in external_aad, so that a
signature made for one purpose verifies for no other.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wattseal.crypto.keys import PublicKey, SigningKey
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.item import Signature, parse_sign1, protected_header, to_be_signed, verify_once


class Domain(StrEnum):
    """What a statement is; the first element of its external_aad."""

    RECEIPT = "wattseal-receipt-v1"
    ENTRY = "wattseal-entry-v1"
    CONSENT = "wattseal-consent-v1"
    HANDOVER = "wattseal-handover-v1"
    DIRECTORY = "wattseal-directory-v1"
    APP_CODE = "wattseal-code-v1"
    COMMAND = "wattseal-command-v1"


_LASTING = frozenset({Domain.ENTRY, Domain.CONSENT, Domain.HANDOVER})
"""Statements met again in bundle after bundle: what was verified once is remembered."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed but unverified statement; `fields` is its payload map."""

    signature: Signature
    payload: bytes
    fields: dict[int, Any] = field(hash=False)

    def verify(self, key: PublicKey, domain: Domain, context: str) -> bool:
        """Return whether `key` made this statement in `domain` for `context` (a log origin or registry name)."""
        if self.signature.kid != key.kid or self.signature.algorithm != key.algorithm:
            return False
        aad = dcbor.encode([domain.value, context])
        message = to_be_signed(self.signature.protected, aad, self.payload)
        if domain in _LASTING:
            return verify_once(key, message, self.signature.signature)
        return key.verify(message, self.signature.signature)

    def to_value(self) -> Any:
        """Return the tagged value, ready to encode."""
        return dcbor.sign1([self.signature.protected, {}, self.payload, self.signature.signature])

    def encode(self) -> bytes:
        """Return the statement's bytes."""
        return dcbor.encode(self.to_value())


def sign(fields: dict[int, Any], key: SigningKey, domain: Domain, context: str) -> Statement:
    """Sign a payload map."""
    payload = dcbor.encode(fields)
    protected = protected_header(key.public)
    signature = key.sign(to_be_signed(protected, dcbor.encode([domain.value, context]), payload))
    return Statement(Signature(protected, signature, key.public.algorithm, key.public.kid), payload, fields)


def parse(data: bytes) -> Statement:
    """Parse the bytes of a statement; `CborError` names the field."""
    return statement_from(dcbor.decode(data))


def statement_from(value: Any) -> Statement:
    """Check the shape of a decoded statement."""
    signature, payload = parse_sign1(dcbor.untag(value))
    fields = dcbor.decode(payload)
    if type(fields) is not dict:
        raise CborError("a statement's payload is a map", subject="payload")
    return Statement(signature, payload, fields)
