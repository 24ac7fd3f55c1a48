"""An eMSP's code at a CPO: the eMSP decides on the code itself, and a card that is blocked leaves the app as it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from tests.support.app_codes import EMSP, StartLines, app_world, enrol_emsp, later
from tests.support.charges import Pen
from tests.support.cpo_world import (
    LOG,
    SeededRandom,
    Talker,
    TestPartners,
    own_entry,
    seal_key,
    signing_key,
    transactions,
)
from tests.support.memory_journal import MemoryJournal
from tests.support.proving import troubles

from wattseal.bundle.trust import Root, Trust
from wattseal.crypto.keys import SigningKey
from wattseal.flow.documents import ALARM, TOKEN, removal
from wattseal.flow.drivers.app_codes import USED_CODE, Begun, NotStarted, forget_old, redeem
from wattseal.flow.ports import Batch
from wattseal.flow.world import World
from wattseal.model.provider import Account, ChargeStatus
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp import codes
from wattseal.parties.emsp.books import Books
from wattseal.parties.emsp.codes import Place
from wattseal.parties.emsp.desk import Desk, EmspKeys, Terms
from wattseal.parties.emsp.service import Emsp
from wattseal.rules.settlement import Contract
from wattseal.seal.fields import Decision, Identity, Ops
from wattseal.seal.item import Group, Kind, parse_item
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import GroupDraft, Reader, SubjectKeys, Writer

CARD = IdToken("04A1B2C3D4E5F6", "ISO14443")
HERE = ("ST1", 1)
PLACE = Place("CPO", *HERE)
DAY_S = 86_400


@dataclass
class Both:
    """A CPO and an eMSP that knows each other's keys, and one customer with an app."""

    world: World
    lines: StartLines
    emsp: Emsp
    alias: str = ""
    asked: int = 0

    @property
    def desk(self) -> Desk:
        return self.emsp.desk

    async def code(self, place: Place = PLACE) -> str:
        return (await codes.issue(self.desk, self.alias, place))[1]

    async def customer(self, card: TokenStatus | None = None) -> None:
        await self.emsp.put_customer(CARD, TokenStatus.ACCEPTED, Account("EUR", Decimal(100)), card)


def _trusted(key: SigningKey) -> Trust:
    root = signing_key("root")
    entries = (
        own_entry(f"{EMSP}/*", Role.EMSP, key.public.spki, party=EMSP),
        Entry(1, f"{EMSP}/*", Role.EMSP, EMSP, EMSP, seal_key("emsp").public.spki, Use.SEAL, 0),
        own_entry("CPO/*", Role.CSMS, signing_key("csms").public.spki),
    )
    statements = tuple(entry.issue(root, "registry") for entry in entries)
    return Trust((Root("registry", root.public, "REG"),), (), (), 1, statements)


async def both() -> Both:
    lines = StartLines()
    world = await app_world(lines)
    key = enrol_emsp(world)
    books = Books(EMSP, MemoryJournal(), world.clock, SeededRandom("emsp"))
    contract = Contract("CPO", LOG)
    emsp = Emsp(Desk(EMSP, EmspKeys(key, seal_key("emsp")), Terms(), {"CPO": contract}, books, _trusted(key)))

    async def ask(party: str, items: Sequence[bytes]) -> tuple[bytes, ...]:
        assert party == EMSP
        return tuple(await emsp.receive_items(contract, items))

    assert isinstance(world.partners, TestPartners)
    world.partners.parties_by_name[EMSP] = ask
    made = Both(world, lines, emsp)
    await made.customer()
    made.alias, _ = await codes.put_app(made.desk, CARD, None, TokenStatus.ACCEPTED)
    return made


async def test_the_emsp_signs_that_its_code_was_shown_and_the_cpo_never_learns_whose_it_is() -> None:
    at = await both()
    begun = await redeem(at.world, await at.code(), *HERE)
    assert isinstance(begun, Begun)
    (sent,) = at.lines.sent
    assert CARD.value not in str(sent)
    station = Talker(at.world, "ST1")
    await station.stop(await station.start(sent["idTag"], wh=0), 7_000)
    (found,) = await transactions(at.world)
    assert (found.party, found.identity_level, found.authorization) == (EMSP, "TRUSTED", TokenStatus.ACCEPTED)
    assert found.identified is not None
    assert await troubles(at.world) == []
    charge = await at.desk.books.charge(bytes.fromhex(found.id))
    assert charge is not None
    assert (charge.customer, charge.status) == (CARD.key(), ChargeStatus.AUTHORISED)


async def test_a_cpo_that_sends_a_code_twice_is_refused_by_the_emsp_itself() -> None:
    at = await both()
    code = await at.code()
    assert isinstance(await redeem(at.world, code, *HERE), Begun)
    (used,) = await at.world.journal.documents(at.world.tenant, USED_CODE)
    crooked = removal(USED_CODE, used.key, 0)
    await at.world.journal.commit(Batch(at.world.tenant, puts=(crooked,)))
    assert await redeem(at.world, code, *HERE) == NotStarted("token_refused", "Invalid")


async def test_an_emsp_that_does_not_answer_begins_nothing_and_leaves_the_code_good() -> None:
    at = await both()
    partners, code = at.world.partners, await at.code()
    assert isinstance(partners, TestPartners)

    async def silence(_party: str, _items: Sequence[bytes]) -> None:
        return None

    answers = partners.parties_by_name[EMSP]
    partners.parties_by_name[EMSP] = silence
    assert await redeem(at.world, code, *HERE) == NotStarted("token_refused", "Invalid")
    partners.parties_by_name[EMSP] = answers
    assert isinstance(await redeem(at.world, code, *HERE), Begun)


