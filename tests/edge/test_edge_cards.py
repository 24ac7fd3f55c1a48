"""A card that proves itself, from its reader through an edge to the eMSP that enrolled its key, and ways around it."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.edge.edge_bench import MemoryCsms, bench
from tests.edge.edge_world import AT, CARD, NOW_MS, site

from wattseal.lab.grounds.card_sites import CardSites, EdgedStation, card_sites
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.model.token import TokenStatus
from wattseal.parties.edge.cards import CHALLENGE_MS
from wattseal.parties.edge.step import heartbeat
from wattseal.seal.card import NOT_PROVED, OF_ANOTHER, STALE
from wattseal.seal.fields import Decision
from wattseal.seal.item import Kind

OWNER = SoftwareCard("04A2B3C4D5E680", b"o" * 32)
NUMBER = OWNER.token.value


@asynccontextmanager
async def sites(folder: Path) -> AsyncIterator[tuple[CardSites, EdgedStation, EdgedStation]]:
    async with card_sites(folder / "sites") as made:
        await made.customer(OWNER)
        yield made, made.stations["ST1"], made.stations["ST2"]


async def test_a_card_that_answers_charges_and_the_decision_says_secure(tmp_path: Path) -> None:
    async with sites(tmp_path) as (world, here, _):
        assert await here.hold(OWNER) == "Accepted"
        assert await here.start(NUMBER) == "Accepted"
        (charge,) = await world.charges()
        assert (charge.identity_level, charge.token_status) == ("SECURE", TokenStatus.ACCEPTED)
        decision = next(
            i for i in await world.emsp.desk.books.items_of(bytes.fromhex(charge.subject)) if i.payload.refs
        )
        identified = Decision.read(decision.payload.public).identified
        assert identified is not None
        assert identified[0] == "SECURE"
        assert NUMBER.encode() not in b"".join(item.encode() for item in world.between.seen)


async def test_the_number_of_such_a_card_alone_is_refused_at_once(tmp_path: Path) -> None:
    async with sites(tmp_path) as (world, here, _):
        assert await here.start(NUMBER) == "Invalid"
        assert [charge.reason for charge in await world.charges()] == [NOT_PROVED]
        await world.emsp.put_card_key(OWNER.token, None)
        assert await here.start(NUMBER, 2) == "Accepted", "a number without a key is a number, as before"
        assert {charge.identity_level for charge in await world.charges()} == {None, "HEARSAY"}


async def test_one_answer_starts_one_charge(tmp_path: Path) -> None:
    async with sites(tmp_path) as (_, here, there):
        challenge = await here.challenge(NUMBER, OWNER.spki)
        signature = OWNER.answer(challenge)
        assert await here.prove(challenge, signature) == "Accepted"
        assert await here.prove(challenge, signature) == STALE
        assert await there.prove(challenge, signature) == STALE
        assert await here.start(NUMBER) == "Accepted"
        assert await here.start(NUMBER, 2) == "Invalid"


async def test_an_earlier_answer_fits_no_other_challenge(tmp_path: Path) -> None:
    async with sites(tmp_path) as (_, here, there):
        signature = OWNER.answer(await here.challenge(NUMBER, OWNER.spki))
        for station, evse_id in ((here, 1), (here, 2), (there, 1)):
            assert await station.prove(await station.challenge(NUMBER, OWNER.spki, evse_id), signature) == OF_ANOTHER


async def test_a_key_that_comes_along_counts_for_nothing(tmp_path: Path) -> None:
    async with sites(tmp_path) as (world, here, _):
        thief = SoftwareCard(NUMBER)
        assert await here.hold(thief) == "Invalid"
        assert [charge.reason for charge in await world.charges()] == [OF_ANOTHER]


async def test_what_was_proved_for_one_evse_is_no_good_at_another_and_stays_good_for_its_own(tmp_path: Path) -> None:
    async with sites(tmp_path) as (world, here, _):
        assert await here.hold(OWNER, 2) == "Accepted"
        assert await here.start(NUMBER, 1) == "Invalid"
        assert await here.start(NUMBER, 2) == "Accepted"
        (charge,) = await world.charges()
        chains = [await here.memory.items_from(evse_id, (0, 0), 9) for evse_id in (1, 2)]
        refs = [item.payload.refs for chain in chains for item in chain if item.payload.kind == Kind.STARTED]
        assert refs == [(), (bytes.fromhex(charge.decision),)]


async def test_a_strange_card_with_the_same_number_takes_nothing_from_the_one_that_proved_itself(
    tmp_path: Path,
) -> None:
    async with sites(tmp_path) as (_, here, _there):
        assert await here.hold(OWNER) == "Accepted"
        assert await here.hold(SoftwareCard(NUMBER)) == "Invalid"
        assert await here.start(NUMBER) == "Accepted"


async def test_a_transaction_that_waits_for_its_driver_is_what_the_card_answers_for(tmp_path: Path) -> None:
    at = site(version="2.0.1")
    async with bench(tmp_path, at) as b:
        info, evse = {"transactionId": "tx-1"}, {"id": 1, "connectorId": 1}
        event = {"timestamp": AT.isoformat(), "triggerReason": "Authorized", "transactionInfo": info, "evse": evse}
        await b.say("TransactionEvent", event | {"eventType": "Started", "seqNo": 0})

        async def transfer(message: str, **data: object) -> dict[str, str]:
            told = await b.say("DataTransfer", {"vendorId": "wattseal", "messageId": message, "data": data})
            found: dict[str, str] = told["data"]
            return found

        spki = b64encode(OWNER.spki).decode()
        challenge = (await transfer("card_challenge", idToken=NUMBER, evseId=1, publicKey=spki))["challenge"]
        signature = b64encode(OWNER.answer(b64decode(challenge))).decode()
        assert await transfer("card_proof", challenge=challenge, signature=signature) == {"status": "Accepted"}
        token = {"idToken": NUMBER, "type": "ISO14443"}
        told = await b.say("TransactionEvent", event | {"eventType": "Updated", "seqNo": 1, "idToken": token})
        assert told == {"idTokenInfo": {"status": "Accepted"}}
        await b.settle()
        about = {item.payload.subject for item in b.csms.items if item.payload.kind in {Kind.REQUEST, Kind.STARTED}}
        assert len(about) == 1


async def test_a_reader_that_serves_the_whole_station_proves_for_any_evse(tmp_path: Path) -> None:
    async with sites(tmp_path) as (_, here, _there):
        assert await here.hold(OWNER, 0) == "Accepted"
        assert await here.start(NUMBER, 2) == "Accepted"


async def test_a_challenge_is_over_after_half_a_minute_or_when_the_chain_has_moved_on(tmp_path: Path) -> None:
    async with sites(tmp_path) as (world, here, _):
        challenge = await here.challenge(NUMBER, OWNER.spki)
        world.clock.follow(world.clock.ms + CHALLENGE_MS + 1)
        assert await here.prove(challenge, OWNER.answer(challenge)) == STALE
        challenge = await here.challenge(NUMBER, OWNER.spki)
        memory = here.memory
        world.clock.follow(world.clock.ms + 1)
        async with memory.turn():
            await memory.commit(heartbeat(memory.state, memory.site, world.clock.ms + 400_000, online=True))
        assert await here.prove(challenge, OWNER.answer(challenge)) == STALE
        assert await here.hold(OWNER) == "Accepted"


async def test_an_edge_that_is_cut_off_takes_the_listed_card_by_its_answer_and_never_by_its_number(
    tmp_path: Path,
) -> None:
    async with sites(tmp_path) as (world, here, there):
        await world.directories()
        with world.cut_off():
            assert await here.start(NUMBER) == "Invalid"
            assert await here.hold(SoftwareCard(NUMBER)) == "Invalid"
            assert await there.hold(OWNER) == "Accepted"
            assert await there.start(NUMBER) == "Accepted"
        assert await here.start(NUMBER, 2) == "Invalid", "the directory does not list the bare number"


async def test_a_reader_that_sends_something_else_is_told_so(tmp_path: Path) -> None:
    async with sites(tmp_path) as (_, here, _there):
        for message in ("card_challenge", "card_proof"):
            assert await here.transfer(message, {"idToken": NUMBER, "evseId": -1}) == {"code": "unreadable"}
        said = await here.say("DataTransfer", {"vendorId": "wattseal", "messageId": "else", "data": "{}"})
        assert said == {"status": "UnknownVendorId"}


@pytest.mark.parametrize("status", [TokenStatus.INVALID, TokenStatus.BLOCKED])
async def test_a_refusal_is_told_at_once_though_its_decision_runs_out_at_once(
    tmp_path: Path, status: TokenStatus
) -> None:
    at = site()
    csms = MemoryCsms(at, status=status, expires_ms=NOW_MS)
    async with bench(tmp_path, at, csms=csms, budget_s=60) as b:
        assert await b.say("Authorize", {"idTag": CARD.value}) == {"idTagInfo": {"status": status.value}}
