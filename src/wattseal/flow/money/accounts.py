"""Accounts of those who pay: each change is a signed record without a name; who they are is a document of its own."""

from dataclasses import replace
from decimal import Decimal

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import Subject
from wattseal.flow.documents import put, read, removal
from wattseal.flow.drivers.known_tokens import token_of
from wattseal.flow.money.held import holds_of
from wattseal.flow.money.records import money_ready, write_money
from wattseal.flow.ports import Batch
from wattseal.flow.step import Step
from wattseal.flow.world import MAX_ACCOUNTS, World
from wattseal.model.account import HOUSE, Account, AccountKind, AccountStatus, Payer
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.rules import chart
from wattseal.rules.recorded import read_item
from wattseal.seal.account import AccountEvent, AccountSaid
from wattseal.seal.item import Kind, parse_item

ACCOUNT, PAYER = "account", "payer"
"""Kinds of documents: accounts, by id; and who they are, by the account's `payer`, to be erased on its own."""
ID_BYTES = 16
"""Length of the random id of an account."""


class AccountError(InputError):
    """An account that cannot be had, or not so; the code says why."""


async def account_of(world: World, account_id: str) -> Account | None:
    """Return an account, from memory or the journal; `house` and eMSPs that nobody opened one for have none."""
    if account_id in world.accounts:
        return world.accounts[account_id]
    era = world.era
    document = await world.journal.document(world.tenant, ACCOUNT, account_id)
    if account_id in world.accounts:  # somebody has read it meanwhile, and may have changed it since
        return world.accounts[account_id]
    account = None if document is None else read(document, Account)
    if era == world.era:
        remember(world, account_id, account)
    return account


async def _ready(world: World, account_id: str) -> Account | None:
    """Return an account as it is now that its records can be written: nothing is to be awaited before they are.

    A commit of somebody else that fails meanwhile takes both from memory: an account that is there must not be opened.
    """
    while True:
        era = world.era
        await money_ready(world)
        known = await account_of(world, account_id)
        if era == world.era:
            return known


def remember(world: World, account_id: str, account: Account | None) -> None:
    """Keep an account in memory; the one read longest ago goes when there are too many."""
    world.accounts[account_id] = account
    if len(world.accounts) > MAX_ACCOUNTS:
        world.accounts.popitem(last=False)


async def list_accounts(world: World, after: str, limit: int) -> tuple[Account, ...]:
    """Return accounts in the order of their ids."""
    page = await world.journal.documents(world.tenant, ACCOUNT, after=after, limit=limit)
    return tuple(read(document, Account) for document in page)


async def open_account(
    world: World, wanted: Account, by: str, *, payer: Payer | None = None, text: str = ""
) -> Account:
    """Open an account; without an id it is given one. A partner's is the eMSP's party.

    Codes of the `AccountError`: `account_exists`, `bad_account` (an id for another kind than a partner's, or none for
    that; a limit where only what is there may be spent; none where there must be one).
    """
    partner = wanted.kind is AccountKind.PARTNER
    if partner is not bool(wanted.id) or wanted.id == HOUSE or "/" in wanted.id:
        text = "an eMSP's account has its party as its id; any other is given one"
        raise AccountError(text, code="bad_account", subject="id")
    if wanted.id and await account_of(world, wanted.id) is not None:
        raise AccountError("there is an account of this id", code="account_exists", subject="id")
    account_id = wanted.id or world.random.bytes(ID_BYTES).hex()
    made = replace(wanted, id=account_id, status=AccountStatus.OPEN, opened_ms=world.now_ms(), record=None)
    if payer is not None:
        made = replace(made, payer=world.random.bytes(ID_BYTES).hex())
    return await put_account(world, made, by, payer=payer, text=text)


async def open_ad_hoc(world: World, currency: str, by: str) -> Account:
    """Open the account of one charge that is paid on the spot; what was taken for it is then posted to it."""
    return await open_account(world, Account("", AccountKind.AD_HOC, currency, Decimal(0)), by)


async def balance_of(world: World, account: Account) -> tuple[int, int]:
    """Return what is on an account, what is held for charges not included, and what is held, in minor units."""
    places = (chart.customer(account.id), chart.held(account.id))
    await world.books.ready(account.currency, places)
    there_is, aside = (world.books.balance(place, account.currency) for place in places)
    return there_is, aside


async def put_account(
    world: World, account: Account, by: str, *, payer: Payer | None = None, text: str = ""
) -> Account:
    """Write down an account, new or changed, in one signed record for each thing that is new; durable on return.

    What has the account's id, kind or currency different is an `AccountError` (`not_changeable`), so is opening a
    closed one again (`account_closed`), or closing one that has money on it (`account_not_empty`). Two changes at the
    same time follow one another.
    """
    _check(account)
    if account.status is AccountStatus.CLOSED and any(await balance_of(world, account)):
        text = "something is on this account, or held, or owed; settle that first"
        raise AccountError(text, code="account_not_empty", subject="status")
    known = await _ready(world, account.id)
    events = _events(known, account)
    step = Step(world, "", world.now_ms())
    before = None if known is None else known.record
    for event in events:
        said = AccountSaid(event, account.id, account.kind, account.currency, account.limit, account.status, by, text)
        refs = () if before is None else (bytes.fromhex(before),)
        before = (await write_money(step, Kind.ACCOUNT, said.to_fields(), refs=refs)).hash.hex()
    kept = replace(account, record=before)
    step.puts.append(put(ACCOUNT, kept.id, kept, step.now_ms, active=kept.status is AccountStatus.OPEN))
    if payer is not None and kept.payer is not None:
        step.puts.append(put(PAYER, kept.payer, payer, step.now_ms))
    remember(world, kept.id, kept)
    try:
        await step.commit()
    except InputError:
        remember(world, account.id, known)
        raise
    return kept


