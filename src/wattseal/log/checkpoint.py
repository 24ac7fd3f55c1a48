"""Checkpoints (C2SP tlog-checkpoint): a signed note that states a log's size and root."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from wattseal.base.errors import InputError
from wattseal.log import note
from wattseal.log.keys import SigningKey
from wattseal.log.note import Note, Signature
from wattseal.log.text import decode_decimal, decode_hash, encode_base64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Origin (the log's identity), size in leaves, root hash. `extensions` are read, never written by this product."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Read a note text of at least three non-empty lines; anything else is an `InputError`."""
        lines = note.check_text(text).split("\n")
        if lines.pop() or len(lines) < 3 or not all(lines):
            raise InputError("a checkpoint has three or more non-empty lines", code="bad_checkpoint", subject="lines")
        return cls(
            lines[0], decode_decimal(lines[1], "tree size"), decode_hash(lines[2], "root hash"), tuple(lines[3:])
        )

    def text(self) -> bytes:
        """Return the note text."""
        lines = (self.origin, str(self.size), encode_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines).encode()


@dataclass(frozen=True, slots=True)
class SignedCheckpoint:
    """A checkpoint with the note that carries it; parsed, not verified."""

    checkpoint: Checkpoint
    note: Note

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a signed checkpoint."""
        parsed = Note.parse(data)
        return cls(Checkpoint.parse(parsed.text), parsed)

    def encode(self) -> bytes:
        """Return its bytes."""
        return self.note.encode()

    def with_signatures(self, more: Iterable[Signature]) -> Self:
        """Return it with witnesses' lines added."""
        return type(self)(self.checkpoint, self.note.with_signatures(more))


def sign(checkpoint: Checkpoint, key: SigningKey) -> SignedCheckpoint:
    """Sign a checkpoint as its log.

    The key bears the origin's name; extension lines are refused because no monitor can audit them.
    """
    if checkpoint.extensions or checkpoint.origin != key.name:
        raise InputError("a log signs three lines under its own origin", code="bad_checkpoint", subject=key.name)
    return SignedCheckpoint(checkpoint, note.sign(checkpoint.text(), key))
