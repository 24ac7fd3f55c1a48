"""Money set aside for charges: placed with the decision, extended while the car charges, given back with the bill.

Each move is a posting between `customer/ID` and `held/ID` and a document, in one step. What the balance says and the
posting that follows from it have nothing awaited in between: two charges never share the same money.
"""

from collections.abc import Callable

import msgspec

from wattseal.base.errors import InputError
from wattseal.flow.claims import claimed
from wattseal.flow.documents import TRANSACTION, UNBILLED, every_document, read
from wattseal.flow.memory import Grant
from wattseal.flow.money import ledger
from wattseal.flow.money.accounts import account_of
from wattseal.flow.money.held import HOLD, holds_of, put_held
from wattseal.flow.money.records import money_ready
from wattseal.flow.money.tariffs import tariff_by_record
from wattseal.flow.ports import Put
from wattseal.flow.step import Step
from wattseal.flow.world import MAX_CAPS, World
from wattseal.model.account import Account, AccountStatus
from wattseal.model.held import Held, HeldState
from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.model.tariff import CurrentTariff, Tariff
from wattseal.model.token import TokenRecord, TokenStatus
from wattseal.model.transaction import Billing, Transaction
from wattseal.rules import chart
from wattseal.rules.affordable import affordable_wh
from wattseal.rules.hold_policy import Homeless
from wattseal.rules.holding import in_units, room, to_hold, whole_minor
from wattseal.rules.postings import MAX_MEMO

__all__ = ["holds_of"]
BY_HAND = "by hand: "
"""How the memo of what a person gives back begins, before who it was."""
LEEWAY_MS = 60_000
"""A grant that ran out may still be on its way into a start for so long."""
QUARTER_MS = 900_000


