"""Sessions that an edge tells: watched by time where registers are sealed, by what the signer states where not."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from tests.flow.test_sealed_charge import EDGE, MSP, READERS, Edge, Provider, send
from tests.support.cpo_world import AT, Talker, TestClock, TestPartners, add_token, enrol, make_world, transactions
from tests.support.proving import troubles

from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.transaction import Transaction
from wattseal.model.verdict import EvidencePin, Grade, Source
from wattseal.seal.fields import Meter, Ops
from wattseal.seal.item import Group, Item, Kind, parse_item
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import GroupDraft, SubjectKeys
from wattseal.watch import DETECTORS, Watch

HOUR_MS = 3_600_000


@pytest.fixture
async def world() -> World:
    made = make_world()
    partners = made.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = Provider().answer
    made.registry.trust(Entry(1, "CPO/EDGED", Role.EDGE, "SITE", "SITE", EDGE.public.spki, Use.SIGN, 0))
    made.registry.trust(Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", MSP.public.spki, Use.SIGN, 0))
    pin = EvidencePin(Grade.G2, Source.EDGE)
    evse = EvseEnrolment(id=1, rated_power_w=22_000)
    await enrol(made, Station(id="EDGED", pin=pin, evses=(evse,)))
    return made


async def told(
    world: World,
    edge: Edge,
    name: str,
    *,
    hours: tuple[float, float],
    wh: tuple[int, int] = (0, 1000),
    unaccounted: int | None = None,
    sealed: bool = True,
) -> None:
    """Tell a session between two hours after the first, between two registers."""
    clock = world.clock
    assert isinstance(clock, TestClock)
    edge.subject = SubjectKeys.new(edge.writer.random)
    items: list[Item] = [edge.request()] if edge.heads else [edge.boot(), edge.request()]
    decision = parse_item((await send(world, *items))[-1])
    base_ms = int(AT.timestamp() * 1000)
    for kind, hour, register_wh in ((Kind.STARTED, hours[0], wh[0]), (Kind.ENDED, hours[1], wh[1])):
        ms = base_ms + int(hour * HOUR_MS)
        clock.at = max(clock.at, datetime.fromtimestamp(ms / 1000, UTC))
        stated = None if unaccounted is None or kind is Kind.ENDED else Decimal(unaccounted)
        meter = Meter(Decimal(register_wh), unaccounted_wh=stated)
        ops = Ops(transaction_id=name, station_ms=ms)
        groups = {
            Group.METER: GroupDraft(meter.to_fields(), READERS if sealed else ()),
            Group.OPS: GroupDraft(ops.to_fields()),
        }
        refs = (decision.hash,) if kind is Kind.STARTED else ()
        await send(world, edge.write(kind, groups, refs))


def codes(found: Sequence[Transaction]) -> set[str]:
    return {note.code for t in found for note in (*t.alarms, *t.findings)}


async def test_honest_sealed_sessions_one_after_the_other_are_quiet(world: World) -> None:
    edge = Edge()
    await told(world, edge, "1", hours=(0, 1), wh=(1000, 9000))
    await told(world, edge, "2", hours=(1.1, 2), wh=(9000, 12_000))
    found = await transactions(world)
    assert [t.sealed for t in found] == [True, True]
    assert codes(found) == set()
    assert await troubles(world) == []


@pytest.mark.parametrize("watched", [True, False])
async def test_two_sealed_sessions_at_once_overlap_in_time(world: World, *, watched: bool) -> None:
    if not watched:
        world.watch = Watch([each for each in DETECTORS if each.code != "session_overlap"])
    edge = Edge()
    await told(world, edge, "1", hours=(0, 1))
    world.forget()
    await told(world, edge, "2", hours=(0.5, 1))
    assert codes(await transactions(world)) - {"time_differs"} == ({"session_overlap"} if watched else set())
    assert await troubles(world) == []


@pytest.mark.parametrize(
    ("stated", "code"), [(-400, "register_rolled_back"), (400, "unaccounted_energy"), (0, None), (50, None)]
)
async def test_what_a_signer_states_of_the_energy_between_is_looked_at(
    world: World, stated: int, code: str | None
) -> None:
    edge = Edge()
    await told(world, edge, "1", hours=(0, 1), wh=(1000, 9000), sealed=False)
    start = 9000 + max(stated, 0)
    await told(world, edge, "2", hours=(1.1, 2), wh=(start, 12_000), unaccounted=stated, sealed=False)
    assert codes(await transactions(world)) == ({code} if code else set())
    assert await troubles(world) == []


async def test_a_signer_that_states_nothing_went_by_is_held_against_what_it_told(world: World) -> None:
    edge = Edge()
    await told(world, edge, "1", hours=(0, 1), wh=(1000, 9000), sealed=False)
    await told(world, edge, "2", hours=(1.1, 2), wh=(3000, 12_000), unaccounted=0, sealed=False)
    assert "register_rolled_back" in codes(await transactions(world))


async def test_open_registers_of_an_edge_are_held_against_the_rating(world: World) -> None:
    edge = Edge()
    await told(world, edge, "1", hours=(0, 1), wh=(1000, 40_000), sealed=False)
    (found,) = await transactions(world)
    assert codes([found]) == {"energy_beyond_rating"}


async def test_no_sealed_register_is_kept_for_the_next_session(world: World) -> None:
    edge = Edge()
    await told(world, edge, "1", hours=(0, 1), wh=(987_654_321, 987_654_999))
    (memory,) = world.stations.values()
    (span,) = memory.last_end[1].spans
    assert (span.start_wh, span.end_wh) == (None, None)
    assert span.started_ms is not None


async def test_continuity_asks_not_who_pays(world: World) -> None:
    await enrol(world, Station(id="ST1", evses=(EvseEnrolment(id=1),)))
    await add_token(world, "OWN")
    await add_token(world, "GUEST", party="MSP")
    station = Talker(world, "ST1")
    for card, start, stop, minutes in (("OWN", 1000, 5000, 0), ("GUEST", 3000, 6000, 70), ("OWN", 5500, 7000, 140)):
        number = await station.start(card=card, wh=start, minutes=minutes)
        await station.stop(number, stop, minutes=minutes + 60)
    found = await transactions(world)
    assert {t.party for t in found} == {"CPO", "MSP"}
    rolled = {t.party: [n.detail for n in t.alarms] for t in found if t.alarms}
    assert rolled == {"MSP": ["5000 to 3000"], "CPO": ["6000 to 5500"]}
