from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.emsp.emsp_world import CONTRACT, TOKEN, open_world, read_decision, subject
from tests.support.charges import START_MS, pen, signing_key
from tests.support.worlds import EMSP_KEY, tariff, tariff_record

from wattseal.base.errors import InputError, StoreError
from wattseal.base.ids import Origin, TenantId
from wattseal.crypto.keys import Algorithm
from wattseal.flow.ports import KeptItem
from wattseal.model.provider import ChargeStatus, HoldState
from wattseal.model.token import IdToken, TokenStatus
from wattseal.parties.emsp.books import Entries
from wattseal.parties.emsp.desk import Terms
from wattseal.parties.emsp.service import charge_to_json
from wattseal.rules.settlement import Contract
from wattseal.seal.item import Kind


async def test_a_known_customer_is_accepted_with_a_hold_and_a_cap_that_the_hold_pays(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        said = read_decision(decision)
        assert said.status is TokenStatus.ACCEPTED
        assert decision.payload.refs == (request.hash, tariff_record().hash)
        assert decision.payload.subject == request.payload.subject
        assert decision.verify(EMSP_KEY.public, CONTRACT.log_origin)
        account = await world.account()
        assert (account.held, account.available) == (Decimal(50), Decimal(50))
        # 50 EUR at 0.42 EUR/kWh and a 0.50 EUR fee, 20 % VAT: 98.02 kWh is the most it pays, to the cent
        assert said.cap_wh is not None
        assert abs(Decimal(said.cap_wh) - (Decimal(50) / Decimal("1.2") - Decimal("0.5")) / Decimal("0.42") * 1000) < 10


async def test_the_same_request_gets_the_same_decision_and_one_hold_even_after_a_restart(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        assert await world.send(request) == [decision]
    async with open_world(tmp_path) as world:
        assert await world.send(request) == [decision]
        assert (await world.account()).held == Decimal(50)


async def test_the_hold_is_durable_before_the_decision_leaves(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request = world.request()
        await world.journal.close()
        with pytest.raises(StoreError):
            await world.send(request)
    async with open_world(tmp_path) as world:
        assert (await world.account()).held == 0


async def test_nothing_is_decided_on_a_chain_looked_at_before_a_failing_journal_worked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_world(tmp_path) as world:
        books, look, request = world.emsp.desk.books, world.journal.chain_head, world.request()

        async def looked(tenant: TenantId, origin: Origin, stream: int) -> KeptItem | None:
            found = await look(tenant, origin, stream)
            books.doubt()
            return found

        monkeypatch.setattr(world.journal, "chain_head", looked)
        with pytest.raises(StoreError, match="say it again"):
            await world.send(request)
        monkeypatch.undo()
        assert (await world.account()).held == 0
        (decision,) = await world.send(request)
        assert read_decision(decision).status is TokenStatus.ACCEPTED


@pytest.mark.parametrize("status", [TokenStatus.BLOCKED, TokenStatus.EXPIRED, TokenStatus.INVALID])
async def test_a_customer_that_may_not_charge_is_told_so_and_nothing_is_held(
    tmp_path: Path, status: TokenStatus
) -> None:
    async with open_world(tmp_path) as world:
        await world.emsp.put_customer(TOKEN, status, await world.account())
        _, decision = await world.authorised()
        assert read_decision(decision).status is status
        assert (await world.account()).held == 0


async def test_an_unknown_token_is_unknown(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        _, decision = await world.authorised(token=IdToken("NOBODY", "ISO14443"))
        assert read_decision(decision).status is TokenStatus.UNKNOWN


async def test_one_spelling_of_a_token_is_as_good_as_another(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        _, decision = await world.authorised(token=IdToken(" driver-1 ", "Central"))
        assert read_decision(decision).status is TokenStatus.ACCEPTED


async def test_money_cannot_be_held_twice(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        said = [read_decision((await world.authorised(f"tx{n}"))[1]).status for n in range(3)]
        assert said == [TokenStatus.ACCEPTED, TokenStatus.ACCEPTED, TokenStatus.NO_CREDIT]
        assert (await world.account()).available == 0


async def test_what_is_left_is_held_and_caps_the_charge(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.customer(limit="6")
        _, decision = await world.authorised()
        said = read_decision(decision)
        assert said.status is TokenStatus.ACCEPTED
        assert said.cap_wh is not None
        assert said.cap_wh < 11_000


async def test_a_request_signed_by_nobody_enrolled_is_declined_and_spoils_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        genuine = world.request()
        forger = pen(stream=0, key=signing_key("stranger"), seed="desk")
        world.desk_pen, real = forger, world.desk_pen
        forged = world.request()
        world.desk_pen = real
        assert forged.payload.subject == genuine.payload.subject
        (declined,) = await world.send(forged)
        assert read_decision(declined).status is TokenStatus.INVALID
        (accepted,) = await world.send(genuine)
        assert read_decision(accepted).status is TokenStatus.ACCEPTED


async def test_a_genuine_request_with_a_spoilt_signature_is_declined_and_the_genuine_one_accepted(
    tmp_path: Path,
) -> None:
    async with open_world(tmp_path) as world:
        genuine = world.request()
        assert genuine.signature is not None
        spoilt = replace(genuine, signature=replace(genuine.signature, signature=bytes([1]) * 64))
        (declined,) = await world.send(spoilt)
        assert read_decision(declined).status is TokenStatus.INVALID
        (accepted,) = await world.send(genuine)
        assert read_decision(accepted).status is TokenStatus.ACCEPTED


async def test_an_old_request_is_no_good(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.clock.ms += 3_600_000
        _, decision = await world.authorised()
        assert read_decision(decision).status is TokenStatus.INVALID
        assert (await world.charge_of()).reason == "request_not_fresh"


async def test_a_partner_cannot_ask_in_anothers_name(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        world.contract = Contract("OTHER", "OTHER/log")
        _, decision = await world.authorised()
        assert read_decision(decision).status is TokenStatus.INVALID


async def test_a_subject_is_used_once(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.authorised()
        _, second = await world.authorised()
        assert read_decision(second).status is TokenStatus.INVALID
        assert (await world.account()).held == Decimal(50)


async def test_one_card_charging_at_two_places_is_flagged_at_both(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        _, decision = await world.authorised("one")
        await world.send(world.charged(decision, "one")[0])
        await world.authorised("two")
        assert (await world.charge_of("two")).alarms == ()  # the same station: one place
        one = await world.charge_of("one")
        moved = replace(one, origin="CPO/CS009")
        books = world.emsp.desk.books
        await books.commit(Entries(puts=[books.put_charge(moved)]))
        await world.customer(limit="500")
        await world.authorised("three")
        assert (await world.charge_of("three")).alarms == ("concurrent_use",)
        assert (await world.charge_of("one")).alarms == ("concurrent_use",)


async def test_a_hold_runs_out_with_the_authorisation_when_nothing_starts(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        _, starting = await world.authorised("started")
        _, decision = await world.authorised("never")
        await world.send(world.charged(starting, "started")[0])
        world.clock.ms = read_decision(decision).expires_ms + 1
        assert await world.emsp.release_expired() == 1
        assert (await world.charge_of("never")).status is ChargeStatus.EXPIRED
        assert (await world.charge_of("started")).status is ChargeStatus.CHARGING
        assert (await world.account()).held == Decimal(50)
        await world.emsp.start()


async def test_a_customer_in_another_currency_than_the_tariff_is_declined(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        token = IdToken("FOREIGNER", "ISO14443")
        await world.customer(token, currency="SEK")
        _, decision = await world.authorised(token=token)
        assert read_decision(decision).status is TokenStatus.NO_CREDIT


async def test_an_older_tariff_sent_again_does_not_come_back_into_force(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        newer = tariff_record(tariff("0.60"))
        await world.send(newer)
        await world.send(tariff_record())
        _, decision = await world.authorised()
        assert newer.hash in decision.payload.refs


async def test_a_tariff_signed_by_nobody_enrolled_is_refused(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        forged = pen("CPO/tariffs", key=signing_key("stranger", Algorithm.ED25519), stream=0)
        forged.write(Kind.BOOT, START_MS - 9000)
        item = forged.write(Kind.TARIFF, START_MS - 8000, public=dict(tariff_record().payload.public))
        with pytest.raises(InputError):
            await world.send(item)


async def test_without_a_tariff_the_cap_is_the_house_limit(tmp_path: Path) -> None:
    async with open_world(tmp_path, contract=Contract("CPO", "CPO/log"), terms=Terms(max_session_wh=7)) as world:
        _, decision = await world.authorised()
        assert read_decision(decision).cap_wh == 7


async def test_books_that_do_not_add_up_keep_the_doors_shut(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.authorised()
        books = world.emsp.desk.books
        charge = await world.charge_of()
        assert charge.hold is not None
        edited = replace(charge, hold=replace(charge.hold, state=HoldState.RELEASED))
        await books.commit(Entries(puts=[books.put_charge(edited)]))
        with pytest.raises(StoreError, match="add up"):
            await world.emsp.start()


async def test_a_declined_charge_tells_why_in_the_sessions_view(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await world.authorised(token=IdToken("NOBODY", "ISO14443"))
        shown = charge_to_json(await world.charge_of())
        assert (shown["status"], shown["token_status"], shown["reason"]) == ("declined", "Unknown", "unknown_token")
        assert shown["subject"] == subject().hex()
        assert "NOBODY" not in str(shown)


async def test_decisions_for_one_cpo_tell_it_nothing_of_anothers(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        first = (await world.authorised("a"))[1]
        world.contract = Contract("OTHER", "OTHER/log")
        other = (await world.authorised("b"))[1]
        world.contract = CONTRACT
        second = (await world.authorised("c"))[1]
        assert second.payload.seq == first.payload.seq + 1
        assert other.payload.stream != first.payload.stream