class Backing(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a charge to be decided on; `refusal` says that nothing does.

    No `account` is the house, which holds nothing. `known` is what was held for the same charge before, `number` is
    that of the hold posting to come.
    """

    refusal: TokenStatus | None = None
    account: Account | None = None
    known: Held | None = None
    number: int = 1
    tariff: CurrentTariff | None = None
    terms: Tariff | None = None


async def backing_of(
    world: World, token: TokenRecord, tariff: CurrentTariff | None, subject: bytes, *, drawn: bool
) -> Backing:
    """Return what stands behind a charge; from here to the commit nothing more has to be awaited for its money.

    Where its subject was `drawn` just now nothing can have been held for it, and nothing is looked up.
    """
    terms = None if tariff is None else await tariff_by_record(world, tariff.record)
    if token.account is None:
        refuse = world.settings.billing.holds.without_account is Homeless.REFUSE
        return Backing(refusal=TokenStatus.INVALID if refuse else None, tariff=tariff, terms=terms)
    account = await account_of(world, token.account)
    refusal = _refusal(account, terms)
    if account is None or refusal is not None:
        return Backing(refusal=refusal)
    known = None if drawn else await holds_of(world, subject.hex())
    number = 1 if known is None else known.count + 1
    await _ready(world, account, hold_key(subject.hex(), number), drawn=drawn)
    return Backing(account=account, known=known, number=number, tariff=tariff, terms=terms)


def _refusal(account: Account | None, terms: Tariff | None) -> TokenStatus | None:
    if account is None or account.status is AccountStatus.CLOSED:
        return TokenStatus.INVALID
    if account.status is AccountStatus.BLOCKED:
        return TokenStatus.BLOCKED
    other = terms is not None and terms.currency != account.currency
    return TokenStatus.NO_CREDIT if other else None


async def refuses_partner(world: World, party: str) -> bool:
    """Return whether this CPO charges nobody of an eMSP at present: its account is blocked or closed."""
    account = await account_of(world, party)
    return account is not None and account.status is not AccountStatus.OPEN


async def _ready(world: World, account: Account, key: str, *, drawn: bool = False) -> None:
    await money_ready(world)
    if drawn:
        world.books.never_posted(key)
    await world.books.ready(account.currency, _places(account.id), (key,))


def _places(account_id: str) -> tuple[str, str]:
    return chart.customer(account_id), chart.held(account_id)


def hold_key(transaction_id: str, number: int) -> str:
    """Return the key of a charge's hold postings, counted from 1."""
    return f"hold/{transaction_id}/{number}"


def amount_for(world: World, backing: Backing, *, at_all: bool = False) -> int | None:
    """Return what is held for a charge in minor units, as the books are now; None where there is too little.

    With `at_all` the charge has happened: what there is is held, be it nothing.
    """
    account = backing.account
    if account is None or (backing.known is not None and backing.known.open):
        return 0
    account = world.accounts.get(account.id) or account
    if account.status is not AccountStatus.OPEN and not at_all:
        return None
    policy, currency = world.settings.billing.holds, account.currency
    least = 1 if at_all else whole_minor(policy.least_hold, currency)
    amount = to_hold(whole_minor(policy.hold, currency), _room(world, account), least)
    return 0 if amount is None and at_all else amount


def _room(world: World, account: Account) -> int | None:
    limit = None if account.limit is None else whole_minor(account.limit, account.currency)
    return room(world.books.balance(chart.customer(account.id), account.currency), limit)


def cap_for(world: World, backing: Backing, amount: int, now_ms: int) -> int | None:
    """Return how much energy a hold buys; None where nothing is held: the house charges without a cap."""
    account, known = backing.account, backing.known
    if account is None:
        return None
    if known is not None and known.open:
        amount = known.amount
    most_wh = world.settings.billing.holds.max_session_wh
    if backing.tariff is None or backing.terms is None:
        return most_wh
    key = (backing.tariff.record, amount, now_ms // QUARTER_MS)
    cap_wh = world.caps.get(key)
    if cap_wh is None:
        cap_wh = affordable_wh(backing.terms, in_units(amount, account.currency), most_wh, now_ms)
        world.caps[key] = cap_wh
        if len(world.caps) > MAX_CAPS:
            world.caps.popitem(last=False)
    return cap_wh


def place(step: Step, backing: Backing, amount: int, grant: Grant) -> Held | None:
    """Set the money aside, in the step of the decision that grants it; None for the house.

    What is held already for the same charge stays, and is now held by the new decision.
    """
    account, known = backing.account, backing.known
    if account is None:
        return None
    decision = (grant.authorization.decision or b"").hex()
    tariff = None if backing.tariff is None else backing.tariff.record
    if known is not None and known.open:
        held = msgspec.structs.replace(known, decision=decision, expires_ms=grant.expires_ms, tariff=tariff)
    else:
        held = Held(
            id=grant.subject.hex(),
            account=account.id,
            currency=account.currency,
            station_id=step.station_id,
            amount=amount,
            count=backing.number,
            at_ms=step.now_ms,
            expires_ms=grant.expires_ms,
            decision=decision,
            tariff=tariff,
        )
        _post_hold(step, held, amount)
    step.puts.extend(put_held(held, step.now_ms))
    return held


def _post_hold(step: Step, held: Held, amount: int) -> None:
    if amount <= 0:
        return
    customer, aside = _places(held.account)
    posting = Posting(
        key=hold_key(held.id, held.count),
        kind=PostingKind.HOLD,
        currency=held.currency,
        at_ms=step.now_ms,
        transfers=(Transfer(customer, aside, amount),),
        subject=held.id,
        refs=(held.decision,),
    )
    ledger.post(step, posting)


async def extend(world: World, held: Held, still: Callable[[], bool]) -> Held | None:
    """Hold as much again, as far as the account allows; None where it does not, or the charge is over (`still`).

    Durable on return.
    """
    account = await account_of(world, held.account)
    if account is None or not held.open:
        return None
    await _ready(world, account, hold_key(held.id, held.count + 1))
    account = world.accounts.get(account.id) or account
    if account.status is not AccountStatus.OPEN or not still():
        return None
    amount = to_hold(whole_minor(world.settings.billing.holds.hold, held.currency), _room(world, account), 1)
    if not amount:
        return None
    step = Step(world, held.station_id, world.now_ms())
    larger = msgspec.structs.replace(held, amount=held.amount + amount, count=held.count + 1)
    _post_hold(step, larger, amount)
    step.puts.extend(put_held(larger, step.now_ms))
    await step.commit()
    return larger


async def release_transfers(
    world: World, transaction: Transaction, currency: str | None = None
) -> tuple[Transfer, ...]:
    """Return the transfers that give back what is held for a charge, for the posting of its bill in `currency`.

    The step of that posting takes `given_back` as well. What is held in another currency is left to `tidy`.
    """
    held = await _open_in(world, transaction, currency)
    return () if held is None or held.amount <= 0 else (_back(held),)


async def given_back(world: World, transaction: Transaction, currency: str | None = None) -> tuple[Put, ...]:
    """Return the documents by which nothing is held for a charge any more, for the step that posts the transfers."""
    held = await _open_in(world, transaction, currency)
    return () if held is None else put_held(_closed(held), world.now_ms())


async def _open_in(world: World, transaction: Transaction, currency: str | None) -> Held | None:
    held = await holds_of(world, transaction.id)
    return held if held is not None and held.open and currency in {None, held.currency} else None


def _back(held: Held) -> Transfer:
    customer, aside = _places(held.account)
    return Transfer(aside, customer, held.amount)


def _closed(held: Held) -> Held:
    return msgspec.structs.replace(held, state=HeldState.RELEASED)


async def release(world: World, transaction_id: str, memo: str = "") -> bool:
    """Give back what is held for a charge that costs nothing or did not come about; durable on return.

    False where nothing is held. Whoever bills that charge must not be at it (`world.deciding`).
    """
    held = await holds_of(world, transaction_id)
    if held is None or not held.open:
        return False
    key = f"release/{held.id}/{held.count}"
    await money_ready(world)
    await world.books.ready(held.currency, _places(held.account), (key,))
    step = Step(world, held.station_id, world.now_ms())
    if held.amount > 0:
        ledger.post(
            step,
            Posting(
                key=key,
                kind=PostingKind.RELEASE,
                currency=held.currency,
                at_ms=step.now_ms,
                transfers=(_back(held),),
                subject=held.id,
                refs=(held.decision,),
                memo=memo,
            ),
        )
    step.puts.extend(put_held(_closed(held), step.now_ms))
    await step.commit()
    return True


async def release_by_hand(world: World, account_id: str, transaction_id: str, by: str) -> Held | None:
    """Give back what is held for a charge on a person's word, of a station that will tell nothing more, say.

    None where nothing is held there. A charge that goes on all the same is billed, and holds nothing any more.
    """
    held = await holds_of(world, transaction_id)
    if held is None or held.account != account_id or not held.open:
        return None
    with claimed(world, (transaction_id,)) as mine:
        if not mine:
            text = "this session is being billed right now; look again"
            raise InputError(text, code="being_decided", subject="transaction")
        await release(world, transaction_id, f"{BY_HAND}{by}"[:MAX_MEMO])
    for memory in tuple(world.stations.values()):
        for live in memory.live.values():
            live.held = None if live.transaction.id == transaction_id else live.held
    return _closed(held)


async def tidy(world: World) -> int:
    """Give back what is held for nothing any more; return for how many charges. Several may be at it only in turn.

    That is: for a charge that did not begin in time, or has been billed, or costs nothing, or is quarantined for long.
    """
    given = 0
    stale = [read(document, Held) async for document in every_document(world.journal, world.tenant, HOLD, active=True)]
    for held in stale:
        with claimed(world, (held.id,)) as mine:
            why = await _over(world, held) if mine else None
            if why is not None:
                given += await release(world, held.id, why)
    return given


async def _over(world: World, held: Held) -> str | None:
    """Return why nothing needs to be held any more; None where it does."""
    document = await world.journal.document(world.tenant, TRANSACTION, held.id)
    transaction = None if document is None else read(document, Transaction)
    if transaction is None or transaction.decision != held.decision:
        return "not begun" if world.now_ms() > held.expires_ms + LEEWAY_MS else None
    if transaction.active:
        return None
    queued = await world.journal.document(world.tenant, UNBILLED, held.id)
    if queued is None:
        return "settled"
    kept_ms = world.now_ms() - queued.updated_at_ms
    quarantined = transaction.billing is Billing.QUARANTINED or not queued.active  # kept for its evidence's sake
    return "quarantined" if quarantined and kept_ms > world.settings.billing.holds.quarantine_s * 1000 else None
