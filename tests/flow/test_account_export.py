"""A driver gets everything that is held about him, and nothing of anybody else's; a one-time link hands it out once."""

import csv
import io
import json
import zipfile
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.answering import OPERATOR, Answering
from tests.support.bills import bill as sold
from tests.support.cpo_world import Talker, TestClock, transactions
from tests.support.invoicing import customer, desk_of, issue_all, put_bills, selling_world
from tests.support.memory_journal import MemoryJournal
from tests.support.no_proofs import NoProofs
from tests.support.paying import account, bill, card_of, paying_world
from tests.support.proved import Proved, register
from tests.support.proving import troubles

from wattseal.base.errors import InputError, LimitError
from wattseal.base.ids import StationId
from wattseal.bundle.format import parse_bundle
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.documents import put, put_token
from wattseal.flow.drivers.reserving import Wish, reserve
from wattseal.flow.fleet.enrol import put_a_token
from wattseal.flow.money import bookkeeping
from wattseal.flow.money.accounts import open_account, paying, put_payer
from wattseal.flow.money.disputes import put_dispute
from wattseal.flow.money.holds import release_by_hand
from wattseal.flow.money.invoice_list import file_of
from wattseal.flow.money.payments import PAYMENT_OF_ACCOUNT, PaymentId, put_payment
from wattseal.flow.money.retention import erase
from wattseal.flow.money.rulings import Decided, rule
from wattseal.flow.ports import Batch
from wattseal.flow.privacy import finding
from wattseal.flow.privacy.desk import AT_ONCE, LEASE_MS, PER_HOUR, Busy, ExportDesk
from wattseal.flow.privacy.links import EXPORT_LINK, find_link, make_link, use_link
from wattseal.flow.privacy.sections import SECTIONS
from wattseal.flow.verbs import Ask, Start, remote_start
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind, Payer
from wattseal.model.dispute import Claim, Dispute, DisputeVerdict
from wattseal.model.dispute import Decided as DisputeDecision
from wattseal.model.ledger import PostingKind
from wattseal.model.payment import Payment, PaymentState, Purpose, Spot
from wattseal.model.ruling import RulingVerdict
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.rules.bookkeeping import Wanted
from wattseal.wire.ocpp.version import Version

V16, V201, _ = Version
HOSTILE = '=HYPERLINK("http://x","y")'
STAFF = "person/0123456789abcdef"


async def packed(world: World, account_id: str, proofs: Proofs | None = None, **more: Any) -> zipfile.ZipFile:
    """Return an account's archive, as it was sent."""
    made = await ExportDesk().begin(world, proofs or NoProofs(), account_id, STAFF, **more)
    return zipfile.ZipFile(io.BytesIO(await sent(made)))


async def sent(made: AsyncIterator[bytes] | Busy | None) -> bytes:
    assert isinstance(made, AsyncIterator)
    return b"".join([chunk async for chunk in made])


def data(archive: zipfile.ZipFile) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(archive.read("data.json"))
    return found


