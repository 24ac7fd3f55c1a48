"""The CPO's log as bundles need it: proofs and cosigners under the earliest checkpoint that enough parties cosigned."""

from bisect import bisect_right, insort
from collections.abc import Mapping

from wattseal.app.log_keeper import LogKeeper
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import cosignatures
from wattseal.log.keys import VerifierKey

MAX_VERIFIED = 256
"""Checkpoints whose cosigners are remembered; the one verified first is forgotten."""
MAX_FOUND = 256
"""Checkpoints remembered with the entries they are the earliest for; the smallest is forgotten."""


class LogProofs:
    """Port `Proofs`: `quorum` parties must have cosigned; a party's witness is known by its key."""

    def __init__(self, keeper: LogKeeper, witnesses: Mapping[str, VerifierKey], quorum: int) -> None:
        self._keeper = keeper
        self._parties = {key: party for party, key in witnesses.items()}
        self._quorum = quorum
        self._verified: dict[bytes, dict[str, int]] = {}
        self._found: dict[int, tuple[int, SignedCheckpoint]] = {}
        self._sizes: list[int] = []

    async def proof(self, index: int) -> bytes | None:
        """Return the tlog-proof of an entry; None until a checkpoint that covers it is cosigned enough."""
        found = await self._keeper.proof(index, self._enough)
        return None if found is None else found.encode()

    async def cosigners(self, index: int) -> dict[str, int] | None:
        """Return who cosigned that checkpoint, party to Unix ms; None until there is one."""
        signed = self._known(index) or await self._keeper.covering(index, self._enough)
        if signed is None:
            return None
        self._remember(index, signed)
        return self._cosigned(signed)

    def state(self) -> int:
        """Return how often a checkpoint was kept; 0 without witnesses, whatever is kept."""
        return self._keeper.kept if self._parties else 0

    def _known(self, index: int) -> SignedCheckpoint | None:
        """Return the earliest checkpoint of an entry where it was found for an entry before it already."""
        place = bisect_right(self._sizes, index)
        if place == len(self._sizes):
            return None
        since, signed = self._found[self._sizes[place]]
        return signed if since <= index else None

    def _remember(self, index: int, signed: SignedCheckpoint) -> None:
        """Keep that this is the earliest for all entries from `index` on that it covers.

        It stays the earliest: witnesses are asked about the newest checkpoint only. Without a quorum it is enough
        before it is cosigned, and is asked for anew.
        """
        if self._parties and not self._quorum:
            return
        size = signed.checkpoint.size
        if size not in self._found:
            insort(self._sizes, size)
            if len(self._sizes) > MAX_FOUND:
                self._found.pop(self._sizes.pop(0), None)
                if size < self._sizes[0]:
                    return
        since, _ = self._found.get(size, (index, signed))
        self._found[size] = min(index, since), signed

    def _enough(self, signed: SignedCheckpoint) -> bool:
        return len(self._cosigned(signed)) >= self._quorum

    def _cosigned(self, signed: SignedCheckpoint) -> dict[str, int]:
        """Return who cosigned; each checkpoint is verified once, for one covers many sessions."""
        spelt = signed.encode()
        found = self._verified.get(spelt)
        if found is None:
            found = {self._parties[one.key]: one.time_s * 1000 for one in cosignatures(signed.note, self._parties)}
            if len(self._verified) >= MAX_VERIFIED:
                del self._verified[next(iter(self._verified))]
            self._verified[spelt] = found
        return found
