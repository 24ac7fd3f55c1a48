"""The ledger re-proved: postings and balances as the POSTING records give them, against what the tables say."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from wattseal.base.errors import StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.ports import Journal, KeptPosting
from wattseal.model.ledger import Posting
from wattseal.model.verdict import Finding
from wattseal.seal.item import Item, Kind

PAGE = 500
_FIELDS = ("kind", "currency", "at_ms", "transfers", "subject", "refs", "memo", "record")


@dataclass(slots=True)
class RecordedLedger:
    """What the records say: postings by key, in the order they were committed, with what each account comes to."""

    origin: str
    postings: dict[str, Posting] = field(default_factory=dict)
    balances: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def take(self, item: Item, posting: Posting | None, where: str) -> Finding | None:
        """Take in what a record posts, if it is a posting of this ledger; return what is wrong with it."""
        if item.payload.kind != Kind.POSTING or item.payload.origin != self.origin:
            return None
        if item.signature is None:
            return Finding("posting_unsigned", where, "a posting is signed, or it is none")
        if posting is None:
            return Finding("content_unreadable", where, "the posting is not shown")
        if posting.key in self.postings:
            return Finding("posting_repeated", where, f"{posting.key} was posted before")
        self.postings[posting.key] = posting
        for transfer in posting.transfers:
            self._add(transfer.debit, posting.currency, transfer.amount, 0)
            self._add(transfer.credit, posting.currency, 0, transfer.amount)
        return None

    def _add(self, account: str, currency: str, debit: int, credit: int) -> None:
        debits, credits_ = self.balances.get((account, currency), (0, 0))
        self.balances[account, currency] = debits + debit, credits_ + credit


async def compare_ledger(journal: Journal, tenant: TenantId, recorded: RecordedLedger) -> tuple[Finding, ...]:
    """Compare every posting and balance in the tables with the one that the records give."""
    return (*await _compare_postings(journal, tenant, recorded), *await _compare_balances(journal, tenant, recorded))


async def _compare_postings(journal: Journal, tenant: TenantId, recorded: RecordedLedger) -> list[Finding]:
    found: list[Finding] = []
    due = {key: (number, posting) for number, (key, posting) in enumerate(recorded.postings.items(), 1)}
    after, size = 0, PAGE
    while True:
        try:
            page = await journal.postings(tenant, after=after, limit=size)
        except StoreError as error:
            if error.code != "posting_unreadable":
                raise
            if size == 1:
                found.append(Finding("posting_unreadable", f"posting {error.subject}", "a column holds what none does"))
                after, size = int(error.subject), PAGE
            else:
                size = 1  # find out which one it is
            continue
        if not page:
            break
        for kept in page:
            found.extend(_compare_posting(kept, due.pop(kept.posting.key, None)))
        after = page[-1].number
    found.extend(Finding("posting_missing", f"posting {key}", "its record is there") for key in due)
    return found


def _compare_posting(kept: KeptPosting, due: tuple[int, Posting] | None) -> Iterator[Finding]:
    where = f"posting {kept.posting.key}"
    if due is None:
        yield Finding("posting_without_record", where, f"number {kept.number}")
        return
    number, posting = due
    if number != kept.number:
        yield Finding("posting_differs", f"{where} field number", f"stored {kept.number}, by the records {number}")
    for name in _FIELDS:
        told, expected = getattr(kept.posting, name), getattr(posting, name)
        if told != expected:
            yield Finding("posting_differs", f"{where} field {name}", f"stored {told}, by its record {expected}")


async def _compare_balances(journal: Journal, tenant: TenantId, recorded: RecordedLedger) -> list[Finding]:
    found: list[Finding] = []
    due = dict(recorded.balances)
    after = ""
    try:
        while page := await journal.balances(tenant, after=after, limit=PAGE):
            for balance in page:
                told = balance.debits, balance.credits
                expected = due.pop((balance.account, balance.currency), (0, 0))
                if told != expected:
                    detail = (
                        f"stored {told[0]} debit and {told[1]} credit, by the records {expected[0]} and {expected[1]}"
                    )
                    found.append(Finding("balance_differs", f"balance {balance.place}", detail))
            after = page[-1].place
    except (StoreError, ValueError, TypeError) as error:
        return [*found, Finding("balances_unreadable", f"balances after {after!r}", type(error).__name__)]
    found.extend(Finding("balance_missing", f"balance {account} {currency}", "") for account, currency in due)
    return found
