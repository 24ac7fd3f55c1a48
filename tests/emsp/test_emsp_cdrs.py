from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.emsp.emsp_world import CONTRACT, World, bundled, open_world, read_decision, subject
from tests.support.worlds import tariff_record

from wattseal.base.errors import InputError
from wattseal.lab.grounds import provider
from wattseal.model.cdr import Cdr
from wattseal.model.provider import Charge, ChargeStatus
from wattseal.wire.ocpi.v2_2_1.cdrs import decode_cdr


def cdr_json(auth_id: bytes, **changes: Any) -> bytes:
    """Return the CDR of a charge that was authorised under `auth_id`: what its settlement comes to, and `changes`."""
    told = {"country_code": "ZZ", "total_energy": 2.0, "total_cost": {"excl_vat": 1.34, "incl_vat": 1.61}}
    return provider.cdr_json(auth_id, "cdr-1", **(told | changes))


async def settled(world: World) -> bytes:
    request, decision = await world.authorised()
    items = world.charged(decision)
    await world.billed(bundled(items, [request, decision, tariff_record()]))
    return read_decision(decision).auth_id


async def sent(world: World, raw: bytes) -> Charge:
    cdr: Cdr = decode_cdr(raw)
    await world.emsp.receive_cdr(CONTRACT, cdr, raw)
    return await world.charge_of()


async def test_a_cdr_that_asks_for_what_was_settled_matches(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        charge = await sent(world, cdr_json(await settled(world)))
        assert (charge.cdr, charge.cdr_dispute) == ("cdr-1", None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total_energy": 2.001}, "total_energy"),
        ({"total_cost": {"excl_vat": 1.35, "incl_vat": 1.61}}, "total_cost excl_vat"),
        ({"total_cost": {"excl_vat": 1.34, "incl_vat": 1.62}}, "total_cost incl_vat"),
        ({"currency": "SEK"}, "currency"),
    ],
)
async def test_a_cdr_that_asks_for_anything_else_is_disputed_by_field(
    tmp_path: Path, changes: dict[str, Any], field: str
) -> None:
    async with open_world(tmp_path) as world:
        charge = await sent(world, cdr_json(await settled(world), **changes))
        assert charge.cdr_dispute is not None
        assert (charge.cdr_dispute.reason, charge.cdr_dispute.field) == ("cdr_differs", field)
        assert (await world.account()).captured == Decimal("1.61")


