"""Accounts: every change a signed record without a name, and a payer who can be erased while the account stays."""

import asyncio
from decimal import Decimal

import pytest
from tests.support.cpo_world import Talker, add_token, enrol, make_world, transactions
from tests.support.proving import troubles

from wattseal.base.errors import InputError
from wattseal.flow.documents import put_token
from wattseal.flow.money.accounts import (
    account_of,
    change_account,
    erase_payer,
    open_account,
    payer_of,
    paying,
    put_account,
    put_payer,
)
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind, AccountStatus, Payer
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.seal.account import AccountEvent, AccountSaid
from wattseal.seal.dcbor import CborError
from wattseal.seal.groups import Content, Opening, open_box
from wattseal.seal.item import Group, Item, Kind, parse_item

PREPAID = Account("", AccountKind.PREPAID, "EUR", Decimal(0))
CREDIT = Account("", AccountKind.CREDIT, "EUR", Decimal(100))
PAYER = Payer("Jo Doe", "Quay 1", "12345", "Sample Town", "DE", email="jo@example.org")


@pytest.fixture
async def world() -> World:
    return make_world()


async def said(world: World) -> list[tuple[Item, AccountSaid]]:
    found = []
    for kept in await world.journal.replay(world.tenant):
        if kept.item.kind != Kind.ACCOUNT:
            continue
        item = parse_item(kept.item.item)
        opened = open_box(item, int(Group.OPS), None)
        assert isinstance(opened, Opening)
        found.append((item, AccountSaid.read(Content.decode(opened.content).fields)))
    return found


async def refused(code: str, doing: object) -> None:
    with pytest.raises(InputError) as told:
        await doing  # type: ignore[misc]
    assert told.value.code == code


async def test_each_change_is_a_record_that_refers_to_the_one_before(world: World) -> None:
    made = await open_account(world, CREDIT, "till")
    await change_account(world, made.id, "till", limit=Decimal(50), text="pays late")
    await change_account(world, made.id, "Jo", status=AccountStatus.BLOCKED)
    last = await change_account(world, made.id, "Jo", status=AccountStatus.OPEN)
    records = await said(world)
    assert [s.event for _, s in records] == [
        AccountEvent.OPENED,
        AccountEvent.LIMIT_CHANGED,
        AccountEvent.BLOCKED,
        AccountEvent.UNBLOCKED,
    ]
    assert [s.limit for _, s in records] == [Decimal(100), Decimal(50), Decimal(50), Decimal(50)]
    assert [s.by for _, s in records] == ["till", "till", "Jo", "Jo"]
    hashes = [item.hash for item, _ in records]
    assert [item.payload.refs for item, _ in records] == [(), *((h,) for h in hashes[:-1])]
    assert last.record == hashes[-1].hex()
    assert await troubles(world) == []


async def test_no_name_is_in_any_record_and_an_erased_payer_is_gone(world: World) -> None:
    made = await open_account(world, PREPAID, "till", payer=PAYER)
    assert await payer_of(world, made) == PAYER
    for kept in await world.journal.replay(world.tenant):
        assert b"Doe" not in kept.item.item
        assert b"example.org" not in kept.item.item
    assert await erase_payer(world, made.id)
    assert await payer_of(world, made) is None
    assert not await erase_payer(world, made.id)
    assert await account_of(world, made.id) == made
    again = await put_payer(world, made.id, PAYER)
    assert await payer_of(world, again) == PAYER


async def test_what_an_account_cannot_be(world: World) -> None:
    for wanted in (
        Account("", AccountKind.PREPAID, "EUR", Decimal(10)),
        Account("", AccountKind.CREDIT, "EUR", None),
        Account("", AccountKind.CREDIT, "EUR", Decimal(-1)),
        Account("", AccountKind.PARTNER, "EUR", None),
        Account("house", AccountKind.PARTNER, "EUR", None),
        Account("mine", AccountKind.PREPAID, "EUR", Decimal(0)),
    ):
        await refused("bad_account", open_account(world, wanted, "till"))
    await open_account(world, Account("MSP", AccountKind.PARTNER, "EUR", None), "till")
    await refused("account_exists", open_account(world, Account("MSP", AccountKind.PARTNER, "EUR", None), "till"))
    assert [s.account for _, s in await said(world)] == ["MSP"]


async def test_a_closed_account_stays_closed(world: World) -> None:
    made = await open_account(world, PREPAID, "till")
    await change_account(world, made.id, "till", status=AccountStatus.CLOSED)
    await refused("account_closed", change_account(world, made.id, "till", status=AccountStatus.OPEN))
    await refused("no_such_account", change_account(world, "none", "till", status=AccountStatus.OPEN))


async def test_kind_and_currency_stay(world: World) -> None:
    made = await open_account(world, PREPAID, "till")
    other = Account(made.id, AccountKind.PREPAID, "CHF", Decimal(0))
    await refused("not_changeable", put_account(world, other, "till"))


async def test_two_changes_at_once_follow_one_another(world: World) -> None:
    made = await open_account(world, CREDIT, "till")
    await asyncio.gather(*(change_account(world, made.id, "till", limit=Decimal(n)) for n in range(5)))
    records = await said(world)
    hashes = [item.hash for item, _ in records]
    assert [item.payload.refs for item, _ in records[1:]] == [(h,) for h in hashes[:-1]]
    world.forget()
    kept = await account_of(world, made.id)
    assert kept is not None
    assert (kept.limit, kept.record) == (records[-1][1].limit, hashes[-1].hex())


async def test_an_account_of_a_token_pays_the_house_or_the_party_otherwise(world: World) -> None:
    await enrol(world, "ST1")
    await add_token(world, "BARE")
    made = await open_account(world, CREDIT, "till")
    token = TokenRecord(IdToken("CARD", "ISO14443"), TokenStatus.ACCEPTED, account=made.id)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(token, 0),)))
    station = Talker(world, "ST1")
    await station.stop(await station.start("BARE"), 2000)
    (bare,) = await transactions(world)
    assert await paying(world, bare) == "house"


def test_a_record_with_anything_else_in_it_is_refused() -> None:
    good = AccountSaid(
        AccountEvent.OPENED, "a", AccountKind.CREDIT, "EUR", Decimal("1.50"), AccountStatus.OPEN, "till", "why"
    ).to_fields()
    assert AccountSaid.read(good).to_fields() == good
    for number, wrong in ((1, 9), (2, 1), (3, -1), (4, None), (5, "1"), (6, 7), (7, b"x"), (8, 1)):
        with pytest.raises(CborError):
            AccountSaid.read(good | {number: wrong})
