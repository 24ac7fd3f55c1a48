"""Which sessions are an account's: those that it pays for, or would have to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from wattseal.base.errors import LimitError
from wattseal.flow.charges.charged_token import charged_token
from wattseal.flow.documents import TOKEN, TRANSACTION, every_document, read
from wattseal.flow.money.bills import bills_of_account
from wattseal.flow.money.held import HOLD, holds_of
from wattseal.flow.world import World
from wattseal.model.account import Account
from wattseal.model.held import Held
from wattseal.model.invoice import SUBJECT_DIGITS
from wattseal.model.token import TokenRecord, TokenStatus
from wattseal.model.transaction import Transaction

MAX_SESSIONS = 20_000
"""Sessions in one archive; an account with more is refused (`export_too_large`)."""
MAX_CARDS = 10_000


@dataclass(slots=True)
class Belongings:
    """What finds everything of an account: its cards, its sessions in the order of time, and their stations' numbers.

    A session is (when it was first heard of, our id); it is all that is kept of each in memory. `since` is by card when
    what is kept of it was last written (ms): from then on it is known to have been this account's.
    """

    account: Account
    cards: list[TokenRecord] = field(default_factory=list)
    since: dict[str, int] = field(default_factory=dict)
    sessions: list[tuple[int, str]] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    numbers: set[tuple[str, str]] = field(default_factory=set)

    def had(self, card: str, at_ms: int) -> bool:
        """Return whether a card, in the form it is looked up by, is known to have been the account's at that time."""
        return card in self.since and self.since[card] <= at_ms

    def took(self, station_id: str, transaction_id: str | None) -> bool:
        """Return whether a station's number of a transaction is one of these sessions."""
        return transaction_id is not None and (station_id.casefold(), transaction_id) in self.numbers


async def belongings_of(world: World, account: Account) -> Belongings:
    """Find an account's cards and sessions; every session of the journal is looked at, a page at a time."""
    found = Belongings(account)
    async for document in every_document(world.journal, world.tenant, TOKEN):
        token = read(document, TokenRecord)
        if token.account == account.id:
            found.cards.append(token)
            found.since[document.key] = document.updated_at_ms
            _bounded(found.cards, MAX_CARDS)
    billed = {bill.id[:SUBJECT_DIGITS] async for bill in bills_of_account(world, account.id)}
    held = {one.id async for one in holds_on(world, account)}
    async for document in every_document(world.journal, world.tenant, TRANSACTION):
        transaction = read(document, Transaction)
        if document.key in billed or document.key in held or await _would_pay(world, found, transaction):
            found.sessions.append((transaction.recorded_ms, transaction.id))
            _bounded(found.sessions, MAX_SESSIONS)
            found.ids.add(transaction.id)
            if transaction.transaction_id is not None:
                found.numbers.add((transaction.station_id.casefold(), transaction.transaction_id))
    found.sessions.sort()
    return found


async def holds_on(world: World, account: Account) -> AsyncIterator[Held]:
    """Yield what is or was held on an account, by the ids of the charges."""
    async for document in every_document(world.journal, world.tenant, HOLD):
        held = read(document, Held)
        if held.account == account.id:
            yield held


async def _would_pay(world: World, found: Belongings, transaction: Transaction) -> bool:
    """Return whether nothing was held or billed and it is the account's all the same: its card was refused.

    Where the card was changed since, whose it was is not known, and the session nobody's.
    """
    if transaction.authorization is TokenStatus.ACCEPTED or transaction.party not in {None, world.party}:
        return False
    if not found.since or await holds_of(world, transaction.id) is not None:
        return False
    token = await charged_token(world, transaction)
    return token is not None and found.had(token.key(), transaction.recorded_ms)


def _bounded(found: list[TokenRecord] | list[tuple[int, str]], most: int) -> None:
    if len(found) > most:
        text = f"an archive holds at most {most} of them; fetch this account's sessions and bills page by page"
        raise LimitError(text, code="export_too_large", subject="account")
