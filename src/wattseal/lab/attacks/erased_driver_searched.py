"""T02: a driver was erased; whoever takes the disk looks for the card, and tries card numbers out on what is left."""

from collections.abc import AsyncIterator
from decimal import Decimal

from wattseal.app.cpo.tenant import TENANT
from wattseal.flow.documents import put_token
from wattseal.flow.money import bookkeeping
from wattseal.flow.money.accounts import balance_of, open_account
from wattseal.flow.ports import Batch
from wattseal.flow.privacy import erasing
from wattseal.flow.privacy.erasing import erase_person, plan_erasure
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.clockwork import Clockwork
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.model.account import Account, AccountKind, Payer
from wattseal.model.ledger import PostingKind
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.rules.bookkeeping import Wanted
from wattseal.seal.fields import Identity
from wattseal.seal.groups import Content, commit, context
from wattseal.seal.item import Group, Item, parse_item

NAME = "Zacharias Vanishing"
GUESSES = 500
"""Card numbers that the attacker tries; the right one is among them."""
MINUTES = 60


async def _perform(lab: Lab) -> Found:
    return await _search(lab)


async def _control(lab: Lab) -> Found:
    with swapped(erasing, "traces", _nothing):
        return await _search(lab)


async def _nothing(*_given: object) -> AsyncIterator[None]:
    """Find no record to take anything out of: an erasure of documents alone."""
    yield None


async def _search(lab: Lab) -> Found:
    async with lab.clockwork() as cpo:
        card = "04" + "".join(str(lab.dice.number(0, 9)) for _ in range(12))
        account = await _charged_and_settled(cpo, card)
        plan = await plan_erasure(cpo.world, account.id)
        await erase_person(cpo.world, account.id, plan.code, "lab")
        items = [parse_item(kept.item.item) for kept in await cpo.world.journal.replay(TENANT, 0, 10_000)]
    dumped = b"".join(file.read_bytes() for file in sorted(lab.folder.rglob("journal.sqlite3*")))
    words = [word for word in (card.encode(), NAME.encode()) if word in dumped]
    guesses = [card, *(f"04{lab.dice.number(10**11, 10**12 - 1)}" for _ in range(GUESSES - 1))]
    named = [guess for guess in guesses if any(_is(item, guess) for item in items)]
    figures = (
        Figure("records searched", len(items), ""),
        Figure("records whose boxes were destroyed", plan.records, ""),
        Figure("card numbers tried", len(guesses), ""),
    )
    if words or named:
        what = ", ".join(word.decode() for word in words) or "no word"
        told = f"{what} found in {len(dumped)} bytes; {len(named)} of {len(guesses)} card numbers confirmed"
        return Found(Outcome.MISSED, told, figures=figures)
    told = f"neither name nor card in {len(dumped)} bytes of the journal's files; none of {len(guesses)} card numbers "
    return Found(Outcome.PREVENTED, f"{told}confirmed by {len(items)} records", records=len(items), figures=figures)


def _is(item: Item, card: str) -> bool:
    """Try a card number out on a record: whatever salt is left in its box has to give the commitment with it."""
    expected, box = item.payload.groups.get(Group.IDENTITY), item.boxes.get(Group.IDENTITY)
    if expected is None:
        return False
    salt = box[1] if isinstance(box, list) and isinstance(box[1], bytes) else bytes(32)
    content = Content((), Identity(card, "ISO14443").to_fields()).encode()
    return commit(context(*item.payload.place, int(Group.IDENTITY)), salt, content) == expected.commitment


async def _charged_and_settled(cpo: Clockwork, card: str) -> Account:
    """Let the driver charge once, pay the bill, and return the account."""
    line = await cpo.enrol("ST1")
    wanted = Account("", AccountKind.CREDIT, "EUR", Decimal(200))
    account = await open_account(cpo.world, wanted, "lab", payer=Payer(NAME))
    token = TokenRecord(IdToken(card, "ISO14443"), TokenStatus.ACCEPTED, account=account.id)
    await cpo.world.journal.commit(Batch(TENANT, puts=(put_token(token, cpo.world.now_ms()),)))
    number = await line.start16(card, 1_000, 0)
    await line.meter16(number, 6_000, MINUTES / 2)
    await line.stop16(number, 11_000, MINUTES)
    await cpo.settle()
    there_is, aside = await balance_of(cpo.world, account)
    if aside or there_is >= 0:
        raise LabError("the session was not billed", subject=f"{there_is} and {aside}")
    owed = Decimal(-there_is) / 100
    paid = Wanted(PostingKind.PAYMENT, f"customer/{account.id}", owed, "EUR", "lab", "by bank transfer", "in")
    await bookkeeping.post_by_hand(cpo.world, paid)
    return account


ATTACK = Attack(
    line="T02",
    title="the disk is searched for a driver who was erased, and card numbers are tried out on what is left",
    steps=(
        "let a driver charge and pay, and have the driver erased",
        "take the journal's files and search them for name and card, free pages and write-ahead log included",
        "compute for each of 500 card numbers what a record would commit to, with whatever salt is left of it",
    ),
    defence="salts and contents of the records that say who it was are destroyed and the files scrubbed; the records "
    "prove as before",
    without="documents are removed, and records stay as they are",
    residual="backups made before hold the driver; so do bundles handed out, and signed meter data that name the card, "
    "these until the invoices' time is over",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