def rows(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def everything(archive: zipfile.ZipFile) -> str:
    """Return all text of an archive."""
    assert archive.testzip() is None
    return "\n".join(archive.read(name).decode("latin-1") for name in archive.namelist())


async def two_drivers() -> tuple[World, Account, Account]:
    """Return a CPO where Ann and Ben have charged, been billed, reserved, and been written about."""
    world = await paying_world()
    await register(world)
    ann = await account(world, 100, card="ANN-CARD")
    ben = await account(world, 100, card="BEN-CARD")
    await put_payer(world, ann.id, Payer(HOSTILE, "Ann's road 1", city="Annstadt"))
    await put_payer(world, ben.id, Payer("Ben", "Ben's road 1", city="Bentown"))
    for station, card, wh in (("ST1", "ANN-CARD", 9000), ("ST2", "BEN-CARD", 7000)):
        driver = Talker(world, station)
        number = await driver.start(card, 1000)
        await driver.meter(number, 2000)
        await driver.stop(number, wh)
    await bill(world)
    somebody = replace(OPERATOR, name=STAFF)
    accepted = {"status": "Accepted"}
    world.lines = Answering(V201, {"ReserveNow": accepted, "RequestStartTransaction": accepted})
    for station, card in (("ST1", "ANN-CARD"), ("ST2", "BEN-CARD")):
        until = world.clock.now() + timedelta(hours=1)
        wish = Wish(id_token=IdToken(card, "ISO14443"), expires_at=until, evse_id=1)
        await reserve(world, somebody, StationId(station), wish)
        await remote_start(Ask(world, somebody, StationId(station)), Start(card, "ISO14443", 1))
    for one in (ann, ben):
        wanted = Wanted(
            PostingKind.PAYMENT, f"customer/{one.id}", Decimal(5), "EUR", STAFF, f"cash of {one.id}", one.id[:8]
        )
        await bookkeeping.post_by_hand(world, wanted)
        await paid(world, one)
    return world, ann, ben


async def paid(world: World, one: Account) -> None:
    """Keep a payment with everything in it that could be misused."""
    payment = Payment(
        id=one.id[::-1],
        provider="trial",
        purpose=Purpose.TOP_UP,
        account=one.id,
        currency="EUR",
        amount=2500,
        state=PaymentState.CAPTURED,
        created_ms=1,
        changed_ms=2,
        url="https://pay.example/secret-page",
        method="pm_secret_handle",
        captured=2500,
        spot=Spot("ST1", 1, token="SPOTSECRET"),
    )
    pointer = put(PAYMENT_OF_ACCOUNT, f"{one.id}/{1:015d}-{payment.id}", PaymentId(payment.id), 1)
    await world.journal.commit(Batch(world.tenant, puts=(put_payment(payment, 1), pointer)))


async def test_a_driver_gets_every_kind_of_thing_with_its_meaning() -> None:
    world, ann, _ = await two_drivers()
    assert isinstance(world.journal, MemoryJournal)
    archive = await packed(world, ann.id, Proved(world.journal))
    told = data(archive)
    assert set(told) == {"format", "made_ms", "operator", "account", "payer", *SECTIONS}
    assert (told["format"], told["account"]["id"], told["payer"]["city"]) == (
        "wattseal-account-export-1",
        ann.id,
        "Annstadt",
    )
    (session,) = told["sessions"]
    assert (session["energy_wh"], session["charged"], session["card"]["value"]) == ("8000", "8.00", "ANN-CARD")
    assert [reading["register_wh"] for reading in session["readings"]] == ["1000", "2000", "9000"]
    assert [step["dimension"] for step in session["price_steps"]] == ["ENERGY"]
    assert {record["kind"] for record in session["records"]} >= {"request", "decision", "started", "ended", "posting"}
    (found,) = told["bills"]
    assert (found["account"], session["bill"]) == (ann.id, found["id"])
    assert [line["kind"] for line in told["ledger"]] == ["top_up", "hold", "charge", "hold", "payment"]
    assert [line["amount"] for line in told["ledger"]] == ["100.00", "0.00", "-8.00", "0.00", "5.00"]
    assert told["ledger"][-1]["balance"] == "97.00"
    assert [one["id_token"]["value"] for one in told["reservations"]] == ["ANN-CARD"]
    assert [one["action"] for one in told["commands"]] == ["ReserveNow", "RequestStartTransaction"]
    assert [one["what"] for one in told["history"]] == ["opened", "exported"]
    assert {one["state"] for one in told["holds"]} == {"released", "open"}
    (line,) = rows(archive, "sessions.csv")
    assert (line["energy_wh"], line["charged"], line["evidence"]) == ("8000", "8.00", f"evidence/{session['id']}.wsb")
    evidence = parse_bundle(archive.read(line["evidence"]))
    assert {item.payload.subject for item in evidence.items} == {bytes.fromhex(session["id"])}
    text = archive.read("README.txt").decode()
    assert ann.id in text
    assert all(name.split("/")[0] in text for name in archive.namelist())
    assert "IHRE DATEN" in text
    assert await troubles(world) == []


async def test_nothing_of_another_driver_is_in_it_and_in_his_own_it_is() -> None:
    world, ann, ben = await two_drivers()
    assert isinstance(world.journal, MemoryJournal)
    (theirs,) = await transactions(world, "ST2")
    secret = (ben.id, theirs.id, "BEN-CARD", "Bentown", "Ben's road", "ST2")
    anns = everything(await packed(world, ann.id, Proved(world.journal)))
    bens = everything(await packed(world, ben.id, Proved(world.journal)))
    assert [one for one in secret if one in anns] == []
    assert [one for one in secret if one not in bens] == []


async def test_a_card_that_changes_hands_takes_nothing_along() -> None:
    world, ann, ben = await two_drivers()
    await put_a_token(world, TokenRecord(IdToken("BEN-CARD", "ISO14443"), TokenStatus.ACCEPTED, account=ann.id))
    anns, bens = data(await packed(world, ann.id)), data(await packed(world, ben.id))
    assert [s["station_id"] for s in anns["sessions"]] == ["ST1"]
    assert [s["station_id"] for s in bens["sessions"]] == ["ST2"]
    assert [card["id_token"]["value"] for card in anns["cards"]] == ["ANN-CARD", "BEN-CARD"]
    assert "ST2" not in json.dumps(anns)


async def test_a_charge_that_was_refused_and_never_billed_is_the_drivers_all_the_same() -> None:
    world = await paying_world()
    poor = await account(world, 0, card="POOR")
    await Talker(world, "ST1").start("POOR")
    (session,) = data(await packed(world, poor.id))["sessions"]
    assert (session["authorization"], session["billing"], session["evidence"]) == ("NoCredit", "pending", "active")


async def test_a_refused_charge_does_not_go_with_the_card_to_whoever_has_it_next() -> None:
    world = await paying_world()
    poor, ann = await account(world, 0, card="POOR"), await account(world, 100, card="ANN-CARD")
    await Talker(world, "ST1").start("POOR")
    assert len(data(await packed(world, poor.id))["sessions"]) == 1
    token = TokenRecord(IdToken("POOR", "ISO14443"), TokenStatus.ACCEPTED, account=ann.id)
    await put_a_token(world, token)
    (session,) = await transactions(world)
    assert await paying(world, session) == ann.id
    told = data(await packed(world, ann.id))
    assert (len(told["cards"]), told["sessions"]) == (2, [])


async def test_a_persons_decision_and_a_dispute_are_there_with_their_reasons_and_without_the_person() -> None:
    world = await paying_world()
    poor = await account(world, 0, card="POOR")
    await Talker(world, "ST1").stop(await Talker(world, "ST1").start("POOR"), 9000)
    (session,) = await transactions(world)
    await rule(world, NoProofs(), session.id, Decided(RulingVerdict.WAIVE, STAFF, "card was broken"))
    claim = Claim("other_energy", "I took 2 kWh")
    said = DisputeDecision(DisputeVerdict.REJECTED, STAFF, "it was 8", 2, "aa")
    mine = Dispute("1-a", session.id, STAFF, 1, 3, claim, "00", "valid", "bb", decided=said)
    others = replace(mine, id="1-b", transaction="ff" * 16, claim=Claim("x", "of somebody else"))
    puts = (put_dispute(mine, 1), put_dispute(others, 1))
    await world.journal.commit(Batch(world.tenant, puts=puts))
    archive = await packed(world, poor.id)
    told = data(archive)
    assert [one["why"] for one in told["sessions"][0]["decisions"]] == ["card was broken"]
    (dispute,) = told["disputes"]
    assert (dispute["claim"]["text"], dispute["decided"]["text"]) == ("I took 2 kWh", "it was 8")
    assert STAFF not in everything(archive)


async def test_what_is_given_back_by_hand_names_no_hand() -> None:
    world = await paying_world()
    ann = await account(world, 100)
    await Talker(world, "ST1").start()
    (session,) = await transactions(world)
    await release_by_hand(world, ann.id, session.id, STAFF)
    archive = await packed(world, ann.id)
    assert [line["memo"] for line in data(archive)["ledger"]][-1] == "by hand"
    assert STAFF not in everything(archive)
    assert STAFF in [k.posting.memo for k in await world.journal.postings(world.tenant)][-1]


async def test_invoices_are_there_byte_for_byte_until_their_payer_is_erased() -> None:
    world = selling_world()
    ann, ben = await customer(world), await customer(world)
    await put_bills(world, sold(1, account=ann), sold(2, account=ben))
    mine, _ = sorted(await issue_all(desk_of(world)), key=lambda one: one.account != ann)
    archive = await packed(world, ann)
    for name in ("pdf", "xml"):
        assert archive.read(f"invoices/{mine.number}.{name}") == await file_of(world, mine, name)
    assert len([name for name in archive.namelist() if name.startswith("invoices/")]) == 2
    assert data(archive)["operator"] == "Ladewerk GmbH, Ladewerk Süd AG"
    assert await erase(world, ann)
    without_them = await packed(world, ann)
    assert [one["files"] for one in data(without_them)["invoices"]] == ["erased"]
    assert not [name for name in without_them.namelist() if name.startswith("invoices/")]
    assert f"invoices/{mine.number}.pdf" in (await packed(world, ann, erased=True)).namelist()


async def test_a_token_that_still_starts_a_paid_charge_is_no_card() -> None:
    world = await paying_world()
    spot = await open_account(world, Account("", AccountKind.AD_HOC, "EUR", Decimal(0)), "payments")
    for status, shown in ((TokenStatus.ACCEPTED, []), (TokenStatus.EXPIRED, ["ONCE"])):
        token = TokenRecord(IdToken("ONCE", "Central"), status, account=spot.id)
        await world.journal.commit(Batch(world.tenant, puts=(put_token(token, 0),)))
        assert [card["id_token"]["value"] for card in data(await packed(world, spot.id))["cards"]] == shown


async def test_who_of_the_staff_did_it_is_not_the_drivers() -> None:
    world, ann, _ = await two_drivers()
    told = everything(await packed(world, ann.id))
    assert STAFF not in told
    assert f"cash of {ann.id}" in told
    kept = await world.journal.replay(world.tenant)
    assert any(STAFF.encode() in one.item.item for one in kept)


async def test_no_secret_by_which_somebody_could_pay_or_charge_is_handed_out() -> None:
    world, ann, _ = await two_drivers()
    secrets = ("secret-page", "pm_secret_handle", "SPOTSECRET")
    (payment,) = data(await packed(world, ann.id))["payments"]
    assert payment["has_method"] is True
    told = everything(await packed(world, ann.id))
    assert [one for one in secrets if one in told] == []
    kept = await world.journal.document(world.tenant, "provider_payment", payment["id"])
    assert kept is not None
    assert all(one.encode() in kept.body for one in secrets)


async def test_a_name_that_is_a_formula_is_text_in_a_spreadsheet_and_exact_in_json() -> None:
    world, ann, _ = await two_drivers()
    await card_of(world, ann, '=cmd|"/c calc"!A1')
    archive = await packed(world, ann.id)
    assert data(archive)["payer"]["name"] == HOSTILE
    assert '\'=cmd|"/c calc"!A1' in [row["card"] for row in rows(archive, "cards.csv")]


async def test_evidence_that_is_not_proven_yet_is_named_and_everything_else_is_there() -> None:
    world, ann, _ = await two_drivers()
    archive = await packed(world, ann.id)
    assert not [name for name in archive.namelist() if name.startswith("evidence/")]
    assert [one["evidence"] for one in data(archive)["sessions"]] == ["checkpoint"]
    assert "1 of evidence" in archive.read("README.txt").decode()


async def test_an_emsps_account_stands_for_many_and_is_refused() -> None:
    world = await paying_world()
    await open_account(world, Account("MSP", AccountKind.PARTNER, "EUR", None), "test")
    with pytest.raises(InputError) as refused:
        await ExportDesk().begin(world, NoProofs(), "MSP", STAFF)
    assert refused.value.code == "not_a_driver"
    with pytest.raises(InputError) as unknown:
        await ExportDesk().begin(world, NoProofs(), "nobody", STAFF)
    assert unknown.value.code == "no_such_account"


async def test_more_than_an_archive_holds_is_refused_before_anything_is_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, ann, _ = await two_drivers()
    monkeypatch.setattr(finding, "MAX_SESSIONS", 0)
    desk = ExportDesk()
    with pytest.raises(LimitError) as refused:
        await desk.begin(world, NoProofs(), ann.id, STAFF)
    assert refused.value.code == "export_too_large"
    assert desk.running == {}
    monkeypatch.undo()
    assert [one["what"] for one in data(await packed(world, ann.id))["history"]] == ["opened", "exported"]


async def test_few_archives_are_written_at_a_time_and_few_of_one_account_in_an_hour() -> None:
    world, ann, ben = await two_drivers()
    desk = ExportDesk()
    begun = [await desk.begin(world, NoProofs(), ann.id, STAFF) for _ in range(AT_ONCE)]
    assert isinstance(await desk.begin(world, NoProofs(), ben.id, STAFF), Busy)
    for one in begun:
        assert await sent(one)
    assert desk.running == {}
    for _ in range(PER_HOUR - AT_ONCE):
        assert await sent(await desk.begin(world, NoProofs(), ann.id, STAFF))
    assert isinstance(await desk.begin(world, NoProofs(), ann.id, STAFF), Busy)
    assert not isinstance(await desk.begin(world, NoProofs(), ben.id, STAFF), Busy)


async def test_an_archive_that_nobody_reads_keeps_nobody_waiting_for_good() -> None:
    world, ann, ben = await two_drivers()
    desk = ExportDesk()
    for _ in range(AT_ONCE):
        await desk.begin(world, NoProofs(), ann.id, STAFF)
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(milliseconds=LEASE_MS)
    assert not isinstance(await desk.begin(world, NoProofs(), ben.id, STAFF), Busy)


async def test_what_may_not_go_on_is_not_recorded_and_frees_its_place() -> None:
    world, ann, _ = await two_drivers()
    desk = ExportDesk()

    async def never() -> bool:
        return False

    assert await desk.begin(world, NoProofs(), ann.id, STAFF, once=never) is None
    assert desk.running == {}
    assert [one["what"] for one in data(await packed(world, ann.id))["history"]] == ["opened", "exported"]


async def test_a_link_is_good_once_and_only_its_hash_is_kept() -> None:
    world, ann, _ = await two_drivers()
    secret, made = await make_link(world, ann.id, STAFF)
    found = await find_link(world, secret)
    assert found == made
    assert await find_link(world, f"{secret}x") is None
    kept = await world.journal.documents(world.tenant, EXPORT_LINK)
    assert all(secret.encode() not in document.body + document.key.encode() for document in kept)
    assert await use_link(world, made)
    assert not await use_link(world, made)
    again = await find_link(world, secret)
    assert again is not None
    assert again.used_ms is not None
    assert await troubles(world) == []


async def test_a_link_expires_and_a_later_one_takes_its_place() -> None:
    world, ann, ben = await two_drivers()
    first, _ = await make_link(world, ann.id, STAFF)
    second, _ = await make_link(world, ann.id, STAFF)
    assert await find_link(world, first) is None
    assert await find_link(world, second) is not None
    assert isinstance(world.clock, TestClock)
    world.clock.at += timedelta(days=world.settings.retention.export_links_days)
    assert await find_link(world, second) is None
    await make_link(world, ben.id, STAFF)
    assert len(await world.journal.documents(world.tenant, EXPORT_LINK)) == 1
