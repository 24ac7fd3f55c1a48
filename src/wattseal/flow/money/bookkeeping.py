"""What a person posts by hand, and reading the books: statements, the balance sheet, the journal as rows."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from wattseal.base.errors import InputError
from wattseal.flow.money.accounts import account_of
from wattseal.flow.money.ledger import accounts_of, post
from wattseal.flow.money.records import money_ready
from wattseal.flow.ports import KeptPosting
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.ledger import Balance, Posting, PostingKind
from wattseal.rules.bookkeeping import (
    Wanted,
    check_covered,
    check_reversible,
    manual_posting,
    memo_of,
    reversal_of,
    same_content,
)
from wattseal.rules.chart import Side, side_of
from wattseal.rules.holding import in_units

PAGE = 500
LATEST_MS = 10**15 - 1
COLUMNS = (
    "number", "date", "key", "kind", "debit", "credit", "amount", "currency", "memo", "subject", "record",
)  # fmt: skip
"""Of the journal as a table: one row a transfer."""

Row = tuple[int, str, str, str, str, str, Decimal, str, str, str | None, str]


async def post_by_hand(world: World, wanted: Wanted) -> KeptPosting:
    """Post what a person wants, durable on return; what is posted already is returned as it is.

    Codes of the `InputError`: those of `rules.bookkeeping`, `no_such_account`, `wrong_currency`, `posted_differently`.
    """
    posting = manual_posting(wanted, world.now_ms())
    await _check_customer(world, wanted)
    await _ready(world, posting)
    if not world.books.posted(posting.key):
        check_covered(wanted, world.books.balance(wanted.account, wanted.currency))
        step = Step(world, "", world.now_ms())
        post(step, posting)
        await step.commit()
        world.count(f"ledger_{posting.kind.value}")
    return await _same(world, posting)


async def reverse_by_hand(world: World, key: str, person: str, reason: str) -> KeptPosting:
    """Take a posting back that a person made (`no_such_posting`, `not_by_hand`), durable on return; once."""
    kept = await world.journal.posting(world.tenant, key)
    if kept is None:
        raise InputError("nothing is posted under this key", code="no_such_posting", subject="key")
    check_reversible(kept.posting)
    posting = reversal_of(kept.posting, world.now_ms(), memo_of(person, reason))
    await _ready(world, posting)
    step = Step(world, "", world.now_ms())
    if post(step, posting):
        await step.commit()
        world.count("ledger_reversal")
    return await _same(world, posting)


async def _check_customer(world: World, wanted: Wanted) -> None:
    kind, _, account_id = wanted.account.partition("/")
    if kind != "customer":
        return
    account = await account_of(world, account_id)
    if account is None:
        raise InputError("there is no such customer; open the account first", code="no_such_account", subject="account")
    if account.currency != wanted.currency:
        text = f"this account is in {account.currency}"
        raise InputError(text, code="wrong_currency", subject="currency")


async def _ready(world: World, posting: Posting) -> None:
    await money_ready(world)
    await world.books.ready(posting.currency, accounts_of(posting), (posting.key,))


async def _same(world: World, posting: Posting) -> KeptPosting:
    kept = await world.journal.posting(world.tenant, posting.key)
    if kept is None or not same_content(kept.posting, posting):
        text = "something else is posted under this reference; take another one, or reverse that"
        raise InputError(text, code="posted_differently", subject="reference")
    return kept


async def all_postings(world: World, account: str | None = None) -> AsyncIterator[KeptPosting]:
    """Yield postings in the order of commits, those that move money of `account` where one is named."""
    after = 0
    while page := await world.journal.postings(world.tenant, account=account, after=after, limit=PAGE):
        for kept in page:
            yield kept
        after = page[-1].number


async def all_balances(world: World, prefix: str = "") -> AsyncIterator[Balance]:
    """Yield balances by account and currency."""
    after = ""
    while page := await world.journal.balances(world.tenant, prefix=prefix, after=after, limit=PAGE):
        for balance in page:
            yield balance
        after = page[-1].place


@dataclass(frozen=True, slots=True)
class Line:
    """One posting on a statement: what it adds to the account and what that then has, on the side on which it grows."""

    kept: KeptPosting
    amount: int
    balance: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account between two moments, in one currency; minor units, on the side on which the account grows.

    `more` says that there are further lines after the last one; `closing` is then the balance after that.
    """

    account: str
    currency: str
    opening: int
    lines: tuple[Line, ...]
    closing: int
    more: bool = False


async def statement(
    world: World,
    account: str,
    currency: str,
    from_ms: int = 0,
    to_ms: int = LATEST_MS,
    *,
    limit: int = 1000,
    after: int = 0,
) -> Statement:
    """Return what was posted to an account from `from_ms` on and before `to_ms`, behind the posting number `after`."""
    grows = 1 if side_of(account) is Side.DEBIT else -1
    balance, opening, lines = 0, 0, list[Line]()
    async for kept in all_postings(world, account):
        posting = kept.posting
        if posting.currency != currency or posting.at_ms >= to_ms:
            continue
        amount = grows * sum(t.amount * ((t.debit == account) - (t.credit == account)) for t in posting.transfers)
        if posting.at_ms < from_ms or kept.number <= after:
            balance = opening = balance + amount
            continue
        if len(lines) == limit:
            return Statement(account, currency, opening, tuple(lines), balance, more=True)
        balance += amount
        lines.append(Line(kept, amount, balance))
    return Statement(account, currency, opening, tuple(lines), balance)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One currency's books: what each class of accounts has come to, debits less credits; `total` is what is left over.

    A total that is not 0 cannot come from postings: somebody has changed the database.
    """

    currency: str
    classes: dict[str, int]
    debits: int
    credits: int

    @property
    def total(self) -> int:
        """Return debits less credits of everything."""
        return self.debits - self.credits


async def balance_sheets(world: World) -> tuple[Sheet, ...]:
    """Return each currency's balance sheet."""
    sheets: dict[str, Sheet] = {}
    async for balance in all_balances(world):
        sheet = sheets.get(balance.currency) or Sheet(balance.currency, {}, 0, 0)
        name, net = balance.account.partition("/")[0], balance.debits - balance.credits
        classes = sheet.classes | {name: sheet.classes.get(name, 0) + net}
        sheets[balance.currency] = Sheet(
            balance.currency, classes, sheet.debits + balance.debits, sheet.credits + balance.credits
        )
    return tuple(sheets[currency] for currency in sorted(sheets))


async def journal_rows(world: World, from_ms: int = 0, to_ms: int = LATEST_MS) -> AsyncIterator[Row]:
    """Yield the journal from `from_ms` on and before `to_ms` as rows of `COLUMNS`, in the order of commits."""
    async for kept in all_postings(world):
        if from_ms <= kept.posting.at_ms < to_ms:
            for row in rows_of(kept):
                yield row


def rows_of(kept: KeptPosting) -> tuple[Row, ...]:
    """Return a posting's rows, one a transfer; amounts in units of the currency, times in UTC."""
    posting = kept.posting
    date = datetime.fromtimestamp(posting.at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return tuple(
        (
            kept.number,
            date,
            posting.key,
            posting.kind.value,
            transfer.debit,
            transfer.credit,
            in_units(transfer.amount, posting.currency),
            posting.currency,
            posting.memo,
            posting.subject,
            posting.record or "",
        )
        for transfer in posting.transfers
    )


MANUAL_KINDS = (
    PostingKind.OPENING, PostingKind.TOP_UP, PostingKind.PAYMENT, PostingKind.PAYOUT, PostingKind.WRITE_OFF,
)  # fmt: skip
"""What a person may post."""
