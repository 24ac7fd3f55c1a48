"""What somebody showed beyond a number, so that a charge may begin: it goes into the request as it came."""

from collections.abc import Callable
from dataclasses import dataclass

from wattseal.base.errors import InputError
from wattseal.flow.ports import Put
from wattseal.model.token import TokenRecord
from wattseal.seal.card import STALE
from wattseal.seal.chain import ChainHead


class OutdatedError(InputError):
    """Another record got between a challenge and the request that is to follow it: ask for another challenge."""

    code = STALE


@dataclass(frozen=True, slots=True)
class Shown:
    """`token` is charged to; `kind` and `data` are what was shown, `level` how sure that is, `reference` its hash.

    `spent` returns what is to be durable with the decision that lets it charge, by the subject of the records. Without
    a `level` it is not for this CPO to say. `follows` is the hash of the record that the request has to follow.
    """

    token: TokenRecord
    kind: str
    data: bytes
    level: str | None
    reference: bytes
    spent: Callable[[bytes], tuple[Put, ...]]
    follows: bytes | None = None

    @property
    def identified(self) -> tuple[str, bytes] | None:
        """What a decision of this CPO's says of it."""
        return None if self.level is None else (self.level, self.reference)

    def check_follows(self, head: ChainHead | None) -> None:
        """Raise `OutdatedError` where another record has been written since this was shown."""
        if self.follows is not None and (head is None or head.prev != self.follows):
            raise OutdatedError("another record has been written since the challenge", subject="prev")
