"""Statements: what became of an account's money in a time, posting by posting, beside its sessions.

The figures are the ledger's. What is held for a charge is still the customer's: setting it aside and giving it back is
no line. Sessions that cost nothing, or were taken back, move no money and are told all the same.
"""

from dataclasses import dataclass

from wattseal.flow.money.bills import bills_of_account
from wattseal.flow.money.bookkeeping import Line, all_postings
from wattseal.flow.money.invoice_list import invoices_of_account
from wattseal.flow.world import World
from wattseal.model.billing import Bill
from wattseal.model.invoice import Issued
from wattseal.model.ledger import Posting, PostingKind
from wattseal.rules.chart import customer, held

MAX_LINES = 10_000
"""Postings and sessions on a statement; `more` says that there are further ones: ask for a shorter time."""


@dataclass(frozen=True, slots=True)
class AccountStatement:
    """An account between two moments, in one currency; minor units, above zero for what the customer has with us.

    `held` is what of `closing` is set aside for charges.
    """

    opening: int
    lines: tuple[Line, ...]
    closing: int
    held: int
    sessions: tuple[Bill, ...]
    invoices: tuple[Issued, ...]
    more: bool = False

    def sums(self) -> dict[PostingKind, int]:
        """Return what each kind of posting came to."""
        found: dict[PostingKind, int] = {}
        for line in self.lines:
            kind = line.kept.posting.kind
            found[kind] = found.get(kind, 0) + line.amount
        return found


async def account_statement(world: World, account: str, currency: str, from_ms: int, to_ms: int) -> AccountStatement:
    """Return an account's statement from `from_ms` on and before `to_ms`."""
    free, aside = customer(account), held(account)
    opening = balance = set_aside = 0
    lines: list[Line] = []
    more = False
    async for kept in all_postings(world, free):
        posting = kept.posting
        if posting.currency != currency or posting.at_ms >= to_ms:
            continue
        set_aside += _moved(posting, aside)
        amount = _moved(posting, free) + _moved(posting, aside)
        balance += amount
        if posting.at_ms < from_ms:
            opening += amount
        elif amount and len(lines) < MAX_LINES:
            lines.append(Line(kept, amount, balance))
        else:
            more = more or bool(amount)
    sessions = [b async for b in bills_of_account(world, account, from_ms, to_ms) if b.currency == currency]
    issued = [
        one
        async for one in invoices_of_account(world, account)
        if one.currency == currency and from_ms <= one.at_ms < to_ms
    ]
    return AccountStatement(
        opening=opening,
        lines=tuple(lines),
        closing=balance,
        held=set_aside,
        sessions=tuple(sessions[:MAX_LINES]),
        invoices=tuple(issued),
        more=more or len(sessions) > MAX_LINES,
    )


def _moved(posting: Posting, account: str) -> int:
    """Return what a posting adds to an account that grows on the credit side."""
    return sum(t.amount * ((t.credit == account) - (t.debit == account)) for t in posting.transfers)
