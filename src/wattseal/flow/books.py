"""Balances in memory: what the ledger says, and what steps under way have posted on top of it."""

from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeVar

from wattseal.base.errors import StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.ports import Batch, Journal
from wattseal.model.ledger import Posting
from wattseal.rules.chart import Side, side_of

MAX_KNOWN = 200_000
"""Balances, and keys of postings, kept in memory; the ones not needed for longest go.

Far more than the postings of all steps touch that may be under way at once, so that none of theirs does."""
_CURRENCIES = 200
"""Currencies that an account may have."""

K = TypeVar("K")
V = TypeVar("V")
Place = tuple[str, str]
"""(account, currency)."""


class Books:
    """The balances that this process works with; it alone posts for its tenant.

    `ready` is awaited; from then on, as long as nothing else is awaited, `balance`, `posted` and a posting that follows
    from them belong together: no other step comes between.
    """

    def __init__(self, journal: Journal, tenant: TenantId) -> None:
        self._journal = journal
        self._tenant = tenant
        self._sums: OrderedDict[Place, int] = OrderedDict()
        """Debits less credits."""
        self._posted: OrderedDict[str, bool] = OrderedDict()
        self._era = 0
        self._unsure = False

    async def ready(self, currency: str, accounts: Iterable[str], keys: Iterable[str] = ()) -> None:
        """Learn the balances of `accounts` in a currency, and whether `keys` are posted."""
        if self._unsure:
            await self._settle()
        for account in accounts:
            await self._learn_balance((account, currency))
        for key in keys:
            await self._learn_key(key)

    def never_posted(self, key: str) -> None:
        """Take it that there is no posting with a key that has just been drawn at random."""
        if key not in self._posted:
            _put(self._posted, key, value=False)

    def balance(self, account: str, currency: str) -> int:
        """Return what an account has come to in minor units, on the side on which it grows, steps under way included.

        `StoreError` (`not_ready`) where `ready` was not asked for it, or memory was dropped meanwhile.
        """
        total = self._sum((account, currency))
        return total if side_of(account) is Side.DEBIT else -total

    def posted(self, key: str) -> bool:
        """Return whether there is a posting with that key, in steps under way included."""
        known = self._posted.get(key)
        if known is None:
            raise _not_ready(key)
        return known

    def check_ready(self, posting: Posting) -> None:
        """Raise `StoreError` where not all that `posting` touches is known."""
        self.posted(posting.key)
        for transfer in posting.transfers:
            self._sum((transfer.debit, posting.currency))
            self._sum((transfer.credit, posting.currency))

    def enter(self, posting: Posting) -> int:
        """Take a posting in, whose step is about to be committed; return what `take_back` wants to know."""
        self.check_ready(posting)
        self._add(posting, 1)
        _put(self._posted, posting.key, value=True)
        return self._era

    def take_back(self, posting: Posting, era: int) -> None:
        """Undo `enter` of a posting that was never committed; after `forget` there is nothing to undo."""
        if era == self._era:
            self._add(posting, -1)
            _put(self._posted, posting.key, value=False)

    def forget(self) -> None:
        """Drop everything; it is read from the journal again, once all that is under way has come through."""
        self._sums.clear()
        self._posted.clear()
        self._era += 1
        self._unsure = True

    async def _settle(self) -> None:
        """Wait until whatever was submitted is on the disk or refused: an empty batch comes after all of it."""
        era = self._era
        await self._journal.commit(Batch(self._tenant))
        if era == self._era:
            self._unsure = False

    async def _learn_balance(self, place: Place) -> None:
        if place in self._sums:
            self._sums.move_to_end(place)
            return
        era, (account, currency) = self._era, place
        found = await self._journal.balances(self._tenant, prefix=account, limit=_CURRENCIES)
        if era == self._era and place not in self._sums:
            sums = (b.debits - b.credits for b in found if (b.account, b.currency) == (account, currency))
            _put(self._sums, place, next(sums, 0))

    async def _learn_key(self, key: str) -> None:
        if key in self._posted:
            self._posted.move_to_end(key)
            return
        era = self._era
        found = await self._journal.posting(self._tenant, key)
        if era == self._era and key not in self._posted:
            _put(self._posted, key, value=found is not None)

    def _sum(self, place: Place) -> int:
        total = self._sums.get(place)
        if total is None:
            raise _not_ready(place[0])
        return total

    def _add(self, posting: Posting, sign: int) -> None:
        for transfer in posting.transfers:
            for account, amount in ((transfer.debit, transfer.amount), (transfer.credit, -transfer.amount)):
                place = account, posting.currency
                _put(self._sums, place, self._sums.get(place, 0) + sign * amount)


def _put(known: OrderedDict[K, V], key: K, value: V) -> None:
    known[key] = value
    known.move_to_end(key)
    if len(known) > MAX_KNOWN:
        known.popitem(last=False)


def _not_ready(subject: str) -> StoreError:
    return StoreError("the ledger was not asked for this, or memory was dropped", code="not_ready", subject=subject)
