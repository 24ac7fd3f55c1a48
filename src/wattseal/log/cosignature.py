"""Cosignatures (C2SP tlog-cosignature, cosignature/v1): a witness states what it saw of a log, and when."""

from collections.abc import Iterable
from dataclasses import dataclass

from wattseal.log import note
from wattseal.log.keys import TIMESTAMP_SIZE, SignatureType, SigningKey, VerifierKey
from wattseal.log.note import Checked, Note, Signature


@dataclass(frozen=True, slots=True)
class Cosigned:
    """A verified cosignature: whose, and its POSIX time in seconds."""

    key: VerifierKey
    time_s: int
    signature: Signature


def cosign(text: bytes, key: SigningKey, time_s: int) -> Signature:
    """Return the signature line of a witness over a checkpoint's note text."""
    return Signature(key.name, key.verifier.key_id, key.cosign(text, time_s))


def cosignatures(checkpoint: Note, keys: Iterable[VerifierKey]) -> tuple[Cosigned, ...]:
    """Return the verified cosignatures by `keys`, one a key.

    A line of a known witness that fails counts for nothing: a log cannot void the other witnesses' word with it.
    """
    return words(note.check(checkpoint, keys))


def words(checked: Checked) -> tuple[Cosigned, ...]:
    """Return the cosignatures among the lines that `note.check` verified."""
    return tuple(
        Cosigned(key, int.from_bytes(signature.signature[:TIMESTAMP_SIZE], "big"), signature)
        for key, signature in checked.good
        if key.kind is SignatureType.COSIGNATURE_ED25519
    )
