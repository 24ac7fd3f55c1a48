"""An eMSP with cards that prove themselves: its own key counts, one request a proof, and offline charges as well."""

import io
from decimal import Decimal
from pathlib import Path

import pytest
from tests.emsp.emsp_world import TOKEN, World, bundled, open_world, read_decision
from tests.emsp.test_emsp_offline import offline, unheard, with_directory
from tests.emsp.test_emsp_process import prepare
from tests.support.charges import EMSP, LOG, ORIGIN, START_MS, seeded
from tests.support.worlds import tariff_record

from wattseal.cli.main import run
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.model.token import TokenStatus
from wattseal.parties.emsp.service import charge_to_json
from wattseal.seal.card import NOT_PROVED, OF_ANOTHER, STALE, Challenge
from wattseal.seal.fields import Identity, Ops, SettlementVerdict
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.writer import GroupDraft, Reader, SubjectKeys

CARD = SoftwareCard(TOKEN.value, b"c" * 32)
NONCE = b"n" * 16


def proved(world: World, seed: str = "tx", *, card: SoftwareCard = CARD, age_ms: int = 500) -> Item:
    """Write a request that the card has answered for."""
    if not world.desk_pen.items:
        world.desk_pen.write(Kind.BOOT, START_MS - 5_000)
    ms = START_MS - 4_000
    keys, made_ms = SubjectKeys.new(seeded(seed)), ms - age_ms
    challenge = Challenge(LOG, ORIGIN, 0, world.desk_pen.head.prev, keys.subject, 1, NONCE, made_ms, TOKEN)
    proof = challenge.proof(card.answer(challenge.message(CARD.spki)))
    readers = (Reader("MSP", EMSP.public),)
    groups = {
        Group.IDENTITY: GroupDraft(Identity(TOKEN.value, TOKEN.type, proof.shown()).to_fields(), readers),
        Group.OPS: GroupDraft(Ops(route="MSP", evse_id=1, nonce=NONCE).to_fields()),
    }
    return world.desk_pen.write(Kind.REQUEST, ms, keys, groups=groups)


async def test_a_proof_is_accepted_once_and_the_same_request_gets_the_same_decision(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.emsp.put_card_key(TOKEN, CARD.spki)
        request = proved(world)
        (decision,) = await world.send(request)
        said = read_decision(decision)
        assert (said.status, said.identified and said.identified[0]) == (TokenStatus.ACCEPTED, "SECURE")
        assert await world.send(request) == [decision]
        (again,) = await world.send(proved(world, "tx"))
        assert read_decision(again).status is TokenStatus.INVALID
        assert (await world.account()).held == Decimal(50)
        assert charge_to_json(await world.charge_of())["identity_level"] == "SECURE"


async def test_without_proof_with_an_old_one_and_with_anothers_it_is_refused(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.emsp.put_card_key(TOKEN, CARD.spki)
        tries = {
            NOT_PROVED: world.request("bare"),
            STALE: proved(world, "old", age_ms=60_001),
            OF_ANOTHER: proved(world, "strange", card=SoftwareCard(TOKEN.value, b"d" * 32)),
        }
        for (code, request), seed in zip(tries.items(), ("bare", "old", "strange"), strict=True):
            (decision,) = await world.send(request)
            assert (read_decision(decision).status, read_decision(decision).identified) == (TokenStatus.INVALID, None)
            assert (await world.charge_of(seed)).reason == code
        assert (await world.account()).held == 0


async def test_a_customer_that_is_changed_keeps_the_cards_key_and_a_number_without_key_is_hearsay(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        (decision,) = await world.send(world.request("before"))
        assert read_decision(decision).identified is None
        assert (await world.charge_of("before")).identity_level == "HEARSAY"
        await world.emsp.put_card_key(TOKEN, CARD.spki)
        await world.customer(limit="200")
        (decision,) = await world.send(world.request("after"))
        assert read_decision(decision).status is TokenStatus.INVALID


@pytest.mark.parametrize(("card", "paid"), [(None, False), (SoftwareCard(TOKEN.value, b"d" * 32), False), (CARD, True)])
async def test_an_offline_charge_of_such_a_card_is_paid_with_its_proof_and_not_without(
    tmp_path: Path, card: SoftwareCard | None, *, paid: bool
) -> None:
    async with open_world(tmp_path) as world:
        await world.emsp.put_card_key(TOKEN, CARD.spki)
        await with_directory(world)
        asked = [] if card is None else [proved(world, "offline", card=card)]
        said = await world.billed(bundled(offline(), [*asked, tariff_record()], energy_wh=None))
        assert (said.verdict is SettlementVerdict.ACCEPTED) is paid, said.reason
        assert paid or said.reason == "not_authorised_here"


@pytest.mark.parametrize("card", [CARD, SoftwareCard(TOKEN.value, b"d" * 32)])
async def test_what_an_edge_let_such_a_card_charge_while_cut_off_is_paid_by_the_proof_that_comes_later(
    tmp_path: Path, card: SoftwareCard
) -> None:
    async with open_world(tmp_path) as world:
        await world.emsp.put_card_key(TOKEN, CARD.spki)
        await with_directory(world)
        request = proved(world, card=card)
        world.clock.ms = START_MS + 3_600_000
        await world.send(request)
        await world.emsp.put_card_key(TOKEN, None)
        said = await world.billed(bundled(unheard(), [request, tariff_record()], energy_wh=None))
        paid = said.verdict is SettlementVerdict.ACCEPTED
        assert paid is (card is CARD), "the directory listed the card by its key, whatever holds today"
        assert ((await world.charge_of()).identity_level == "SECURE") is paid


def test_the_command_asks_for_a_key_or_none_and_for_a_customer(tmp_path: Path) -> None:
    prepare(tmp_path / "msp")
    words, errors = ["emsp", "card", "--data", str(tmp_path / "msp"), "--id-token", "NOBODY"], io.StringIO()
    (tmp_path / "card.hex").write_text(CARD.spki.hex())
    assert run(words, errors) != 0
    assert run([*words, "--key", str(tmp_path / "card.hex")], errors) != 0
    assert "--no-key" in errors.getvalue()
    assert "no customer with this token" in errors.getvalue()
