"""A person is erased: nothing in the journal says who it was, and everything that was proved is proved as before."""

from decimal import Decimal

import pytest
from msgspec import structs
from tests.flow.test_account_export import STAFF, data, packed, two_drivers
from tests.support.cpo_world import Talker, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.no_proofs import NoProofs
from tests.support.paying import bill
from tests.support.proved import Proved, bundle_of
from tests.support.proving import troubles
from tests.support.worlds import trust

from wattseal.base.errors import InputError
from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome
from wattseal.flow.alarms import raised
from wattseal.flow.charges.reproof import prove_again
from wattseal.flow.charges.token_uses import TOKEN_USES, Uses
from wattseal.flow.documents import put
from wattseal.flow.money import bookkeeping
from wattseal.flow.money.accounts import account_of, payer_of
from wattseal.flow.money.held import open_holds
from wattseal.flow.money.holds import release_by_hand
from wattseal.flow.ports import Batch, Committed, Erased
from wattseal.flow.privacy.erased_documents import GOING
from wattseal.flow.privacy.erasing import Plan, erase_person, plan_erasure
from wattseal.flow.privacy.fates import FATES, Fate
from wattseal.flow.privacy.kinds import EXPORTED, LEFT_OUT
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountStatus
from wattseal.model.alarm import Alarm
from wattseal.model.ledger import PostingKind
from wattseal.rules.bookkeeping import Wanted
from wattseal.seal.item import Group, Item, Kind, parse_item


async def settled() -> tuple[World, Account, Account]:
    """Return the two drivers' CPO, Ann's money paid out and her holds given back."""
    world, ann, ben = await two_drivers()
    for held in await open_holds(world, ann.id):
        await release_by_hand(world, ann.id, held.id, "test")
    balance = world.books.balance(f"customer/{ann.id}", "EUR")
    out = Wanted(PostingKind.PAYOUT, f"customer/{ann.id}", Decimal(balance) / 100, "EUR", STAFF, "paid out", "out")
    await bookkeeping.post_by_hand(world, out)
    return world, ann, ben


async def erased() -> tuple[World, Account, Account]:
    world, ann, ben = await settled()
    plan = await plan_erasure(world, ann.id)
    assert plan.blocked == ()
    await erase_person(world, ann.id, plan.code, STAFF)
    return world, ann, ben


def everything(world: World) -> bytes:
    journal = world.journal
    assert isinstance(journal, MemoryJournal)
    items = b"".join(kept.item.item for kept in journal.kept)
    return items + b"".join(d.kind.encode() + d.key.encode() + d.body for d in journal.documents_by_key.values())


async def test_nothing_says_any_more_who_it_was_and_the_other_driver_is_untouched() -> None:
    world, ann, ben = await settled()
    uses = put(TOKEN_USES, "ann-card", Uses(), world.now_ms())
    raising = Alarm("cloned_token", "ST1", world.now_ms(), "id_token", "ANN-CARD at ST1 and ST2")
    key, alarm = raised(world, raising)
    await world.journal.commit(Batch(world.tenant, puts=(uses, alarm)))
    before = everything(world)
    secret = (b"ANN-CARD", b"Annstadt", b"Ann's road", b"pm_secret_handle")
    assert [word for word in secret if word not in before] == []
    counts = before.lower().count(b"ben-card")
    bens = data(await packed(world, ben.id))
    plan = await plan_erasure(world, ann.id)
    assert "ANN-CARD" in world.alarms.standing[key].detail
    await erase_person(world, ann.id, plan.code, STAFF)
    assert world.alarms.standing[key].detail == ""
    after = everything(world)
    assert [word for word in (b"ann-card", b"annstadt", b"ann's road") if word in after.lower()] == []
    assert after.count(b"pm_secret_handle") == 1
    assert after.lower().count(b"ben-card") == counts
    again = data(await packed(world, ben.id))
    for told in (bens, again):
        del told["made_ms"], told["history"], told["account"]["record"]
    assert again == bens


async def test_all_records_prove_as_before_and_the_erasure_is_one_of_them() -> None:
    world, ann, _ = await erased()
    assert await troubles(world) == []
    for session in await transactions(world):
        assert await prove_again(world, NoProofs(), session.id) == ()
    account = await account_of(world, ann.id)
    assert account is not None
    assert account.status is AccountStatus.CLOSED
    assert await payer_of(world, account) is None
    told = data(await packed(world, ann.id))
    assert [one["what"] for one in told["history"]] == ["opened", "closed", "erased", "exported"]
    assert told["payer"] is None
    assert told["cards"] == told["reservations"] == []
    assert (told["sessions"][0]["card"], told["sessions"][0]["charged"]) == (None, "8.00")
    assert isinstance(world.journal, MemoryJournal)
    said = [k for k in world.journal.kept if k.item.kind == Kind.ERASURE]
    assert said
    assert all(kept.item.leaf is not None and ann.id.encode() not in kept.item.item for kept in said)


async def test_bundles_handed_out_before_and_after_are_valid() -> None:
    world, ann, _ = await settled()
    (session,) = await transactions(world, "ST1")
    old = (await bundle_of(world, session)).encode()
    plan = await plan_erasure(world, ann.id)
    await erase_person(world, ann.id, plan.code, STAFF)
    (session,) = await transactions(world, "ST1")
    new = (await bundle_of(world, session)).encode()
    assert check_bundle(old, trust()).verdict is Outcome.VALID
    assert check_bundle(new, trust()).verdict is Outcome.VALID
    assert b"ANN-CARD" in old
    assert b"ANN-CARD" not in new