async def test_a_copied_card_is_blocked_and_its_owner_goes_on_by_app() -> None:
    at = await both()
    await at.customer(card=TokenStatus.BLOCKED)
    assert isinstance(await redeem(at.world, await at.code(), *HERE), Begun)


async def test_a_lost_phone_is_blocked_and_takes_neither_the_card_nor_the_other_phone_with_it() -> None:
    at = await both()
    lost = await at.code()
    other, _ = await codes.put_app(at.desk, CARD, None, TokenStatus.ACCEPTED)
    await codes.put_app(at.desk, CARD, at.alias, TokenStatus.BLOCKED)
    assert await redeem(at.world, lost, *HERE) == NotStarted("token_refused", "Blocked")
    at.alias = other
    assert isinstance(await redeem(at.world, await at.code(), *HERE), Begun)
    customer = await at.desk.books.customer(CARD)
    assert customer is not None
    assert (customer.status, customer.card) == (TokenStatus.ACCEPTED, TokenStatus.ACCEPTED)


async def test_a_restart_between_the_code_and_the_start_loses_nothing() -> None:
    at = await both()
    begun = await redeem(at.world, await at.code(), *HERE)
    assert isinstance(begun, Begun)
    at.world.forget()
    station = Talker(at.world, "ST1")
    number = await station.start(at.lines.sent[0]["idTag"], wh=0)
    (found,) = await transactions(at.world)
    assert (found.id, found.authorization) == (begun.subject, TokenStatus.ACCEPTED)
    await station.stop(number, 7_000)
    assert await troubles(at.world) == []


async def test_a_used_code_shown_again_begins_nothing_and_is_an_alarm_unless_it_is_at_once() -> None:
    at = await both()
    code = await at.code()
    assert isinstance(await redeem(at.world, code, *HERE), Begun)
    assert await redeem(at.world, code, *HERE) == NotStarted("used")
    assert await at.world.journal.documents(at.world.tenant, ALARM) == ()
    later(at.world, 90)
    assert await redeem(at.world, code, *HERE) == NotStarted("used")
    (alarm,) = await at.world.journal.documents(at.world.tenant, ALARM)
    assert b"app_code_replayed" in alarm.body


async def test_used_codes_and_drawn_tokens_are_forgotten_a_day_later_and_on_both_sides() -> None:
    at = await both()
    assert isinstance(await redeem(at.world, await at.code(), *HERE), Begun)
    later(at.world, DAY_S)
    assert await forget_old(at.world) == 0
    later(at.world, 400)
    assert await forget_old(at.world) == 1
    kept = [one.key for one in await at.world.journal.documents(at.world.tenant, TOKEN)]
    assert kept == ["app"]
    assert await codes.forget_old(at.desk.books) == 1
    assert await codes.forget_old(at.desk.books) == 0


EDGE = signing_key("edge")


async def asked_by(at: Both, key: SigningKey, token: str, origin: str = "CPO/ST1") -> TokenStatus:
    """Ask the eMSP about a token as a station's own signer does, or as `key` does in its name."""
    writer = Pen(Writer.new(origin, LOG, key, SeededRandom(f"{origin} {at.asked}").bytes), 0)
    at.asked += 1
    now_ms = at.desk.books.now_ms()
    writer.write(Kind.BOOT, now_ms)
    ops = Ops(route=EMSP, evse_id=1, nonce=bytes(16))
    groups = {
        Group.IDENTITY: GroupDraft(Identity(token, "Central").to_fields(), (Reader(EMSP, seal_key("emsp").public),)),
        Group.OPS: GroupDraft(ops.to_fields()),
    }
    keys = SubjectKeys.new(SeededRandom(f"subject {at.asked}").bytes)
    request = writer.write(Kind.REQUEST, now_ms, keys, groups=groups)
    (answer,) = await at.emsp.receive_items(Contract("CPO", LOG), [request.encode()])
    said = Decision.read(parse_item(answer).payload.public)
    assert (said.identified is not None) is (said.status is TokenStatus.ACCEPTED)
    return said.status


async def test_an_edge_that_asks_about_the_drawn_token_is_granted_what_its_cpo_was_and_in_its_place() -> None:
    at = await both()
    at.desk.registry.trust(own_entry("CPO/ST1", Role.EDGE, EDGE.public.spki, party="SITE"))
    at.desk.registry.trust(own_entry("CPO/ST2", Role.EDGE, signing_key("edge2").public.spki, party="SITE"))
    at.world.registry.trust(own_entry("CPO/ST1", Role.EDGE, EDGE.public.spki, party="SITE"))
    assert isinstance(await redeem(at.world, await at.code(), *HERE), Begun)
    token = at.lines.sent[-1]["idTag"]
    assert await asked_by(at, signing_key("edge2"), token, "CPO/ST2") is TokenStatus.INVALID, "not at another station"
    assert await asked_by(at, signing_key("csms"), token) is TokenStatus.INVALID, "not the CPO once more"
    assert await asked_by(at, EDGE, token) is TokenStatus.ACCEPTED
    charges = {charge.status: charge for charge in await at.emsp.charges()}
    assert charges[ChargeStatus.AUTHORISED].origin == "CPO/ST1"
    assert charges[ChargeStatus.EXPIRED].origin == "CPO/ST1~csms"
    customer = await at.desk.books.customer(CARD)
    assert customer is not None
    assert customer.account.held == Decimal(50), "one hold for one charge"
    assert await asked_by(at, EDGE, "NOBODYS-TOKEN") is TokenStatus.UNKNOWN
    later(at.world, 1_000)
    assert await asked_by(at, EDGE, token) is TokenStatus.INVALID, "and not for ever"
    await at.desk.books.check_sums()
