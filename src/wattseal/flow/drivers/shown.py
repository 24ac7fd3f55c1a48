"""What somebody showed beyond a number, so that a charge may begin: it goes into the request as it came."""

from collections.abc import Callable
from dataclasses import dataclass

from wattseal.flow.ports import Put
from wattseal.model.token import TokenRecord


@dataclass(frozen=True, slots=True)
class Shown:
    """`token` is charged to; `kind` and `data` are what was shown, `level` how sure that is, `reference` its hash.

    `spent` returns what is to be durable with the decision that lets it charge, by the subject of the records.
    """

    token: TokenRecord
    kind: str
    data: bytes
    level: str
    reference: bytes
    spent: Callable[[bytes], tuple[Put, ...]]

    @property
    def identified(self) -> tuple[str, bytes]:
        """What a decision says of it."""
        return self.level, self.reference
