"""Tokens with which a CSMS has a station begin, by signed command: asked about though no directory has them."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from wattseal.model.token import IdToken
from wattseal.wire.ocpp.tokens import named_token

STARTS = frozenset({"RemoteStartTransaction", "RequestStartTransaction"})
KEPT_MS = 600_000
"""So long a start may follow."""
MAX_KEPT = 64
"""Of more the oldest go."""


class Commanded:
    """The tokens, by their digests at this edge; forgotten with the process, as a start follows within minutes."""

    def __init__(self) -> None:
        """Begin with none."""
        self._until_ms: OrderedDict[bytes, int] = OrderedDict()

    def note(self, digest: Callable[[IdToken], bytes], call: tuple[str, Mapping[str, Any]], now_ms: int) -> None:
        """Take a command that has passed."""
        action, payload = call
        token = named_token(payload) if action in STARTS else None
        if token is None:
            return
        self._until_ms[digest(token)] = now_ms + KEPT_MS
        while len(self._until_ms) > MAX_KEPT:
            self._until_ms.popitem(last=False)

    def has(self, token: bytes, now_ms: int) -> bool:
        """Return whether a charge is to begin with it."""
        return self._until_ms.get(token, 0) > now_ms
