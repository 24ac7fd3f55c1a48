"""Which of a CPO's tariffs an eMSP agrees to: the most specific one published for the station, as signed by then."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.emsp.emsp_world import World, open_world
from tests.support.charges import ORIGIN, START_MS, pen
from tests.support.worlds import CSMS_KEY, tariff, tariff_record

from wattseal.base.errors import InputError
from wattseal.bundle.tariff import tariff_to_value
from wattseal.bundle.tariff_place import place_to_value
from wattseal.model.tariff import Tariff
from wattseal.model.tariff_place import Level, TariffPlace
from wattseal.parties.emsp.tariffs import tariff_at
from wattseal.seal.item import Item, Kind

STATION = ORIGIN.partition("/")[2]
NOW = START_MS - 3_000


class Cpo:
    """A CPO's billing chain, written on after the tariff that the world knows."""

    def __init__(self) -> None:
        self.pen = pen("CPO/tariffs", key=CSMS_KEY, stream=0, seed="tariffs")
        self.pen.write(Kind.BOOT, START_MS - 9000)
        assert self.pen.write(Kind.TARIFF, START_MS - 8000, public={1: tariff_to_value(tariff())}) == tariff_record()

    def tariff(self, tariff_id: str, *, ms: int = START_MS - 7000, **more: Any) -> Item:
        made: Tariff = replace(tariff(), id=tariff_id, **more)
        return self.pen.write(Kind.TARIFF, ms, public={1: tariff_to_value(made)})

    def place(self, level: Level, name: str, tariff_id: str | None, *stations: str) -> Item:
        value = place_to_value(TariffPlace(level, name, tariff_id, stations))
        return self.pen.write(Kind.TARIFF, START_MS - 6000, public={2: value})


async def agreed(world: World, origin: str = ORIGIN, at_ms: int = NOW) -> str | None:
    found = await tariff_at(world.emsp.desk, "CPO", origin, at_ms)
    return None if found is None else found.tariff.id


async def test_the_decision_names_the_most_specific_tariff_published_for_the_station(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        cpo = Cpo()
        assert await agreed(world) == "T1", "a CPO that says nothing of places has one tariff"
        await world.send(cpo.tariff("SITE"), cpo.tariff("STATION"), cpo.place(Level.CPO, "", "T1"))
        assert await agreed(world) == "T1", "the newest is not the one that applies"
        await world.send(cpo.place(Level.SITE, "harbour", "SITE", STATION, "CS9"))
        assert (await agreed(world), await agreed(world, "CPO/CS9"), await agreed(world, "CPO/CS8")) == (
            "SITE",
            "SITE",
            "T1",
        )
        named = cpo.place(Level.STATION, STATION.casefold(), "STATION")
        await world.send(named)
        assert await agreed(world) == "STATION"
        assert await agreed(world, f"{ORIGIN}~csms") == "STATION"
        _, decision = await world.authorised()
        charge = await world.charge_of()
        assert charge.tariff is not None
        assert bytes.fromhex(charge.tariff) in decision.payload.refs
        found = await tariff_at(world.emsp.desk, "CPO", ORIGIN, NOW)
        assert found is not None
        assert charge.tariff == found.record.hex()


async def test_a_station_that_leaves_a_site_or_a_tariff_taken_away_leaves_the_next_level(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        cpo = Cpo()
        await world.send(cpo.tariff("SITE"), cpo.place(Level.CPO, "", "T1"))
        there = cpo.place(Level.SITE, "harbour", "SITE", STATION)
        await world.send(there)
        assert await agreed(world) == "SITE"
        await world.send(cpo.place(Level.SITE, "harbour", "SITE"))
        assert await agreed(world) == "T1"
        await world.send(there)
        assert await agreed(world) == "T1", "an older record sent again changes nothing"
        await world.send(cpo.place(Level.SITE, "Harbour", "SITE", STATION))
        assert await agreed(world) == "SITE"
        await world.send(cpo.place(Level.SITE, "Harbour", None))
        assert await agreed(world) == "T1"
        await world.send(cpo.place(Level.CPO, "", None))
        assert await agreed(world) is None


async def test_what_arrives_in_any_order_means_the_same(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        cpo = Cpo()
        first, second = cpo.tariff("T2"), cpo.tariff("T2", last_updated=datetime(2026, 2, 1, tzinfo=UTC))
        away, there = cpo.place(Level.CPO, "", "T1"), cpo.place(Level.CPO, "", "T2")
        await world.send(there)
        assert await agreed(world) is None, "the tariff itself is not known yet"
        await world.send(second, first, away)
        found = await tariff_at(world.emsp.desk, "CPO", ORIGIN, NOW)
        assert found is not None
        assert found.record == second.hash


async def test_a_charge_that_began_offline_is_under_what_was_signed_by_then(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        cpo = Cpo()
        old, new = cpo.tariff("T2", ms=START_MS - 7000), cpo.tariff("T2", ms=START_MS - 2000, min_price=None)
        await world.send(old, new, cpo.place(Level.CPO, "", "T2"))
        for at_ms, record in ((START_MS - 3000, old), (START_MS, new)):
            found = await tariff_at(world.emsp.desk, "CPO", ORIGIN, at_ms)
            assert found is not None
            assert found.record == record.hash


async def test_a_tariff_outside_its_validity_leaves_the_cpos_own(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        cpo = Cpo()
        ends = datetime.fromtimestamp((NOW - 1) / 1000, UTC)
        await world.send(cpo.tariff("SALE", end_at=ends), cpo.place(Level.CPO, "", "T1"))
        await world.send(cpo.place(Level.STATION, STATION, "SALE"))
        assert (await agreed(world, at_ms=NOW - 2), await agreed(world)) == ("SALE", "T1")


@pytest.mark.parametrize(
    "value",
    [
        {1: 9},
        {1: 2},
        {1: 1, 2: "named"},
        {1: 3, 2: "CS1", 4: ["CS1", 7]},
        {1: 3, 2: "CS1", 3: 5},
        {1: 3, 2: "CS1", 5: 1},
        {1: 4},
        {1: True},
        {1: 5, 3: "T1"},
        [1],
    ],
)
async def test_a_place_that_is_none_or_private_is_refused_and_changes_nothing(tmp_path: Path, value: Any) -> None:
    async with open_world(tmp_path) as world:
        with pytest.raises(InputError):
            await world.send(Cpo().pen.write(Kind.TARIFF, START_MS - 6000, public={2: value}))
        assert await agreed(world) == "T1"