async def test_negative_control_boxes_that_went_without_a_record_of_it_are_found() -> None:
    world, _, _ = await settled()
    assert isinstance(world.journal, MemoryJournal)
    request = next(k for k in world.journal.kept if k.item.kind == Kind.REQUEST)
    left = parse_item(request.item.item).without_boxes().encode()
    gone = Erased(request.position, request.item.payload_hash, left)
    await world.journal.commit(Batch(world.tenant, erased=(gone,)))
    assert "content_missing" in {found.code for found in await troubles(world)}


async def test_negative_control_an_erased_record_with_another_commitment_is_found() -> None:
    world, _, _ = await erased()
    assert isinstance(world.journal, MemoryJournal)
    request = next(k for k in world.journal.kept if k.item.kind == Kind.REQUEST)
    item = parse_item(request.item.item)
    assert Group.IDENTITY not in item.boxes
    commitment = item.payload.groups[Group.IDENTITY]
    other = structs.replace(commitment, commitment=bytes(32))
    payload = structs.replace(item.payload, groups={**item.payload.groups, int(Group.IDENTITY): other})
    forged = Item(payload, payload.encode(), item.signature, item.boxes).encode()
    await world.journal.commit(
        Batch(world.tenant, erased=(Erased(request.position, request.item.payload_hash, forged),))
    )
    assert {"signature_invalid", "column_differs"} <= {found.code for found in await troubles(world)}


async def test_without_the_code_of_what_was_looked_at_nothing_goes() -> None:
    world, ann, _ = await settled()
    plan = await plan_erasure(world, ann.id)
    before = everything(world)
    assert (plan.cards, plan.sessions, plan.documents["payer"], plan.documents["reservation"]) == (1, 1, 1, 1)
    assert plan.records > 3
    for wrong in ("", "0" * 12, Plan(ann.id).code):
        with pytest.raises(InputError, match="has changed") as refused:
            await erase_person(world, ann.id, wrong, STAFF)
        assert refused.value.code == "plan_differs"
    assert everything(world) == before


async def test_what_is_open_has_to_be_settled_first() -> None:
    world, ann, _ = await two_drivers()
    await Talker(world, "ST3").start("ANN-CARD")
    plan = await plan_erasure(world, ann.id)
    assert plan.blocked == ("account_not_empty", "session_active")
    before = everything(world)
    with pytest.raises(InputError, match="settle this first") as refused:
        await erase_person(world, ann.id, plan.code, STAFF)
    assert refused.value.code == "not_settled"
    assert everything(world) == before


async def test_what_was_broken_off_is_taken_up_again() -> None:
    world, ann, _ = await settled()
    assert isinstance(world.journal, MemoryJournal)
    plan = await plan_erasure(world, ann.id)
    journal, whole, limit = world.journal, world.journal.commit, world.journal.commits + 2

    async def breaking(batch: Batch) -> Committed:
        if journal.commits >= limit:
            raise KeyboardInterrupt
        return await whole(batch)

    world.journal.commit = breaking  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        await erase_person(world, ann.id, plan.code, STAFF)
    world.journal.commit = whole  # type: ignore[method-assign]
    world.forget()
    assert await troubles(world) == []
    plan = await plan_erasure(world, ann.id)
    assert plan.records == 0
    await erase_person(world, ann.id, plan.code, STAFF)
    assert b"ann-card" not in everything(world).lower()
    assert await troubles(world) == []


async def test_the_account_bills_nobody_after_that_and_the_card_is_a_strangers() -> None:
    world, ann, _ = await erased()
    sessions = len(await transactions(world))
    told = {"connectorId": 1, "idTag": "ANN-CARD", "meterStart": 9000, "timestamp": "2027-01-15T10:00:00Z"}
    answer = await Talker(world, "ST1").call("StartTransaction", told)
    assert answer["idTagInfo"]["status"] != "Accepted"
    await bill(world)
    assert len(await transactions(world)) == sessions + 1
    assert world.books.balance(f"customer/{ann.id}", "EUR") == 0


def test_every_kind_of_a_persons_documents_has_its_fate() -> None:
    assert sorted(EXPORTED.keys() - FATES.keys()) == []
    assert sorted(FATES.keys() - EXPORTED.keys() - LEFT_OUT.keys()) == []
    going = {kind for kind, (fate, _) in FATES.items() if fate is Fate.GOES}
    assert going == GOING.keys() | {"payer"}


async def test_a_journal_whose_log_has_proofs_keeps_them() -> None:
    world, _, _ = await erased()
    assert isinstance(world.journal, MemoryJournal)
    proofs = Proved(world.journal)
    for kept in world.journal.kept:
        if kept.log_index is not None:
            assert await proofs.proof(kept.log_index) is not None


async def test_somebody_elses_charge_that_the_erased_ones_card_was_held_to_is_proved_as_before() -> None:
    world, ann, _ = await settled()
    station = Talker(world, "ST1")
    number = await station.start("BEN-CARD", minutes=300)
    await station.call(
        "StopTransaction",
        {"transactionId": number, "meterStop": 1500, "timestamp": station.at(310), "idTag": "ANN-CARD"},
    )
    await bill(world)
    his = max(await transactions(world), key=lambda one: one.recorded_ms)
    plan = await plan_erasure(world, ann.id)
    await erase_person(world, ann.id, plan.code, STAFF)
    assert b"ann-card" not in everything(world).lower()
    assert await prove_again(world, NoProofs(), his.id) == (), "no alarm that somebody took its records away"
    assert await troubles(world) == []
    assert check_bundle((await bundle_of(world, his)).encode(), trust()).verdict is not Outcome.INVALID