async def change_account(
    world: World,
    account_id: str,
    by: str,
    *,
    limit: Decimal | None = None,
    status: AccountStatus | None = None,
    text: str = "",
) -> Account:
    """Change limit or status of an account (`no_such_account`); what is None stays as it is."""
    known = await account_of(world, account_id)
    if known is None:
        raise AccountError("there is no such account", code="no_such_account", subject="id")
    changed = replace(known, limit=known.limit if limit is None else limit, status=status or known.status)
    return await put_account(world, changed, by, text=text)


async def note_account(world: World, account_id: str, event: AccountEvent, by: str, text: str = "") -> Account:
    """Write down something that was done about an account and changes nothing of it (`no_such_account`)."""
    known = await _ready(world, account_id)
    if known is None:
        raise AccountError("there is no such account", code="no_such_account", subject="id")
    step = Step(world, "", world.now_ms())
    refs = () if known.record is None else (bytes.fromhex(known.record),)
    said = AccountSaid(event, known.id, known.kind, known.currency, known.limit, known.status, by, text)
    written = await write_money(step, Kind.ACCOUNT, said.to_fields(), refs=refs)
    kept = replace(known, record=written.hash.hex())
    step.puts.append(put(ACCOUNT, kept.id, kept, step.now_ms, active=kept.status is AccountStatus.OPEN))
    remember(world, kept.id, kept)
    try:
        await step.commit()
    except InputError:
        remember(world, known.id, known)
        raise
    return kept


async def put_payer(world: World, account_id: str, payer: Payer) -> Account:
    """Write down whom an account's invoices are made out to, over what was there."""
    account = await account_of(world, account_id)
    if account is None:
        raise AccountError("there is no such account", code="no_such_account", subject="id")
    kept = account if account.payer is not None else replace(account, payer=world.random.bytes(ID_BYTES).hex())
    puts = [put(PAYER, kept.payer or "", payer, world.now_ms())]
    puts.append(put(ACCOUNT, kept.id, kept, world.now_ms(), active=kept.status is AccountStatus.OPEN))
    remember(world, kept.id, kept)
    try:
        await world.journal.commit(Batch(world.tenant, puts=tuple(puts)))
    except StoreError:
        world.forget()
        raise
    return kept


async def payer_of(world: World, account: Account) -> Payer | None:
    """Return whom an account's invoices are made out to; None where that was never said, or was erased."""
    if account.payer is None:
        return None
    document = await world.journal.document(world.tenant, PAYER, account.payer)
    return None if document is None else read(document, Payer)


async def erase_payer(world: World, account_id: str) -> bool:
    """Erase who an account's payer is; the account stays. False where nothing was known."""
    account = await account_of(world, account_id)
    if account is None or account.payer is None or await payer_of(world, account) is None:
        return False
    await world.journal.commit(Batch(world.tenant, puts=(removal(PAYER, account.payer, world.now_ms()),)))
    return True


async def paying(world: World, transaction: Transaction) -> str:
    """Return the account that pays for a transaction: its token's when that was decided on, its eMSP's, or `house`.

    Whose token's account it was is told by its hold: what the card is given afterwards changes nothing. Of one that was
    refused nothing was held; what a person has billed all the same is paid by the account the card has now.
    """
    if transaction.party is not None and transaction.party != world.party:
        return transaction.party
    held = await holds_of(world, transaction.id)
    if held is not None:
        return held.account
    if transaction.authorization is TokenStatus.ACCEPTED:
        return HOUSE
    token = await _token_of(world, transaction)
    return HOUSE if token is None or token.account is None else token.account


async def _token_of(world: World, transaction: Transaction) -> TokenRecord | None:
    for kept in await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id))):
        if kept.item.kind != Kind.REQUEST:
            continue
        identity = read_item(parse_item(kept.item.item)).identity
        if identity is not None:
            return await token_of(world, IdToken(identity.id_token, identity.type).key())
    return None


def _check(account: Account) -> None:
    limit = account.limit
    match account.kind:
        case AccountKind.PREPAID | AccountKind.AD_HOC if limit != 0:
            text = "such an account spends what was paid beforehand: its limit is 0"
        case AccountKind.CREDIT if limit is None or limit < 0:
            text = "an account on credit has a limit of 0 or more"
        case AccountKind.PARTNER if limit is not None and limit < 0:
            text = "a limit is 0 or more"
        case _:
            return
    raise AccountError(text, code="bad_account", subject="limit")


def _events(known: Account | None, account: Account) -> list[AccountEvent]:
    if known is None:
        return [AccountEvent.OPENED]
    if (known.kind, known.currency) != (account.kind, account.currency):
        text = "kind and currency of an account stay what they are; open another one"
        raise AccountError(text, code="not_changeable", subject="currency")
    if known.status is AccountStatus.CLOSED and account != known:
        raise AccountError("this account is closed; open another one", code="account_closed", subject="status")
    events = [AccountEvent.LIMIT_CHANGED] if known.limit != account.limit else []
    if known.status is not account.status:
        events.append(_STATUS_EVENTS[account.status])
    return events


_STATUS_EVENTS = {
    AccountStatus.OPEN: AccountEvent.UNBLOCKED,
    AccountStatus.BLOCKED: AccountEvent.BLOCKED,
    AccountStatus.CLOSED: AccountEvent.CLOSED,
}
