"""Cards that prove themselves at direct stations: the CPO's own by the key it enrolled, an eMSP's by the eMSP."""

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import Raw
from tests.support.cpo_world import Talker, TestClock, TestPartners, add_token, enrol, make_world, transactions

from wattseal.app.station_card import proves_itself
from wattseal.base.errors import InputError
from wattseal.base.ids import Subject
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.flow.drivers import authorise
from wattseal.flow.drivers.cards import CHALLENGE_MS
from wattseal.flow.fleet.enrol import put_a_token, put_card_key
from wattseal.flow.settings import Settings
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.lab.means.software_card import SoftwareCard
from wattseal.model.local_list import ListPolicy
from wattseal.model.message import Fact
from wattseal.model.token import TokenRecord, TokenStatus
from wattseal.model.transaction import Transaction
from wattseal.rules.local_lists import entry_for
from wattseal.rules.recorded import read_item
from wattseal.seal import dcbor
from wattseal.seal.card import OF_ANOTHER, STALE, check_proof
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.rpc import CallResult
from wattseal.wire.ocpp.version import Version

OWNER = SoftwareCard("04A2B3C4D5E680", b"o" * 32)
NUMBER = OWNER.token.value


async def made(*, enrolled: bool = True, party: str | None = None, settings: Settings | None = None) -> World:
    world = make_world(settings=settings)
    await enrol(world, "ST1")
    await enrol(world, "ST2")
    await add_token(world, NUMBER, party=party)
    if enrolled:
        await put_card_key(world, NUMBER.lower(), OWNER.spki)
    return world


class Reader:
    """A station and the reader of its cards."""

    def __init__(self, world: World, station_id: str = "ST1", version: Version = Version.V16) -> None:
        self.station = Talker(world, station_id, version)
        self._ocpp16 = version is Version.V16

    async def transfer(self, message: str, data: dict[str, Any]) -> dict[str, Any]:
        told = await self.station.call(
            "DataTransfer",
            {"vendorId": "wattseal", "messageId": message, "data": json.dumps(data) if self._ocpp16 else data},
        )
        found: dict[str, Any] = json.loads(told["data"]) if self._ocpp16 else told["data"]
        assert ("code" in found) is (told["status"] == "Rejected")
        return found

    async def challenge(self, spki: bytes = OWNER.spki, evse_id: int = 1) -> bytes:
        shown = {"idToken": NUMBER, "evseId": evse_id, "publicKey": base64.b64encode(spki).decode()}
        return base64.b64decode((await self.transfer("card_challenge", shown))["challenge"])

    async def prove(self, challenge: bytes, signature: bytes) -> str:
        spelled = [base64.b64encode(part).decode() for part in (challenge, signature)]
        told = await self.transfer("card_proof", dict(zip(("challenge", "signature"), spelled, strict=True)))
        return str(told.get("status") or told["code"])

    async def hold(self, card: SoftwareCard = OWNER, evse_id: int = 1) -> str:
        challenge = await self.challenge(card.spki, evse_id)
        return await self.prove(challenge, card.answer(challenge))

    async def start(self, connector: int = 1, minutes: int = 0) -> str:
        told = await self.station.call(
            "StartTransaction",
            {"connectorId": connector, "idTag": NUMBER, "meterStart": 0, "timestamp": self.station.at(minutes)},
        )
        return str(told["idTagInfo"]["status"])


async def newest(world: World) -> Transaction:
    return max(await transactions(world), key=lambda one: one.recorded_ms)


async def request_of(world: World, transaction: Transaction) -> Item:
    kept = await world.journal.items_by_subject(world.tenant, Subject(bytes.fromhex(transaction.id)))
    return next(i for i in (parse_item(one.item.item) for one in kept) if i.payload.kind == Kind.REQUEST)


async def test_a_card_that_answers_charges_securely_beyond_what_a_bare_number_may() -> None:
    world = await made(settings=Settings(hearsay_cap_wh=20_000))
    reader = Reader(world)
    assert await reader.hold() == "Accepted"
    number = await reader.station.start(NUMBER, wh=0)
    await reader.station.stop(number, 25_000)
    session = await newest(world)
    assert (session.identity_level, session.billing.value) == ("SECURE", "billed")
    request = await request_of(world, session)
    identity = read_item(request).identity
    assert identity is not None
    assert check_proof(request, identity, 1, world.log_origin, OWNER.spki) is None
    assert check_proof(request, identity, 2, world.log_origin, OWNER.spki) == OF_ANOTHER


