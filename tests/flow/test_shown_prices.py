"""The price at the station: in the answer to a token (2.x), and as the tariff by which 2.1 stations compute."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from tests.flow.test_charging import Line
from tests.support.cpo_world import Talker, enrol, make_world

from wattseal.base.ids import StationId
from wattseal.flow.documents import put_token
from wattseal.flow.limits.station_tariffs import tariffs_of
from wattseal.flow.limits.tariff_installing import Installed, due, install
from wattseal.flow.money.tariff_changes import assign, set_tariff, unassign
from wattseal.flow.ports import Batch, Silence
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.station import Station
from wattseal.model.tariff import PriceComponent, Tariff, TariffElement
from wattseal.model.tariff_place import Level
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.wire.ocpp.rpc import CallError
from wattseal.wire.ocpp.version import Version

CS1 = StationId("CS1")


def tariff(tariff_id: str = "T1", per_kwh: str = "0.35", step: int = 1) -> Tariff:
    elements = (TariffElement((PriceComponent("ENERGY", Decimal(per_kwh), Decimal(20), step),)),)
    return Tariff("DE", "CPO", tariff_id, "EUR", elements, datetime(2026, 1, 1, tzinfo=UTC))


async def a_world(*, shown: bool = True, **token: Any) -> World:
    world = make_world()
    world.settings = replace(world.settings, charging=replace(world.settings.charging, show_price=shown))
    await enrol(world, Station(id="CS1"))
    card = TokenRecord(IdToken("CARD", "ISO14443"), TokenStatus.ACCEPTED, **token)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(card, 0),)))
    return world


async def told(world: World, version: Version = Version.V201) -> dict[str, Any]:
    talker = Talker(world, "CS1", version)
    token: Any = "CARD" if version is Version.V16 else {"idToken": "CARD", "type": "ISO14443"}
    answer = await talker.call("Authorize", {"idTag" if version is Version.V16 else "idToken": token})
    info: dict[str, Any] = answer.get("idTokenInfo") or answer["idTagInfo"]
    return info


async def test_the_answer_to_a_token_says_the_price_that_its_decision_refers_to() -> None:
    for version in (Version.V201, Version.V21):
        world = await a_world()
        await set_tariff(world, tariff("T1"))
        await set_tariff(world, tariff("CARDS", "0.10"))
        assert (await told(world, version))["personalMessage"] == {
            "format": "UTF8",
            "content": "0.42 EUR/kWh, incl. 20 % VAT",
        }
        await assign(world, Level.TOKEN, "CARD", "CARDS")
        await set_tariff(world, tariff("T1", "0.99"))
        again = (await told(world, version))["personalMessage"]["content"]
        assert again.startswith("0.42"), "it was decided before, and that decision holds"
        world.stations.clear()
        assert (await told(world, version))["personalMessage"]["content"] == "0.12 EUR/kWh, incl. 20 % VAT"


async def test_the_operators_own_words_follow_the_price_in_the_drivers_language() -> None:
    world = await a_world(language="de-AT", message="Willkommen!")
    await set_tariff(world, tariff())
    content = (await told(world))["personalMessage"]["content"]
    assert content == "0,42 EUR/kWh, inkl. 20 % USt. - Willkommen!"
    long = await a_world(message="x" * 500)
    await set_tariff(long, tariff())
    assert (await told(long))["personalMessage"]["content"] == "0.42 EUR/kWh, incl. 20 % VAT", "nothing is cut off"


async def test_no_price_is_told_where_it_is_off_where_there_is_none_or_in_1_6() -> None:
    off = await a_world(shown=False)
    await set_tariff(off, tariff())
    assert "personalMessage" not in await told(off)
    assert "personalMessage" not in await told(await a_world()), "no tariff, no price"
    old = await a_world()
    await set_tariff(old, tariff())
    assert (await told(old, Version.V16)).keys() <= {"status", "expiryDate", "parentIdTag"}


async def a_station(version: Version = Version.V21) -> tuple[World, Line, Installed]:
    world = await a_world()
    line = Line(version)
    line.replies["ClearTariffs"] = {"clearTariffsResult": [{"status": "Accepted"}]}
    world.lines = line
    await remember_station(world, CS1)
    return world, line, Installed()


async def follow(world: World, installed: Installed) -> None:
    for one in await due(world, installed):
        await install(world, installed, one)


async def test_a_2_1_station_is_given_the_tariff_that_applies_to_it_whenever_that_changes() -> None:
    world, line, installed = await a_station()
    await follow(world, installed)
    assert line.asked == []
    first = await set_tariff(world, tariff("T1"))
    await set_tariff(world, tariff("T2", "0.50"))
    for _ in range(2):
        await follow(world, installed)
    ((action, sent),) = line.asked
    assert (action, sent["evseId"], sent["tariff"]["tariffId"]) == ("SetDefaultTariff", 0, f"T1~{first.record[:8]}")
    await assign(world, Level.STATION, "CS1", "T2")
    await follow(world, installed)
    assert line.asked[-1][1]["tariff"]["energy"]["prices"] == [{"priceKwh": 0.5}]
    (kept,) = await tariffs_of(world, CS1)
    assert kept.tariff_id.startswith("T2~"), "the one before is not its default any more"
    await unassign(world, Level.STATION, "CS1", "T2")
    await unassign(world, Level.CPO, "", "T1")
    await follow(world, installed)
    assert line.asked[-1] == ("ClearTariffs", {"tariffIds": [kept.tariff_id]})
    await follow(world, installed)
    assert len(line.asked) == 3


async def test_what_2_1_cannot_say_is_not_sent_and_a_station_without_tariffs_is_left_alone() -> None:
    world, line, installed = await a_station()
    await set_tariff(world, tariff(step=500))
    await follow(world, installed)
    assert (line.asked, world.counters["tariff_not_expressible"]) == ([], 1)
    await follow(world, installed)
    assert world.counters["tariff_not_expressible"] == 1, "it is not tried over and over"
    await set_tariff(world, tariff())
    line.replies["SetDefaultTariff"] = Silence.TIMED_OUT
    await follow(world, installed)
    line.replies["SetDefaultTariff"] = CallError("1", "SetDefaultTariff", "NotSupported", "", msgspec.Raw(b"{}"), b"")
    await follow(world, installed)
    assert len(line.asked) == 1, "it is left alone for a while"
    installed.not_before_ms.clear()
    for _ in range(2):
        await follow(world, installed)
    assert (len(line.asked), installed.deaf) == (2, {"CS1"})


async def test_a_station_that_refuses_keeps_what_it_has_and_older_versions_are_sent_nothing() -> None:
    world, line, installed = await a_station()
    line.replies["SetDefaultTariff"] = {"status": "ConditionNotSupported"}
    await set_tariff(world, tariff())
    for _ in range(2):
        await follow(world, installed)
    assert (len(line.asked), world.counters["tariff_refused_by_station"]) == (1, 1)
    assert await tariffs_of(world, CS1) == ()
    other, quiet, nothing = await a_station(Version.V201)
    await set_tariff(other, tariff())
    await follow(other, nothing)
    assert quiet.asked == []