async def test_a_cdr_that_comes_before_its_bundle_is_compared_when_the_charge_is_settled(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        charge = await sent(world, cdr_json(read_decision(decision).auth_id, total_energy=9.9))
        assert charge.cdr_dispute is None
        await world.billed(bundled(world.charged(decision), [request, decision, tariff_record()]))
        charge = await world.charge_of()
        assert charge.cdr_dispute is not None
        assert charge.cdr_dispute.field == "total_energy"


async def test_a_cdr_is_found_by_its_session_id_too(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await settled(world)
        charge = await sent(world, cdr_json(b"?", authorization_reference="none", session_id=subject().hex()))
        assert charge.cdr == "cdr-1"


async def test_the_same_cdr_again_changes_nothing_and_an_edited_one_is_refused(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        raw = cdr_json(await settled(world))
        first = await sent(world, raw)
        assert await sent(world, raw) == first
        with pytest.raises(InputError, match="other contents"):
            await sent(world, raw.replace(b"2.0", b"3.0"))
        assert await world.emsp.cdr(CONTRACT, "cdr-1") == raw


async def test_a_second_cdr_for_a_charge_is_flagged_and_the_first_stands(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        auth_id = await settled(world)
        await sent(world, cdr_json(auth_id))
        charge = await sent(world, cdr_json(auth_id, id="cdr-2"))
        assert (charge.cdr, charge.alarms) == ("cdr-1", ("second_cdr",))


async def test_a_credit_cdr_of_another_cdr_is_kept_and_moves_no_money(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        charge = await sent(world, cdr_json(await settled(world), credit=True, credit_reference_id="cdr-0"))
        assert charge.alarms == ("credit_cdr",)
        assert (await world.account()).captured == Decimal("1.61")


CREDIT = {
    "id": "cdr-1-C",
    "credit": True,
    "credit_reference_id": "cdr-1",
    "total_cost": {"excl_vat": -1.34, "incl_vat": -1.61},
}
LESS = {"id": "cdr-2", "total_cost": {"excl_vat": 0.67, "incl_vat": 0.80}, "total_energy": 1.0}


async def test_a_credit_cdr_gives_the_customer_back_what_the_charge_cost(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        auth_id = await settled(world)
        await sent(world, cdr_json(auth_id))
        charge = await sent(world, cdr_json(auth_id, **CREDIT))
        assert (charge.status, charge.alarms) == (ChargeStatus.CREDITED, ("credit_cdr",))
        assert (await world.account()).captured == 0
        await world.emsp.desk.books.check_sums()


@pytest.mark.parametrize(
    "changes",
    [
        {"total_cost": {"excl_vat": -1.34, "incl_vat": -1.60}},
        {"total_cost": {"excl_vat": 1.34, "incl_vat": 1.61}},
        {"currency": "SEK"},
        {"credit_reference_id": "cdr-9"},
    ],
)
async def test_a_credit_of_any_other_amount_moves_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    async with open_world(tmp_path) as world:
        auth_id = await settled(world)
        await sent(world, cdr_json(auth_id))
        charge = await sent(world, cdr_json(auth_id, **CREDIT | changes))
        assert charge.status is ChargeStatus.SETTLED
        assert (await world.account()).captured == Decimal("1.61")


async def test_after_a_credit_a_cdr_asks_for_what_is_left_and_no_more(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        auth_id = await settled(world)
        await sent(world, cdr_json(auth_id))
        await sent(world, cdr_json(auth_id, **CREDIT))
        dearer = LESS | {"total_cost": {"excl_vat": 1.35, "incl_vat": 1.62}, "id": "cdr-3"}
        charge = await sent(world, cdr_json(auth_id, **dearer))
        assert charge.alarms == ("credit_cdr", "second_cdr")
        assert (await world.account()).captured == 0
        charge = await sent(world, cdr_json(auth_id, **LESS))
        assert (charge.status, charge.cdr) == (ChargeStatus.SETTLED, "cdr-2")
        assert (await world.account()).captured == Decimal("0.80")
        await world.emsp.desk.books.check_sums()


async def test_a_credited_charge_is_not_paid_again_by_sending_its_bundle_again(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        bundle = bundled(world.charged(decision), [request, decision, tariff_record()])
        first = await world.billed(bundle)
        auth_id = read_decision(decision).auth_id
        await sent(world, cdr_json(auth_id))
        await sent(world, cdr_json(auth_id, **CREDIT))
        assert await world.billed(bundle) == first
        assert (await world.account()).captured == 0


async def test_another_cpo_cannot_see_or_claim_a_charge(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        raw = cdr_json(await settled(world))
        other = replace(CONTRACT, party="OTHER")
        world.emsp.desk.contracts = {"CPO": CONTRACT, "OTHER": other}
        with pytest.raises(InputError):
            await world.emsp.receive_cdr(other, decode_cdr(raw), raw)
        theirs = cdr_json(b"?", party_id="OTH", session_id=subject().hex())
        await world.emsp.receive_cdr(other, decode_cdr(theirs), theirs)
        assert (await world.charge_of()).cdr is None
        assert await world.emsp.cdr(CONTRACT, "cdr-1") is None


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ({"country_code": "NL"}, "country_code"),
        ({"party_id": "NEW"}, "party_id"),
        ({"country_code": "nl", "party_id": "cpo"}, "country_code"),
    ],
)
async def test_a_cdr_in_another_name_than_the_signed_tariffs_is_not_taken(
    tmp_path: Path, name: dict[str, str], field: str
) -> None:
    async with open_world(tmp_path) as world:
        auth_id = await settled(world)
        raw = cdr_json(auth_id, **name)
        with pytest.raises(InputError) as refused:
            await world.emsp.receive_cdr(CONTRACT, decode_cdr(raw), raw)
        assert (refused.value.code, refused.value.subject) == ("party_of_another", field)
        assert (await world.charge_of()).cdr is None
        right = cdr_json(auth_id, country_code="zz", party_id="Cpo")
        await world.emsp.receive_cdr(CONTRACT, decode_cdr(right), right)
        assert (await world.charge_of()).cdr == "cdr-1"


async def test_a_partner_of_one_country_sends_no_cdr_of_another_for_any_charge(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        dutch = cdr_json(b"nobody here saw it", country_code="NL")
        with pytest.raises(InputError):
            await world.emsp.receive_cdr(replace(CONTRACT, country="zz"), decode_cdr(dutch), dutch)
        assert await world.emsp.cdr(CONTRACT, "cdr-1") is None
        await world.emsp.receive_cdr(replace(CONTRACT, country="nl"), decode_cdr(dutch), dutch)
        assert await world.emsp.cdr(CONTRACT, "cdr-1") == dutch


async def test_a_cdr_for_no_charge_of_ours_is_kept_and_pays_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        raw = cdr_json(b"nobody here saw it")
        await world.emsp.receive_cdr(CONTRACT, decode_cdr(raw), raw)
        assert await world.emsp.cdr(CONTRACT, "cdr-1") == raw
        assert await world.emsp.charges() == []