async def test_the_number_alone_is_refused_in_a_signed_decision_and_not_billed() -> None:
    world = await made()
    reader = Reader(world)
    assert (await reader.station.call("Authorize", {"idTag": NUMBER}))["idTagInfo"]["status"] == "Invalid"
    number = await reader.station.start(NUMBER, wh=0)
    await reader.station.stop(number, 5_000)
    session = await newest(world)
    assert (session.authorization, session.identity_level) == (TokenStatus.INVALID, "HEARSAY")
    assert session.billing.value != "billed"


async def test_an_earlier_answer_another_key_and_one_that_comes_along_begin_nothing() -> None:
    world = await made()
    here, there = Reader(world), Reader(world, "ST2")
    challenge = await here.challenge()
    signature = OWNER.answer(challenge)
    assert await there.prove(challenge, signature) == STALE
    assert await here.prove(challenge, signature) == "Accepted"
    assert await here.start() == "Accepted"
    assert await here.prove(challenge, signature) == STALE
    for reader, evse_id in ((here, 1), (here, 2), (there, 1)):
        assert await reader.prove(await reader.challenge(OWNER.spki, evse_id), signature) == OF_ANOTHER
        assert await reader.hold(SoftwareCard(NUMBER), evse_id) == OF_ANOTHER
    assert await there.start() == "Invalid"
    assert await here.start(connector=2) == "Invalid"


async def test_what_was_proved_for_one_evse_stays_good_for_it_whatever_is_tried_at_another() -> None:
    world = await made()
    reader = Reader(world)
    assert await reader.hold(evse_id=2) == "Accepted"
    assert await reader.start(connector=1) == "Invalid"
    assert await reader.start(connector=2) == "Accepted"
    assert [one.authorization for one in await transactions(world)].count(TokenStatus.ACCEPTED) == 1


async def test_a_challenge_is_over_in_half_a_minute_or_when_another_record_has_come() -> None:
    world = await made()
    reader = Reader(world)
    clock = world.clock
    assert isinstance(clock, TestClock)
    challenge = await reader.challenge()
    clock.at += timedelta(milliseconds=CHALLENGE_MS + 1)
    assert await reader.prove(challenge, OWNER.answer(challenge)) == STALE
    challenge = await reader.challenge()
    memory = next(iter(world.stations.values()))
    step = Step(world, "ST1", world.now_ms())
    draft = PlainDraft(Kind.HEARTBEAT, world.now_ms(), public=dcbor.encode({1: 0}))
    step.write((memory.origin, 0), world.csms_key, draft, None)
    await step.commit()
    assert await reader.prove(challenge, OWNER.answer(challenge)) == STALE
    assert await reader.hold() == "Accepted"


async def test_a_2x_transaction_that_waits_for_its_driver_is_what_the_card_answers_for() -> None:
    world = await made()
    reader = Reader(world, version=Version.V201)
    token = {"idToken": NUMBER, "type": "ISO14443"}

    async def tell(kind: str, seq: int, **more: Any) -> dict[str, Any]:
        event = {"eventType": kind, "timestamp": reader.station.at(), "triggerReason": "Authorized", "seqNo": seq}
        info = {"transactionId": "tx-1"}
        return await reader.station.call("TransactionEvent", event | {"transactionInfo": info} | more)

    await tell("Started", 0, evse={"id": 1, "connectorId": 1})
    assert await reader.hold() == "Accepted"
    assert (await newest(world)).identity_level == "SECURE", "it is its driver's from the card on"
    told = await tell("Updated", 1, idToken=token)
    assert told["idTokenInfo"]["status"] == "Accepted"
    assert (await newest(world)).identity_level == "SECURE"


