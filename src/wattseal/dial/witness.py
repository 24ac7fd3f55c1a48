"""Ask witnesses to cosign a checkpoint (client of C2SP tlog-witness)."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import ClientError, ClientSession, ClientTimeout

from wattseal.base.errors import InputError
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import Cosigned, cosignatures
from wattseal.log.keys import VerifierKey
from wattseal.log.note import Signature
from wattseal.log.text import decode_decimal
from wattseal.log.witness import SIZE, AddCheckpoint

MAX_ANSWER = 64 * 1024
_TRIES = 3
"""One for the size last known, one after a 409, one more if somebody else submitted in between."""

ConsistencyProofs = Callable[[int, int], tuple[bytes, ...]]
"""`(old, new) -> proof`; may block on a disk: it is called off the event loop."""


@dataclass(frozen=True, slots=True)
class WitnessPeer:
    """A witness to ask: its submission prefix (`http://127.0.0.1:8201`) and the key its cosignatures must bear."""

    url: str
    key: VerifierKey


class Outcome(StrEnum):
    """What came of asking one witness."""

    COSIGNED = "cosigned"
    AHEAD = "ahead"
    """The witness has cosigned a larger tree than this: this checkpoint is old, or the log was rolled back."""
    INCONSISTENT = "inconsistent"
    """The witness has cosigned a tree that this one does not extend: the log forked. Stop and look."""
    REFUSED = "refused"
    """It does not know the log or its key (404, 403), or finds the request malformed (400)."""
    BAD_ANSWER = "bad_answer"
    """It answered, but with no valid cosignature under the expected key."""
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Asked:
    """The result for one witness: `cosigned` where it cosigned; `size` the size it says it knows (AHEAD)."""

    peer: WitnessPeer
    outcome: Outcome
    cosigned: Cosigned | None = None
    size: int | None = None
    detail: str = ""


class WitnessClient:
    """Asks several witnesses at once and remembers which size each has seen, to save the 409."""

    def __init__(self, session: ClientSession, peers: Iterable[WitnessPeer], timeout_s: float = 10) -> None:
        self._session = session
        self._peers = tuple(peers)
        self._timeout = ClientTimeout(total=timeout_s)
        self._known: dict[WitnessPeer, int] = {}

    async def collect(self, signed: SignedCheckpoint, proofs: ConsistencyProofs) -> tuple[Asked, ...]:
        """Ask every witness, each on its own clock; the result has one `Asked` a peer, in their order."""
        return tuple(await asyncio.gather(*(self._ask(peer, signed, proofs) for peer in self._peers)))

    async def _ask(self, peer: WitnessPeer, signed: SignedCheckpoint, proofs: ConsistencyProofs) -> Asked:
        size = signed.checkpoint.size
        old = self._known.get(peer, 0)
        for _ in range(_TRIES):
            if old > size:
                return Asked(peer, Outcome.AHEAD, size=old)
            body = AddCheckpoint(old, await asyncio.to_thread(proofs, old, size), signed).encode()
            try:
                status, kind, answer = await self._post(peer, body)
            except (ClientError, TimeoutError, OSError) as error:
                return Asked(peer, Outcome.UNREACHABLE, detail=type(error).__name__)
            if status == 409 and kind == SIZE:
                try:
                    old = decode_decimal(answer.decode().removesuffix("\n"), "tree size")
                except (ValueError, InputError):
                    return Asked(peer, Outcome.BAD_ANSWER, detail="409 without a size")
                self._known[peer] = old
                continue
            result = _judge(peer, signed, status, answer)
            if result.outcome is Outcome.COSIGNED:
                self._known[peer] = size
            return result
        return Asked(peer, Outcome.UNREACHABLE, size=old, detail="its size kept changing")

    async def _post(self, peer: WitnessPeer, body: bytes) -> tuple[int, str, bytes]:
        url = f"{peer.url.rstrip('/')}/add-checkpoint"
        async with self._session.post(url, data=body, timeout=self._timeout, allow_redirects=False) as response:
            answer = bytearray()
            async for part in response.content.iter_any():
                answer += part
                if len(answer) > MAX_ANSWER:
                    return response.status, response.content_type, b""
            return response.status, response.content_type, bytes(answer)


def with_cosignatures(signed: SignedCheckpoint, asked: Iterable[Asked]) -> SignedCheckpoint:
    """Return the checkpoint with the lines of all who cosigned."""
    return signed.with_signatures(one.cosigned.signature for one in asked if one.cosigned is not None)


def _judge(peer: WitnessPeer, signed: SignedCheckpoint, status: int, answer: bytes) -> Asked:
    match status:
        case 200:
            return _verify(peer, signed, answer)
        case 422:
            return Asked(peer, Outcome.INCONSISTENT, detail=_brief(answer))
        case 400 | 403 | 404:
            return Asked(peer, Outcome.REFUSED, detail=f"{status} {_brief(answer)}")
        case _:
            return Asked(peer, Outcome.UNREACHABLE, detail=f"{status} {_brief(answer)}")


def _verify(peer: WitnessPeer, signed: SignedCheckpoint, answer: bytes) -> Asked:
    """Take the expected key's cosignature out of an answer; lines of other keys are ignored."""
    try:
        lines = [Signature.parse(line) for line in answer.decode().removesuffix("\n").split("\n")]
    except (ValueError, InputError):
        return Asked(peer, Outcome.BAD_ANSWER, detail="not signature lines")
    alone = type(signed.note)(signed.note.text, tuple(lines))
    found = [one for one in cosignatures(alone, [peer.key]) if one.time_s > 0]
    if not found:
        return Asked(peer, Outcome.BAD_ANSWER, detail="no valid cosignature of the expected key")
    return Asked(peer, Outcome.COSIGNED, found[0])


def _brief(answer: bytes) -> str:
    """Return the printable start of an answer, for people."""
    return "".join(char for char in answer[:120].decode(errors="replace") if char.isprintable())
