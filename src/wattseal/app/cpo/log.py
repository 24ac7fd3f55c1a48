"""The CPO's log as bundles need it: proofs and cosigners under the earliest checkpoint that enough parties cosigned."""

from collections.abc import Mapping

from wattseal.app.log_keeper import LogKeeper
from wattseal.log.checkpoint import SignedCheckpoint
from wattseal.log.cosignature import cosignatures
from wattseal.log.keys import VerifierKey

MAX_VERIFIED = 256
"""Checkpoints whose cosigners are remembered; the one verified first is forgotten."""


class LogProofs:
    """Port `Proofs`: `quorum` parties must have cosigned; a party's witness is known by its key."""

    def __init__(self, keeper: LogKeeper, witnesses: Mapping[str, VerifierKey], quorum: int) -> None:
        self._keeper = keeper
        self._parties = {key: party for party, key in witnesses.items()}
        self._quorum = quorum
        self._verified: dict[bytes, dict[str, int]] = {}

    async def proof(self, index: int) -> bytes | None:
        """Return the tlog-proof of an entry; None until a checkpoint that covers it is cosigned enough."""
        found = await self._keeper.proof(index, self._enough)
        return None if found is None else found.encode()

    async def cosigners(self, index: int) -> dict[str, int] | None:
        """Return who cosigned that checkpoint, party to Unix ms; None until there is one."""
        signed = await self._keeper.covering(index, self._enough)
        return None if signed is None else self._cosigned(signed)

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
