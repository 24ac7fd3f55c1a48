"""Tariffs side by side: which one a driver charges under, changes under way, what eMSPs are told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.cpo_world import AT, Talker, TestClock, TestPartners, add_token, enrol, make_world, transactions

from wattseal.base.errors import InputError, StoreError
from wattseal.bundle.tariff import tariff_from_value, tariff_to_value
from wattseal.bundle.tariff_place import place_from_value
from wattseal.flow.charges.bundling import others_of, tariff_record
from wattseal.flow.charges.sealed import RELAY, Relay
from wattseal.flow.documents import TARIFF, put, put_token
from wattseal.flow.fleet.enrol import enrol_station
from wattseal.flow.fleet.sites import put_site, remove_site
from wattseal.flow.money.tariff_changes import assign, remove_tariff, set_tariff, unassign
from wattseal.flow.money.tariff_partners import tell_new_partners
from wattseal.flow.money.tariffs import (
    CURRENT_TARIFF,
    TARIFF_RECORD,
    KeptItemBytes,
    tariff_by_record,
    tariff_for,
    tariff_item,
)
from wattseal.flow.ports import Batch
from wattseal.flow.step import Step
from wattseal.flow.world import World
from wattseal.model.site import Site
from wattseal.model.station import Station
from wattseal.model.tariff import CurrentTariff, PriceComponent, Restrictions, Tariff, TariffElement
from wattseal.model.tariff_place import Level, TariffPlace
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.seal import dcbor
from wattseal.seal.item import Item, Kind, parse_item
from wattseal.seal.plain import PlainDraft

HARBOUR = Site(
    id="harbour",
    name="Harbour",
    address="Quay 1",
    city="Sample Town",
    country="DEU",
    latitude="53.55000",
    longitude="9.99000",
    time_zone="Europe/Berlin",
)


def tariff(tariff_id: str = "T1", per_kwh: str = "0.42", **more: Any) -> Tariff:
    elements = (TariffElement((PriceComponent("ENERGY", Decimal(per_kwh), Decimal(20), 1),)),)
    return Tariff("DE", "CPO", tariff_id, "EUR", elements, datetime(2026, 1, 1, tzinfo=UTC), **more)


async def a_world() -> World:
    world = make_world()
    await put_site(world, HARBOUR)
    await enrol(world, Station(id="CS1", site="harbour"))
    await enrol(world, "CS2")
    group = IdToken("FLEET", "Central")
    for value in ("CARD", "MEMBER"):
        token = TokenRecord(IdToken(value, "ISO14443"), TokenStatus.ACCEPTED)
        token = replace(token, group=group) if value == "MEMBER" else token
        await world.journal.commit(Batch(world.tenant, puts=(put_token(token, 0),)))
    return world


async def agreed(world: World, station: str, card: str = "CARD") -> str | None:
    """Charge, and return the id of the tariff that the charge's decision refers to."""
    talker = Talker(world, station)
    minutes = len(await transactions(world))
    number = await talker.start(card, minutes=minutes)
    await talker.stop(number, 2000, minutes=minutes)
    found = [t for t in await transactions(world, station) if t.transaction_id == str(number)]
    record = await tariff_record(world, await others_of(world, found[-1]))
    return None if record is None else tariff_from_value(record.payload.public[1]).id


async def relayed(world: World) -> list[Item]:
    due = await world.journal.outbox(world.tenant, 2**50, 100)
    return [parse_item(msgspec.json.decode(m.body, type=Relay).item) for m in due if m.kind == RELAY]


async def test_the_first_tariff_applies_everywhere_and_every_other_only_where_it_is_assigned() -> None:
    world = await a_world()
    assert await agreed(world, "CS2") is None
    await set_tariff(world, tariff("T1"))
    assert await agreed(world, "CS2") == "T1"
    await set_tariff(world, tariff("T2"))
    assert await agreed(world, "CS2") == "T1"