@pytest.mark.parametrize("version", Version)
async def test_the_simulated_reader_lets_the_card_in_and_no_other(version: Version) -> None:
    world = await made()
    station = Talker(world, "ST1", version)

    async def ask(fact: Fact) -> object:
        action, payload = catalog.ask(version, fact)
        answer = await station.raw(action, json.loads(payload))
        assert isinstance(answer, bytes)
        at = world.clock.now()
        return catalog.hear(version, CallResult("1", action, Raw(answer), answer, at))

    ocpp16 = version is Version.V16
    for seed, let_in in ((b"o" * 32, True), (b"x" * 32, False)):
        key = SigningKey.from_seed(Algorithm.ESP256, seed)
        assert await proves_itself(ask, OWNER.token, key, 1, ocpp16=ocpp16) is let_in


async def test_a_card_without_an_enrolled_key_is_the_number_it_always_was() -> None:
    world = await made(enrolled=False)
    reader = Reader(world)
    assert await reader.hold() == "Accepted"
    assert await reader.start() == "Accepted"
    assert (await newest(world)).identity_level == "HEARSAY"


async def test_an_emsp_is_sent_the_proof_and_its_word_counts() -> None:
    world = await made(enrolled=False, party="MSP")
    sent: list[Item] = []

    async def ask(party: str, items: Sequence[bytes]) -> tuple[bytes, ...]:
        del party
        sent.extend(parse_item(item) for item in items)
        return ()

    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = ask
    assert await Reader(world).hold() == "Invalid"
    (request,) = sent
    identity = read_item(request).identity
    assert identity is not None
    assert check_proof(request, identity, 1, world.log_origin, OWNER.spki) is None


async def test_such_a_card_is_on_no_local_list_and_does_not_charge_while_the_csms_was_away() -> None:
    world = await made()
    reader = Reader(world)
    clock = world.clock
    assert isinstance(clock, TestClock)
    clock.at += timedelta(hours=2)
    assert await reader.start(minutes=0) == "Invalid"
    token = TokenRecord(OWNER.token, TokenStatus.ACCEPTED)
    listed = [
        entry_for(each, "ST1", ListPolicy.OWN, frozenset(), clock.at)
        for each in (token, replace(token, card_key=OWNER.spki))
    ]
    assert [entry is not None for entry in listed] == [True, False]


async def test_a_token_that_is_changed_keeps_its_key_unless_an_emsp_decides_from_then_on() -> None:
    world = await made()
    await put_a_token(world, TokenRecord(OWNER.token, TokenStatus.ACCEPTED))
    assert await Reader(world).start() == "Invalid"
    for value, code in ((NUMBER, "bad_key"), ("NOBODY", "no_such_token")):
        with pytest.raises(InputError) as raised:
            await put_card_key(world, value, b"no key")
        assert raised.value.code == code
    await put_a_token(world, TokenRecord(OWNER.token, TokenStatus.ACCEPTED, party="MSP"))
    with pytest.raises(InputError) as raised:
        await put_card_key(world, NUMBER, OWNER.spki)
    assert raised.value.code == "token_of_party"
    await put_a_token(world, TokenRecord(OWNER.token, TokenStatus.ACCEPTED))
    assert await Reader(world).start(connector=2) == "Accepted", "the key went when the eMSP came"
    assert (await put_card_key(world, NUMBER, OWNER.spki)).card_key == OWNER.spki
    assert (await put_card_key(world, NUMBER, None)).card_key is None


@pytest.mark.parametrize(
    "data", ["", "[]", "{", {"idToken": ""}, {"idToken": "X", "publicKey": "?"}, {"idToken": "X", "evseId": True}]
)
async def test_what_a_reader_sends_that_is_none_of_it_is_refused(data: object) -> None:
    world = await made()
    station = Talker(world, "ST1")
    for message in ("card_challenge", "card_proof"):
        text = data if isinstance(data, str) else json.dumps(data)
        told = await station.call("DataTransfer", {"vendorId": "wattseal", "messageId": message, "data": text})
        assert (told["status"], json.loads(told["data"])) == ("Rejected", {"code": "unreadable"})


async def test_negative_control_without_the_check_the_number_alone_charges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authorise, "own_card_key", lambda _token: None)
    assert await Reader(await made()).start() == "Accepted"
