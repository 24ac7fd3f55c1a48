"""A card's bare number may draw so much, where the operator says so; what is surer may draw more."""

import pytest
from tests.support.cpo_world import Talker, add_token, enrol, make_world, transactions

from wattseal.flow.documents import put_token
from wattseal.flow.ports import Batch
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.model.transaction import Billing, Transaction

CAP_WH = 20_000


async def charged(world: World, card: str, energy_wh: int) -> Transaction:
    station = Talker(world, "ST1")
    await station.stop(await station.start(card, wh=0), energy_wh)
    return max(await transactions(world), key=lambda one: one.recorded_ms)


async def made(hearsay_cap_wh: int | None = None) -> World:
    world = make_world(settings=Settings(hearsay_cap_wh=hearsay_cap_wh))
    await enrol(world, "ST1")
    await add_token(world, "CARD")
    app = TokenRecord(IdToken("APP", "Central"), TokenStatus.ACCEPTED)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(app, 0),)))
    return world


@pytest.mark.parametrize(("energy_wh", "billing"), [(CAP_WH, Billing.BILLED), (CAP_WH + 1, Billing.QUARANTINED)])
async def test_beyond_the_cap_a_bare_number_waits_for_a_decision(energy_wh: int, billing: Billing) -> None:
    found = await charged(await made(hearsay_cap_wh=CAP_WH), "CARD", energy_wh)
    assert found.identity_level == "HEARSAY"
    assert found.billing is billing
    codes = {note.code for note in found.findings}
    assert ("hearsay_cap_exceeded" in codes) is (billing is Billing.QUARANTINED)


async def test_what_an_app_has_enrolled_is_not_bounded_by_it() -> None:
    found = await charged(await made(hearsay_cap_wh=CAP_WH), "APP", CAP_WH + 10_000)
    assert found.billing is Billing.BILLED


async def test_negative_control_without_the_setting_a_bare_number_draws_as_much_as_any() -> None:
    found = await charged(await made(), "CARD", CAP_WH + 10_000)
    assert (found.billing, found.identity_level) == (Billing.BILLED, "HEARSAY")