async def test_a_decision_refers_to_the_most_specific_tariff() -> None:
    world = await a_world()
    for name in ("cpo", "site", "station", "group", "token"):
        await set_tariff(world, tariff(name))
    assert await agreed(world, "CS1") == "cpo"
    await assign(world, Level.SITE, "harbour", "site")
    assert (await agreed(world, "CS1"), await agreed(world, "CS2")) == ("site", "cpo")
    await assign(world, Level.STATION, "cs1", "station")
    assert await agreed(world, "CS1") == "station"
    await assign(world, Level.GROUP, "fleet", "group")
    assert (await agreed(world, "CS1"), await agreed(world, "CS1", "MEMBER")) == ("station", "group")
    await assign(world, Level.TOKEN, " member ", "token")
    assert (await agreed(world, "CS2", "MEMBER"), await agreed(world, "CS2")) == ("token", "cpo")
    assert await unassign(world, Level.TOKEN, "MEMBER", "token")
    assert await agreed(world, "CS2", "MEMBER") == "group"


async def test_what_was_chosen_is_chosen_again_from_the_journal_alone() -> None:
    world = await a_world()
    await set_tariff(world, tariff("T1"))
    await set_tariff(world, tariff("T2"))
    await assign(world, Level.SITE, "harbour", "T2")
    world.forget()
    assert (await agreed(world, "CS1"), await agreed(world, "CS2")) == ("T2", "T1")


async def test_a_tariff_changed_under_way_changes_nothing_for_the_charge_and_the_next_one_gets_it() -> None:
    world = await a_world()
    old = await set_tariff(world, tariff(per_kwh="0.42"))
    talker = Talker(world, "CS2")
    number = await talker.start()
    new = await set_tariff(world, tariff(per_kwh="0.99"))
    await set_tariff(world, tariff("T2", "5"))
    await assign(world, Level.STATION, "CS2", "T2")
    await talker.meter(number, 1500)
    await talker.stop(number, 2000)
    (first,) = await transactions(world, "CS2")
    record = await tariff_record(world, await others_of(world, first))
    assert record is not None
    assert record.hash.hex() == old.record != new.record
    assert await agreed(world, "CS2") == "T2"


async def test_authorising_reads_nothing_for_the_tariff_once_it_is_in_memory() -> None:
    world = await a_world()
    await set_tariff(world, tariff())
    station, token = Station(id="CS1", site="harbour"), TokenRecord(IdToken("CARD", "x"), TokenStatus.ACCEPTED)

    class Closed:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    world.journal = Closed()
    found = await tariff_for(world, station, token, world.now_ms())
    assert found is not None
    assert found.tariff_id == "T1"
    world.tariff_book = None
    with pytest.raises(AssertionError):
        await tariff_for(world, station, token, world.now_ms())


async def test_a_tariff_that_has_ended_falls_through_to_the_next_level() -> None:
    world = await a_world()
    await set_tariff(world, tariff("T1"))
    await set_tariff(world, tariff("SALE", end_at=AT + timedelta(minutes=30)))
    await assign(world, Level.SITE, "harbour", "SALE")
    assert await agreed(world, "CS1") == "SALE"
    clock = world.clock
    assert isinstance(clock, TestClock)
    clock.at = AT + timedelta(minutes=40)
    assert await agreed(world, "CS1") == "T1"


async def test_the_same_tariff_again_is_the_same_record() -> None:
    world = await a_world()
    first = await set_tariff(world, tariff())
    assert await set_tariff(world, tariff()) == first
    assert (await set_tariff(world, tariff(per_kwh="0.43"))).record != first.record


async def test_ids_that_differ_in_case_only_are_one_id_and_one_spelling() -> None:
    world = await a_world()
    await set_tariff(world, tariff("Night"))
    with pytest.raises(InputError, match="differ in case") as refused:
        await set_tariff(world, tariff("NIGHT"))
    assert refused.value.code == "tariff_spelled_otherwise"
    assert (await assign(world, Level.STATION, "CS1", "night")).tariff_id == "Night"


@pytest.mark.parametrize(
    ("level", "name", "code"),
    [
        (Level.STATION, "NOWHERE", "no_such_station"),
        (Level.SITE, "nowhere", "no_such_site"),
        (Level.SITE, "HARBOUR", "no_such_site"),
        (Level.TOKEN, "NOBODY", "no_such_token"),
        (Level.TOKEN, "ROAMING", "token_of_party"),
        (Level.GROUP, " ", "bad_place"),
        (Level.STATION, "", "bad_place"),
        (Level.CPO, "CPO", "bad_place"),
    ],
)
async def test_what_is_not_there_is_assigned_nothing(level: Level, name: str, code: str) -> None:
    world = await a_world()
    await add_token(world, "ROAMING", party="MSP")
    await set_tariff(world, tariff())
    with pytest.raises(InputError) as refused:
        await assign(world, level, name, "T1")
    assert refused.value.code == code
    with pytest.raises(InputError, match="no such tariff"):
        await assign(world, Level.CPO, "", "T2")


