"""Signed notes (C2SP signed-note): text, a blank line, signature lines. Strictly parsed, bytes kept as they came."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from wattseal.base.errors import InputError, LimitError
from wattseal.log.keys import SigningKey, VerifierKey
from wattseal.log.text import check_key_name, decode_base64, encode_base64
from wattseal.model.verdict import Verdict

MAX_NOTE = 256 * 1024
"""Bytes; room for 16 post-quantum signatures and more."""
MAX_SIGNATURES = 64
_DASH = "— "


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who claims to have signed (name and 4-byte id), and the signature after the id."""

    name: str
    key_id: bytes
    signature: bytes

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read one line without its newline."""
        if not line.startswith(_DASH):
            raise InputError("a signature line starts with an em dash and a space", code="bad_note", subject=line[:80])
        name, _, encoded = line.removeprefix(_DASH).partition(" ")
        data = decode_base64(encoded, "signature")
        if len(data) < 5:
            raise InputError("a signature is longer than its key id", code="bad_note", subject=name[:80])
        return cls(check_key_name(name), data[:4], data[4:])

    def line(self) -> str:
        """Return the line with its newline."""
        return f"{_DASH}{self.name} {encode_base64(self.key_id + self.signature)}\n"

    def names(self, key: VerifierKey) -> bool:
        """Tell whether this line claims to be by `key`: name and id, both."""
        return self.name == key.name and self.key_id == key.key_id


@dataclass(frozen=True, slots=True)
class Note:
    """A parsed note. `text` ends in a newline and is what the signatures are over. Not yet verified: see `check`."""

    text: bytes
    signatures: tuple[Signature, ...]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a note; anything signed-note does not allow is an `InputError`, more than the limits a `LimitError`."""
        if len(data) > MAX_NOTE:
            raise LimitError(f"a note has at most {MAX_NOTE} bytes", subject="note")
        check_text(data)
        split = data.rfind(b"\n\n")
        if split < 0 or not data.endswith(b"\n") or split + 2 == len(data):
            raise InputError("a note is text, a blank line and signature lines", code="bad_note", subject="note")
        lines = data[split + 2 : -1].decode().split("\n")
        if len(lines) > MAX_SIGNATURES:
            raise LimitError(f"a note has at most {MAX_SIGNATURES} signatures", subject="note")
        return cls(data[: split + 1], tuple(Signature.parse(line) for line in lines))

    def encode(self) -> bytes:
        """Return the note as bytes; `parse` of it gives this note again."""
        return self.text + b"\n" + "".join(signature.line() for signature in self.signatures).encode()

    def with_signatures(self, more: Iterable[Signature]) -> Self:
        """Return the note with `more` signatures; those it has already are not doubled."""
        return type(self)(self.text, tuple(dict.fromkeys((*self.signatures, *more))))


@dataclass(frozen=True, slots=True)
class Checked:
    """What the known keys say of a note.

    VALID: at least one known key signed and none failed. INVALID: a line of a known key fails (`failed` names it).
    UNKNOWN_KEY: no line is by a known key. `good` holds each verified line with its key, one a key.
    """

    verdict: Verdict
    good: tuple[tuple[VerifierKey, Signature], ...]
    failed: tuple[VerifierKey, ...]


_CONTROLS = bytes(set(range(0x20)) - {0x0A})


def check_text(data: bytes) -> str:
    """Return `data` as text; `InputError` unless it is UTF-8 without control characters other than newline."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise InputError("a note is UTF-8 text", code="bad_note", subject="note") from error
    if len(data.translate(None, _CONTROLS)) != len(data):
        raise InputError("a note holds no control characters", code="bad_note", subject="note")
    return text


def sign(text: bytes, key: SigningKey) -> Note:
    """Return the note of `text` (ending in a newline) signed by `key`."""
    check_text(text)
    if not text.endswith(b"\n"):
        raise InputError("a note's text ends in a newline", code="bad_note", subject="note")
    return Note(text, (Signature(key.name, key.verifier.key_id, key.sign(text)),))


def check(note: Note, keys: Iterable[VerifierKey]) -> Checked:
    """Verify every line that claims to be by one of `keys`; lines of others say nothing (signed-note, Signatures)."""
    known = {(key.name, key.key_id): key for key in keys}
    good: dict[VerifierKey, Signature] = {}
    failed: dict[VerifierKey, None] = {}
    for signature in note.signatures:
        key = known.get((signature.name, signature.key_id))
        if key is None:
            continue
        if key.verify(note.text, signature.signature):
            good.setdefault(key, signature)
        else:
            failed[key] = None
    verdict = Verdict.INVALID if failed else Verdict.VALID if good else Verdict.UNKNOWN_KEY
    return Checked(verdict, tuple(good.items()), tuple(failed))
