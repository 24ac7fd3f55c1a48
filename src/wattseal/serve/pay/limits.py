"""How often one address may begin a payment, or show a bad code: a bucket of tokens each, a bounded number of them."""

from collections import OrderedDict

AT_ONCE = 6
"""So many at once from one address: a family at a charging park behind one router."""
REFILL_S = 60.0
"""One more each minute."""
MAX_ADDRESSES = 10_000
"""Addresses remembered; the one heard longest ago goes, and may begin anew."""


class Buckets:
    """Tokens by address."""

    def __init__(self) -> None:
        """Begin with full buckets."""
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, address: str, now_s: float) -> bool:
        """Return whether there is a token left, without taking it."""
        tokens, since_s = self._kept.get(address, (float(AT_ONCE), now_s))
        return tokens + max(0.0, now_s - since_s) / REFILL_S >= 1

    def take(self, address: str, now_s: float) -> bool:
        """Take a token; False where there is none left."""
        tokens, since_s = self._kept.pop(address, (float(AT_ONCE), now_s))
        tokens = min(AT_ONCE, tokens + max(0.0, now_s - since_s) / REFILL_S)
        allowed = tokens >= 1
        self._kept[address] = (tokens - 1 if allowed else tokens, now_s)
        if len(self._kept) > MAX_ADDRESSES:
            self._kept.popitem(last=False)
        return allowed