async def test_a_tariff_goes_when_it_is_assigned_to_nothing_and_its_record_stays() -> None:
    world = await a_world()
    kept = await set_tariff(world, tariff("T1"))
    assert await agreed(world, "CS2") == "T1"
    with pytest.raises(InputError, match="assigned to cpo/") as refused:
        await remove_tariff(world, "T1")
    assert refused.value.code == "tariff_in_use"
    await set_tariff(world, tariff("T2"))
    await assign(world, Level.CPO, "", "T2")
    assert await remove_tariff(world, "t1")
    assert not await remove_tariff(world, "T1")
    world.forget()
    with pytest.raises(InputError, match="no such tariff"):
        await assign(world, Level.CPO, "", "T1")
    assert await tariff_item(world, kept.record) is not None, "bundles of old charges need it"
    assert await tariff_by_record(world, kept.record) == tariff("T1")
    (old,) = await transactions(world, "CS2")
    assert await tariff_record(world, await others_of(world, old)) is not None
    await set_tariff(world, tariff("T1", "0.50"))
    await assign(world, Level.STATION, "CS2", "T1")
    assert await agreed(world, "CS2") == "T1"


async def test_the_one_tariff_of_a_directory_of_old_is_the_cpos_default() -> None:
    world = await a_world()
    await world.chains.ready(world.billing_origin, 0)
    step = Step(world, "", world.now_ms())
    draft = PlainDraft(Kind.TARIFF, step.now_ms, public=dcbor.encode({1: tariff_to_value(tariff("OLD"))}))
    item = parse_item(step.write((world.billing_origin, 0), world.billing_key, draft, None).item)
    record = item.hash.hex()
    step.puts.append(put(TARIFF, CURRENT_TARIFF, CurrentTariff(record, "OLD"), step.now_ms))
    step.puts.append(put(TARIFF_RECORD, record, KeptItemBytes(item.encode()), step.now_ms))
    await step.commit()
    assert await agreed(world, "CS1") == "OLD"
    await set_tariff(world, tariff("NEW"))
    assert await agreed(world, "CS1") == "OLD", "it is not the first tariff"
    world.forget()
    assert await agreed(world, "CS1") == "OLD"
    assert await world.journal.document(world.tenant, TARIFF, CURRENT_TARIFF) is None
    await assign(world, Level.CPO, "", "NEW")
    world.forget()
    assert await agreed(world, "CS1") == "NEW"
    assert await remove_tariff(world, "OLD")


async def test_emsps_are_told_tariffs_and_where_they_apply_and_nothing_of_tokens_or_groups() -> None:
    world = await a_world()
    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = None  # type: ignore[assignment] # nobody is asked
    await set_tariff(world, tariff("T1"))
    await set_tariff(world, tariff("T2"))
    await assign(world, Level.SITE, "harbour", "T2")
    await assign(world, Level.STATION, "CS2", "T2")
    before = await relayed(world)
    await assign(world, Level.GROUP, "FLEET", "T2")
    await assign(world, Level.TOKEN, "MEMBER", "T2")
    await unassign(world, Level.TOKEN, "MEMBER", "T2")
    told = await relayed(world)
    assert len(told) == len(before), "who a driver is, is told to nobody"
    assert all(b"fleet" not in item.encode() and b"member" not in item.encode() for item in told)
    places = [place_from_value(item.payload.public[2]) for item in told if 2 in item.payload.public]
    assert sorted(places, key=lambda place: place.level) == [
        TariffPlace(Level.CPO, "", "T1"),
        TariffPlace(Level.SITE, "harbour", "T2", ("CS1",)),
        TariffPlace(Level.STATION, "cs2", "T2"),
    ]
    assert all(item.verify(world.billing_key.public, world.log_origin) for item in told)


