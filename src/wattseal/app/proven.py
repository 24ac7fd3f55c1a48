"""Passwords that were proven before in this process: a herd that comes back need not be digested slowly again."""

import hmac
from collections import OrderedDict

MAX_PROVEN = 50_000
"""Stations remembered; the oldest goes, and is digested slowly when it comes again."""


class Proven:
    """What stations proved, as MACs under a key that dies with the process; never a password.

    A proof counts for the digest it was made against only: a password that was changed has to be proven anew. A wrong
    password is never recognised here, so that guessing stays as slow as it is.
    """

    def __init__(self, key: bytes) -> None:
        """Use a random `key` of 32 bytes."""
        self._key = key
        self._known: OrderedDict[str, bytes] = OrderedDict()

    def keep(self, station_id: str, digest: str, password: bytes) -> None:
        """Remember that `password` is the one of `digest`."""
        self._known[station_id] = self._mac(digest, password)
        self._known.move_to_end(station_id)
        if len(self._known) > MAX_PROVEN:
            self._known.popitem(last=False)

    def knows(self, station_id: str, digest: str, password: bytes) -> bool:
        """Return whether just this was proven before."""
        kept = self._known.get(station_id)
        return kept is not None and hmac.compare_digest(kept, self._mac(digest, password))

    def _mac(self, digest: str, password: bytes) -> bytes:
        return hmac.digest(self._key, digest.encode() + b"\0" + password, "sha256")
