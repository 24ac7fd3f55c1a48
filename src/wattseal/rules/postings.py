"""What may be posted: the form of a posting, before it becomes a record and rows."""

import re

from wattseal.base.errors import InputError
from wattseal.model.ledger import Posting, Transfer
from wattseal.rules.chart import side_of

MAX_AMOUNT = 10**15
"""Minor units that one transfer may move."""
MAX_TRANSFERS = 200
MAX_REFS = 16
MAX_MEMO = 500
"""Characters of a memo."""
_KEY = re.compile(r"[!-~]{1,200}")
_ACCOUNT = re.compile(r"[!-~]{3,100}")
_CURRENCY = re.compile(r"[A-Z]{3}")


def check_posting(posting: Posting) -> None:
    """Raise `InputError` where a posting is not of the form that records and tables hold.

    Codes: `bad_posting` (subject: the part that is wrong), `bad_transfer`, `no_such_account`.
    """
    wrong = (
        "key" if not _KEY.fullmatch(posting.key) else None,
        "currency" if not _CURRENCY.fullmatch(posting.currency) else None,
        "at_ms" if not 0 <= posting.at_ms < 2**53 else None,
        "transfers" if not 0 < len(posting.transfers) <= MAX_TRANSFERS else None,
        "refs" if len(posting.refs) > MAX_REFS or not all(map(_is_hash, posting.refs)) else None,
        "memo" if len(posting.memo) > MAX_MEMO or not posting.memo.isprintable() else None,
    )
    for part in wrong:
        if part is not None:
            raise InputError(
                f"{part} of a posting is missing, too long or not well formed", code="bad_posting", subject=part
            )
    for transfer in posting.transfers:
        _check_transfer(transfer)


def _check_transfer(transfer: Transfer) -> None:
    for account in (transfer.debit, transfer.credit):
        if not _ACCOUNT.fullmatch(account):
            raise InputError(f"there is no account {account[:80]!r}", code="no_such_account", subject="account")
        side_of(account)
    if not 0 < transfer.amount <= MAX_AMOUNT:
        text = f"a transfer moves at least 1 and at most {MAX_AMOUNT} minor units"
        raise InputError(text, code="bad_transfer", subject="amount")
    if transfer.debit == transfer.credit:
        raise InputError("a transfer goes to another account", code="bad_transfer", subject="credit")


def _is_hash(text: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", text) is not None