async def test_a_station_that_comes_to_a_site_or_leaves_it_is_told_where_the_site_has_a_tariff() -> None:
    world = await a_world()
    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = None  # type: ignore[assignment] # nobody is asked
    await set_tariff(world, tariff("T1"))
    await set_tariff(world, tariff("T2"))
    await put_site(world, replace(HARBOUR, id="meadow"))
    await enrol_station(world, Station(id="CS2", site="meadow"), None)
    assert len(await relayed(world)) == 3, "no site has a tariff: there is nothing to tell"
    await assign(world, Level.SITE, "harbour", "T2")
    await enrol_station(world, Station(id="CS2", site="harbour"), None)
    assert await agreed(world, "CS2") == "T2"
    places = [place_from_value(item.payload.public[2]) for item in await relayed(world) if 2 in item.payload.public]
    assert [place.stations for place in places if place.level is Level.SITE] == [("CS1",), ("CS1", "CS2")]
    await enrol_station(world, Station(id="CS2", site="meadow"), None)
    places = [place_from_value(item.payload.public[2]) for item in await relayed(world) if 2 in item.payload.public]
    assert [place.stations for place in places if place.level is Level.SITE][-1] == ("CS1",)
    world.forget()
    assert (await agreed(world, "CS1"), await agreed(world, "CS2")) == ("T2", "T1")


async def test_a_site_that_a_tariff_is_assigned_to_stays() -> None:
    world = await a_world()
    await set_tariff(world, tariff())
    await put_site(world, replace(HARBOUR, id="empty"))
    await assign(world, Level.SITE, "empty", "T1")
    with pytest.raises(InputError, match="a tariff is assigned"):
        await remove_site(world, "empty")
    await unassign(world, Level.SITE, "empty", "T1")
    assert await remove_site(world, "empty")


@pytest.mark.parametrize(
    ("elements", "subject"),
    [
        ((), "elements_missing"),
        ((TariffElement((PriceComponent("GOODWILL", Decimal(1), None, 1),)),), "elements[0].price_components[0]"),
        (
            (TariffElement((PriceComponent("ENERGY", Decimal(1), None, 1),), Restrictions(unknown=("moon",))),),
            "elements[0].moon",
        ),
        ((TariffElement((PriceComponent("ENERGY", Decimal(1), Decimal(200), 1),)),), "elements[0].price_components[0]"),
    ],
)
async def test_a_tariff_under_which_no_charge_can_be_priced_is_refused_by_its_field(
    elements: tuple[TariffElement, ...], subject: str
) -> None:
    world = await a_world()
    with pytest.raises(InputError) as refused:
        await set_tariff(world, replace(tariff(), elements=elements))
    assert (refused.value.code, refused.value.subject) == ("tariff_not_priceable", subject)
    assert await agreed(world, "CS1") is None


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"start_at": AT, "end_at": AT}, "end_date_time"),
        ({"time_zone": "Moon/Base"}, "time_zone"),
        ({"currency": "eur"}, "currency"),
    ],
)
async def test_what_is_no_tariff_at_all_is_refused(change: dict[str, Any], subject: str) -> None:
    with pytest.raises(InputError) as refused:
        await set_tariff(await a_world(), replace(tariff(), **change))
    assert refused.value.subject == subject


async def test_a_change_that_cannot_be_stored_changes_nothing() -> None:
    world = await a_world()
    await set_tariff(world, tariff("T1"))
    await set_tariff(world, tariff("T2"))
    commit = world.journal.commit

    async def full(batch: Batch) -> Any:
        del batch
        raise StoreError("no room", code="full")

    world.journal.commit = full  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        await assign(world, Level.CPO, "", "T2")
    world.journal.commit = commit  # type: ignore[method-assign]
    assert await agreed(world, "CS1") == "T1"
    await assign(world, Level.CPO, "", "T2")
    assert await agreed(world, "CS1") == "T2"


async def test_an_emsp_that_is_new_is_told_what_is_in_force_once() -> None:
    world = await a_world()
    await set_tariff(world, tariff("T1"))
    await set_tariff(world, tariff("T1", "0.50"))
    await assign(world, Level.STATION, "CS1", "T1")
    await assign(world, Level.TOKEN, "MEMBER", "T1")
    await set_tariff(world, tariff("GONE"))
    await remove_tariff(world, "GONE")
    assert await relayed(world) == [], "nobody was there to be told"
    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = None  # type: ignore[assignment] # nobody is asked
    assert await tell_new_partners(world) == ("MSP",)
    told = await relayed(world)
    prices = [tariff_from_value(item.payload.public[1]) for item in told if 1 in item.payload.public]
    places = {place_from_value(item.payload.public[2]).level for item in told if 2 in item.payload.public}
    assert (prices, places) == ([tariff("T1", "0.50")], {Level.CPO, Level.STATION})
    assert await tell_new_partners(world) == ()
