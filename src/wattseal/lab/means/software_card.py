"""A driver's card in software: it answers challenges with a key that never leaves it."""

from wattseal.app.system import SystemRandom
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.model.token import IdToken


class SoftwareCard:
    """What a card of its kind does: tell its number and public key, and sign what it is challenged with."""

    __slots__ = ("_key", "token")

    def __init__(self, number: str, seed: bytes | None = None, algorithm: Algorithm = Algorithm.ESP256) -> None:
        """Make a card; `seed` (32 bytes) makes the same one again, for examples."""
        self.token = IdToken(number, "ISO14443")
        self._key = SigningKey.from_seed(algorithm, seed or SystemRandom().bytes(32))

    @property
    def spki(self) -> bytes:
        """The public key, as whoever issues the card enrols it."""
        return self._key.public.spki

    def answer(self, challenge: bytes) -> bytes:
        """Sign a challenge: 64 bytes."""
        return self._key.sign(challenge)
