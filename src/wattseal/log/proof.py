"""Offline proofs of logging (C2SP tlog-proof): index, inclusion proof and checkpoint in one text."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import repeat
from typing import Self

from msgspec import Struct

from wattseal.base.errors import InputError, LimitError
from wattseal.log import cosignature, note
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import Cosigned
from wattseal.log.keys import VerifierKey
from wattseal.log.merkle import MAX_PROOF, leaf_hash, verify_inclusion
from wattseal.log.note import MAX_NOTE
from wattseal.log.text import decode_base64, decode_decimal, decode_hash, encode_base64
from wattseal.model.verdict import Verdict

HEADER = "c2sp.org/tlog-proof@v1"
MAX_PROOF_BYTES = MAX_NOTE + 64 * 1024


class TlogProof(Struct, frozen=True, gc=False):
    """A parsed proof; nothing in it is verified yet. `extra` is opaque and never authenticated."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: SignedCheckpoint
    extra: bytes | None = None

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a proof; anything tlog-proof does not allow is an `InputError`."""
        if len(data) > MAX_PROOF_BYTES:
            raise LimitError(f"a proof has at most {MAX_PROOF_BYTES} bytes", subject="tlog-proof")
        head, blank, rest = data.partition(b"\n\n")
        if not blank:
            raise InputError("a proof ends in a checkpoint after an empty line", code="bad_proof", subject="tlog-proof")
        lines = note.check_text(head).split("\n")
        if lines.pop(0) != HEADER:
            raise InputError(f"a proof starts with {HEADER}", code="bad_proof", subject="header")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = decode_base64(lines.pop(0).removeprefix("extra "), "extra")
        if not lines or not lines[0].startswith("index "):
            raise InputError("a proof states its index", code="bad_proof", subject="index")
        index = decode_decimal(lines.pop(0).removeprefix("index "), "index")
        if len(lines) > MAX_PROOF:
            raise LimitError(f"a proof has at most {MAX_PROOF} hashes", subject="tlog-proof")
        hashes = tuple(map(decode_hash, lines, repeat("proof hash")))
        return cls(index, hashes, _checkpoint(rest), extra)

    def encode(self) -> bytes:
        """Return the proof as text; `parse` of it gives this proof again."""
        extra = [] if self.extra is None else [f"extra {encode_base64(self.extra)}"]
        lines = [HEADER, *extra, f"index {self.index}", *map(encode_base64, self.hashes), "", ""]
        return "\n".join(lines).encode() + self.checkpoint.encode()

    def includes(self, entry: bytes) -> bool:
        """Tell whether the inclusion proof binds `entry` to the checkpoint's root (step 4 of tlog-proof)."""
        at = self.checkpoint.checkpoint
        return verify_inclusion(leaf_hash(entry), self.index, at.size, self.hashes, at.root)


@lru_cache(maxsize=64)
def _checkpoint(data: bytes) -> SignedCheckpoint:
    """Parse a checkpoint; remembered, since the proofs of a charge, and of the next, mostly share one."""
    return SignedCheckpoint.parse(data)


@dataclass(frozen=True, slots=True)
class ProofChecked:
    """Result of `check`: the verdict, a reason code where it is not VALID, and the witnesses' verified words."""

    verdict: Verdict
    reason: str
    cosigned: tuple[Cosigned, ...]


def check(
    proof: TlogProof, entry: bytes, logs: Iterable[VerifierKey], witnesses: Iterable[VerifierKey]
) -> ProofChecked:
    """Verify a proof for a log entry by the steps of tlog-proof.

    `logs` are trusted log keys, each named as its origin; `witnesses` trusted cosignature keys. UNKNOWN_KEY: the log is
    not trusted (reason `unknown_log`). INVALID: `bad_log_signature` or `not_included`. How many cosignatures are
    enough, and from whom, is the caller's policy.
    """
    checkpoint = proof.checkpoint
    keys = [key for key in logs if key.name == checkpoint.checkpoint.origin]
    match note.check(checkpoint.note, keys).verdict:
        case Verdict.VALID:
            pass
        case Verdict.UNKNOWN_KEY:
            return ProofChecked(Verdict.UNKNOWN_KEY, "unknown_log", ())
        case _:
            return ProofChecked(Verdict.INVALID, "bad_log_signature", ())
    if not proof.includes(entry):
        return ProofChecked(Verdict.INVALID, "not_included", ())
    return ProofChecked(Verdict.VALID, "", cosignature.cosignatures(checkpoint.note, witnesses))
