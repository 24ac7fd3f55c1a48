"""Posting: a record on the ledger's chain and rows in its tables, durable with the step they are part of."""

from dataclasses import replace

from wattseal.flow.money.records import append_money
from wattseal.flow.step import Step
from wattseal.model.ledger import Posting
from wattseal.rules.postings import check_posting
from wattseal.seal.item import Kind
from wattseal.seal.posting import posting_fields


def accounts_of(posting: Posting) -> tuple[str, ...]:
    """Return the accounts that a posting touches, each once: what `Books.ready` is to be asked for."""
    both = (account for transfer in posting.transfers for account in (transfer.debit, transfer.credit))
    return tuple(dict.fromkeys(both))


def post(step: Step, posting: Posting) -> bool:
    """Make a posting part of a step; False where its key is posted already, and then nothing is done.

    `money_ready` and `books.ready`, with the posting's key and accounts, have been awaited before, and nothing since.
    `InputError` where it is not well formed, `StoreError` where memory was dropped meanwhile.
    """
    check_posting(posting)
    books = step.world.books
    books.check_ready(posting)
    if books.posted(posting.key):
        return False
    subject = None if posting.subject is None else bytes.fromhex(posting.subject)
    refs = tuple(map(bytes.fromhex, posting.refs))
    written = append_money(step, Kind.POSTING, posting_fields(posting), refs=refs, subject=subject)
    step.post(replace(posting, record=written.hash.hex()))
    return True
