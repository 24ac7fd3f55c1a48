"""The witness (C2SP tlog-witness): requests, and the pure decision to cosign a checkpoint or to refuse it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

from wattseal.base.errors import InputError, LimitError
from wattseal.log import note
from wattseal.log.checkpoint import Checkpoint, SignedCheckpoint
from wattseal.log.cosignature import cosign
from wattseal.log.keys import SignatureType, SigningKey, VerifierKey
from wattseal.log.merkle import EMPTY_ROOT, MAX_PROOF, verify_consistency
from wattseal.log.note import MAX_NOTE, Note
from wattseal.log.text import decode_decimal, decode_hash, encode_base64
from wattseal.model.verdict import Verdict

MAX_REQUEST = MAX_NOTE + 8 * 1024
PLAIN = "text/plain; charset=utf-8"
SIZE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """An add-checkpoint request: the size the witness is thought to know, the proof from there, the new checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: SignedCheckpoint

    @classmethod
    def parse(cls, body: bytes) -> Self:
        """Read a request body; anything tlog-witness does not allow is an `InputError`."""
        if len(body) > MAX_REQUEST:
            raise LimitError(f"a request has at most {MAX_REQUEST} bytes", subject="add-checkpoint")
        head, blank, rest = body.partition(b"\n\n")
        note.check_text(head)
        first, *lines = head.decode().split("\n")
        if not blank or not first.startswith("old "):
            raise InputError("a request is an old size, a proof, an empty line, a checkpoint", code="bad_request")
        if len(lines) > MAX_PROOF:
            raise LimitError(f"a request has at most {MAX_PROOF} proof lines", subject="add-checkpoint")
        old = decode_decimal(first.removeprefix("old "), "old size")
        return cls(old, tuple(decode_hash(line, "proof hash") for line in lines), SignedCheckpoint.parse(rest))

    def encode(self) -> bytes:
        """Return the request body."""
        lines = [f"old {self.old}", *map(encode_base64, self.proof), "", ""]
        return "\n".join(lines).encode() + self.checkpoint.encode()


@dataclass(frozen=True, slots=True)
class WitnessResponse:
    """An HTTP answer. `update` is the checkpoint to store *before* a 200 leaves, with the log's and own signatures."""

    status: int
    content_type: str
    body: bytes
    update: SignedCheckpoint | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness: its cosignature key and the log keys it trusts, by origin.

    It holds no state: the latest cosigned checkpoint of an origin is read through a callback, and whoever calls must
    hold a lock from that reading until `update` is durable, or a slower request could roll a log back.
    """

    key: SigningKey
    logs: Mapping[str, tuple[VerifierKey, ...]]

    def __post_init__(self) -> None:
        if self.key.kind is not SignatureType.COSIGNATURE_ED25519:
            raise InputError("a witness needs a cosignature key", code="wrong_key_type", subject=self.key.name)

    def add_checkpoint(
        self, body: bytes, latest: Callable[[str], SignedCheckpoint | None], now_s: int
    ) -> WitnessResponse:
        """Decide on one request in the order of tlog-witness, "add-checkpoint".

        400 malformed, or old size above the checkpoint's; 404 unknown origin; 403 no or a failing signature of a
        trusted key; 409 old size is not the latest (the body tells it); 422 the proof or an equal size's root does
        not fit; 200 with the cosignature line.
        """
        try:
            request = AddCheckpoint.parse(body)
        except InputError as error:
            return _refuse(400, str(error))
        return self._decide(request, latest, now_s)

    def _decide(
        self, request: AddCheckpoint, latest: Callable[[str], SignedCheckpoint | None], now_s: int
    ) -> WitnessResponse:
        new = request.checkpoint.checkpoint
        keys = self.logs.get(new.origin)
        if keys is None:
            return _refuse(404, "unknown origin")
        checked = note.check(request.checkpoint.note, keys)
        if checked.verdict is not Verdict.VALID:
            return _refuse(403, "no valid signature of a trusted key, or one that fails")
        if request.old > new.size:
            return _refuse(400, "the old size is above the checkpoint's")
        known = latest(new.origin)
        known_size = known.checkpoint.size if known else 0
        if request.old != known_size:
            return WitnessResponse(409, SIZE, b"%d\n" % known_size)
        if not _extends(known.checkpoint if known else None, new, request.proof):
            return _refuse(422, "the checkpoint is not proven to extend the latest one")
        line = cosign(request.checkpoint.note.text, self.key, now_s)
        own = Note(request.checkpoint.note.text, (*(signature for _, signature in checked.good), line))
        return WitnessResponse(200, PLAIN, line.line().encode(), SignedCheckpoint(new, own))


def origin_hash(origin: str) -> str:
    """Return the hex SHA-256 of an origin, its name in the monitoring path `/<origin hash>/checkpoint`."""
    return sha256(origin.encode()).hexdigest()


def logs_by_origin(keys: Iterable[VerifierKey]) -> dict[str, tuple[VerifierKey, ...]]:
    """Group log keys by origin; only log keys (type 0x01) are accepted, each named as its origin."""
    logs: dict[str, tuple[VerifierKey, ...]] = {}
    for key in keys:
        if key.kind is not SignatureType.ED25519:
            raise InputError(
                "a log is trusted by its own key, not a witness's", code="wrong_key_type", subject=key.name
            )
        logs[key.name] = (*logs.get(key.name, ()), key)
    return logs


def _extends(known: Checkpoint | None, new: Checkpoint, proof: tuple[bytes, ...]) -> bool:
    if new.size == 0 and new.root != EMPTY_ROOT:
        return False
    old_size, old_root = (known.size, known.root) if known else (0, EMPTY_ROOT)
    return verify_consistency(old_size, new.size, proof, old_root, new.root)


def _refuse(status: int, why: str) -> WitnessResponse:
    return WitnessResponse(status, PLAIN, f"{why}\n".encode())
