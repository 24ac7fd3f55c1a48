"""Group OPS of ACCOUNT records (docs/spec/record.md, "Fields"): an account as it is after what was done to it.

Nobody's name is in it. Each record refers to the one before it about the same account.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import IntEnum
from typing import Any

from msgspec import Struct

from wattseal.model.account import AccountKind, AccountStatus
from wattseal.seal.dcbor import CborError
from wattseal.seal.reading import optional_from, optional_to_value, present


class AccountEvent(IntEnum):
    """What was done to an account."""

    OPENED = 0
    LIMIT_CHANGED = 1
    BLOCKED = 2
    UNBLOCKED = 3
    CLOSED = 4
    EXPORTED = 5
    EXPORT_LINK_MADE = 6
    ERASED = 7


_KINDS = tuple(AccountKind)
_STATUSES = tuple(AccountStatus)


class AccountSaid(Struct, frozen=True, gc=False):
    """What a record says of an account; `by` is whoever had it done, `limit` None is without limit."""

    event: AccountEvent
    account: str
    kind: AccountKind
    currency: str
    limit: Decimal | None
    status: AccountStatus
    by: str
    text: str = ""

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        fields = {
            1: int(self.event),
            2: self.account,
            3: _KINDS.index(self.kind),
            4: self.currency,
            5: optional_to_value(self.limit),
            6: _STATUSES.index(self.status),
            7: self.by,
            8: self.text or None,
        }
        return present(fields)

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "AccountSaid":
        """Read the group's fields; `CborError` names the one that is wrong."""
        texts = [fields.get(number) for number in (2, 4, 7)]
        match fields.get(1), fields.get(3), fields.get(6), texts, fields.get(8, ""):
            case int(event), int(kind), int(status), [str(account), str(currency), str(by)], str(text) if (
                event in set(AccountEvent) and 0 <= kind < len(_KINDS) and 0 <= status < len(_STATUSES)
            ):
                return AccountSaid(
                    event=AccountEvent(event),
                    account=account,
                    kind=_KINDS[kind],
                    currency=currency,
                    limit=optional_from(fields, 5, "limit"),
                    status=_STATUSES[status],
                    by=by,
                    text=text,
                )
            case _:
                text = "an account record says what was done to which account, how that is now, and by whom"
                raise CborError(text, subject="account")
