"""Accounts and holds re-proved: documents against the records about accounts, and against the ledger of the records."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import TenantId
from wattseal.flow.documents import every_document, read
from wattseal.flow.money.accounts import ACCOUNT
from wattseal.flow.money.held import HOLD
from wattseal.flow.ports import Journal
from wattseal.flow.replay_ledger import RecordedLedger
from wattseal.model.account import Account
from wattseal.model.held import Held
from wattseal.model.verdict import Finding
from wattseal.rules import chart
from wattseal.seal.account import AccountSaid
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind

_SAID = ("kind", "currency", "limit", "status")


@dataclass(slots=True)
class RecordedAccounts:
    """What the records say: by account its latest state, and the hash of the record that gives it."""

    origin: str
    accounts: dict[str, tuple[AccountSaid, str]] = field(default_factory=dict)

    def take(self, item: Item, where: str) -> Finding | None:
        """Take in a record, if it is about an account of this CPO; return what is wrong with it."""
        if item.payload.kind != Kind.ACCOUNT or item.payload.origin != self.origin:
            return None
        opened = open_box(item, int(Group.OPS), None) if Group.OPS in item.boxes else None
        try:
            said = AccountSaid.read(Content.decode(opened.content).fields) if isinstance(opened, Opening) else None
        except InputError as error:
            return Finding("content_unreadable", where, f"{error.code} {error.subject}")
        if said is None:
            return Finding("content_unreadable", where, "the account is not shown")
        before = self.accounts.get(said.account)
        self.accounts[said.account] = (said, item.hash.hex())
        named = [ref.hex() for ref in item.payload.refs]
        if named != ([] if before is None else [before[1]]):
            return Finding("account_record_differs", where, "it does not refer to the record before")
        return None


async def compare_accounts(
    journal: Journal, tenant: TenantId, recorded: RecordedAccounts, ledger: RecordedLedger
) -> tuple[Finding, ...]:
    """Compare every account with its latest record, and what is held on it with the charges it is held for."""
    found: list[Finding] = []
    due = dict(recorded.accounts)
    async for document in every_document(journal, tenant, ACCOUNT):
        try:
            account = read(document, Account)
        except StoreError as error:
            found.append(Finding("account_unreadable", f"account {document.key}", error.code))
            continue
        found.extend(_compare(account, due.pop(account.id, None)))
    found.extend(Finding("account_missing", f"account {account_id}", "its record is there") for account_id in due)
    return (*found, *await _compare_holds(journal, tenant, ledger))


def _compare(account: Account, due: tuple[AccountSaid, str] | None) -> Iterator[Finding]:
    where = f"account {account.id}"
    if due is None:
        yield Finding("account_without_record", where)
        return
    said, record = due
    if account.record != record:
        yield Finding("account_differs", f"{where} field record", f"stored {account.record}, the latest is {record}")
    for name in _SAID:
        told, expected = getattr(account, name), getattr(said, name)
        if told != expected:
            yield Finding("account_differs", f"{where} field {name}", f"stored {told}, by its record {expected}")


async def _compare_holds(journal: Journal, tenant: TenantId, ledger: RecordedLedger) -> list[Finding]:
    sums: dict[tuple[str, str], int] = {}
    async for document in every_document(journal, tenant, HOLD, active=True):
        try:
            held = read(document, Held)
        except (StoreError, msgspec.MsgspecError):
            return [Finding("hold_unreadable", f"hold {document.key}")]
        place = chart.held(held.account), held.currency
        sums[place] = sums.get(place, 0) + held.amount
    prefix = chart.held("")
    booked = {place: c - d for place, (d, c) in ledger.balances.items() if place[0].startswith(prefix)}
    found = []
    for place in sorted(sums.keys() | booked.keys()):
        aside, there_is = sums.get(place, 0), booked.get(place, 0)
        if aside != there_is:
            found.append(Finding("held_differs", f"balance {place[0]} {place[1]}", f"{aside} held, {there_is} booked"))
    return found
