"""The documents that go, or are emptied, when a person is erased (`fates`)."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from wattseal.flow.alarms import document_of
from wattseal.flow.charges.token_uses import TOKEN_USES, Uses
from wattseal.flow.command_log import COMMAND, NOTHING, CommandKept
from wattseal.flow.documents import ALARM, TOKEN, every_document, read, removal
from wattseal.flow.drivers.app_code_issue import ALIAS_TOKEN, CODE_ALIAS, Alias, AliasToken
from wattseal.flow.drivers.authorise import CHARGING, Charging
from wattseal.flow.drivers.code_starts import CODE_START, CodeStart
from wattseal.flow.drivers.reservations import RESERVATION
from wattseal.flow.limits.batteries import SWAP, Swap
from wattseal.flow.limits.needs import NEEDS, KeptNeeds
from wattseal.flow.limits.store import PRIORITY, Priority
from wattseal.flow.money.accounts import PAYER
from wattseal.flow.money.payments import PAYMENT_OF_ACCOUNT, PaymentId, is_open, payment_of, put_payment
from wattseal.flow.ports import Put
from wattseal.flow.privacy.finding import Belongings
from wattseal.flow.privacy.links import EXPORT_LINK
from wattseal.flow.privacy.traces import names_a_card, texts_in
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.export import ExportLink
from wattseal.model.payment import Payment
from wattseal.model.reservation import Reservation
from wattseal.model.token import TokenRecord, canonical

Judge = Callable[[Belongings, str, Any], bool]


def _card(mine: Belongings, _key: str, found: TokenRecord) -> bool:
    return found.account == mine.account.id


def _charging(mine: Belongings, _key: str, found: Charging) -> bool:
    return found.subject in mine.ids


def _reserved(mine: Belongings, _key: str, found: Reservation) -> bool:
    card = found.id_token.key()
    return mine.had(card, found.requested_ms) or (card in mine.since and found.transaction in mine.ids)


def _numbered(mine: Belongings, _key: str, found: KeptNeeds | Priority) -> bool:
    return mine.took(found.station_id, found.transaction_id)


def _swapped(mine: Belongings, _key: str, found: Swap) -> bool:
    return mine.had(canonical(found.id_token), found.at_ms)


def _link(mine: Belongings, _key: str, found: ExportLink) -> bool:
    return found.account == mine.account.id


def _used(mine: Belongings, key: str, _found: Uses) -> bool:
    return key in mine.since


def _alias(mine: Belongings, key: str, _found: Alias) -> bool:
    return key in mine.since


def _aliased(mine: Belongings, _key: str, found: AliasToken) -> bool:
    return found.token in mine.since


def _begun(mine: Belongings, key: str, _found: CodeStart) -> bool:
    return key in mine.since


GOING: Mapping[str, tuple[type, Judge]] = {
    TOKEN: (TokenRecord, _card),
    CHARGING: (Charging, _charging),
    RESERVATION: (Reservation, _reserved),
    NEEDS: (KeptNeeds, _numbered),
    PRIORITY: (Priority, _numbered),
    SWAP: (Swap, _swapped),
    EXPORT_LINK: (ExportLink, _link),
    TOKEN_USES: (Uses, _used),
    CODE_ALIAS: (Alias, _alias),
    ALIAS_TOKEN: (AliasToken, _aliased),
    CODE_START: (CodeStart, _begun),
}
"""By kind of document that goes: its shape, and whether one is this person's. `payer` goes by its own id."""


async def emptied_and_gone(world: World, mine: Belongings) -> list[Put]:
    """Return what removes the documents that go, and what takes the place of those that are emptied."""
    found: list[Put] = []
    now_ms = world.now_ms()
    if mine.account.payer is not None and await world.journal.document(world.tenant, PAYER, mine.account.payer):
        found.append(removal(PAYER, mine.account.payer, now_ms))
    for kind, (shape, is_mine) in GOING.items():
        documents = every_document(world.journal, world.tenant, kind)
        found += [removal(kind, one.key, now_ms) async for one in documents if is_mine(mine, one.key, read(one, shape))]
    async for payment in payments_of(world, mine):
        left = replace(payment, url=None, method=None, spot=payment.spot and replace(payment.spot, token=""))
        if left != payment and not is_open(payment):
            found.append(put_payment(left, now_ms))
    found += [one async for one in _commands(world, mine)]
    found += [one async for one in _alarms(world, mine)]
    return found


async def payments_of(world: World, mine: Belongings) -> AsyncIterator[Payment]:
    """Yield an account's payments."""
    prefix = after = f"{mine.account.id}/"
    while page := await world.journal.documents(world.tenant, PAYMENT_OF_ACCOUNT, after=after, limit=500):
        for document in page:
            if not document.key.startswith(prefix):
                return
            payment = await payment_of(world, read(document, PaymentId).id)
            if payment is not None:
                yield payment
        after = page[-1].key


async def _commands(world: World, mine: Belongings) -> AsyncIterator[Put]:
    async for document in every_document(world.journal, world.tenant, COMMAND):
        kept = read(document, CommandKept)
        named = {canonical(text) for text in (*texts_in(bytes(kept.payload)), *texts_in(bytes(kept.answer)))}
        if any(mine.had(card, kept.asked_at_ms) for card in named):
            yield msgspec.structs.replace(kept, payload=NOTHING, answer=NOTHING).put(world.now_ms())


async def _alarms(world: World, mine: Belongings) -> AsyncIterator[Put]:
    async for document in every_document(world.journal, world.tenant, ALARM):
        alarm = read(document, Alarm)
        known = [card for card in mine.since if alarm.transaction in mine.ids or mine.had(card, alarm.at_ms)]
        if names_a_card(alarm.detail, known):
            kept = replace(alarm, detail="")
            yield document_of(document.key, kept, document.updated_at_ms)
