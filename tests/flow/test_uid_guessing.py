"""Card numbers tried out at a station are stopped; drivers who belong there are not."""

from datetime import timedelta
from typing import cast

from tests.support.cpo_world import Talker, TestClock, TestPartners, add_token, enrol, make_world

from wattseal.base.ids import StationId
from wattseal.flow.documents import ALARM, read
from wattseal.flow.drivers.authorise import Asked, authorise, keep_grant
from wattseal.flow.memory import Grant
from wattseal.flow.step import Step
from wattseal.flow.turn import remember_station
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm
from wattseal.model.token import IdToken
from wattseal.rules.uid_guessing import LIMIT


async def held(world: World, card: str, station: str = "ST1") -> str:
    """Hold a card to a station's reader."""
    told = await Talker(world, station).call("Authorize", {"idTag": card})
    return str(told["idTagInfo"]["status"])


async def guessed(world: World, count: int, station: str = "ST1", prefix: str = "04A2", begin: int = 0) -> list[str]:
    return [await held(world, f"{prefix}{n:08X}", station) for n in range(begin, begin + count)]


async def told(world: World) -> list[Alarm]:
    found = [read(document, Alarm) for document in await world.journal.documents(world.tenant, ALARM)]
    return [alarm for alarm in found if alarm.code == "uid_guessing"]


async def made() -> World:
    world = make_world()
    for station in ("ST1", "ST2"):
        await enrol(world, station)
    return world


async def test_a_number_that_happens_to_be_good_is_not_found_after_the_limit() -> None:
    world = await made()
    await guessed(world, LIMIT, prefix="0411")
    await add_token(world, "0411FFFFFFFF")
    assert await held(world, "0411FFFFFFFF") == "Invalid"
    assert await held(world, "0411FFFFFFFF", "ST2") == "Accepted", "where nothing was tried it is as good as ever"


async def test_neither_the_journal_nor_a_party_is_asked_and_one_alarm_is_raised() -> None:
    world = await made()
    await guessed(world, LIMIT)
    before, tokens = len(await world.journal.documents(world.tenant, "uid_tries")), len(world.tokens)
    assert set(await guessed(world, 50, begin=1000)) == {"Invalid"}
    assert len(world.tokens) == tokens
    assert cast("TestPartners", world.partners).asked == []
    assert len(await world.journal.documents(world.tenant, "uid_tries")) == before
    assert {alarm.field for alarm in await told(world)} == {"station/st1", "prefix/04a2"}
    assert len(await told(world)) == 2


async def test_who_has_charged_there_before_is_let_charge() -> None:
    world = await made()
    await add_token(world, "REGULAR")
    station = Talker(world, "ST1")
    await station.stop(await station.start("REGULAR"), 2000)
    await guessed(world, LIMIT)
    world.forget()
    assert await held(world, "REGULAR") == "Accepted"
    assert await held(world, "04A2FFFFFFFF") == "Invalid", "and it outlives a restart"


async def test_whom_the_operator_starts_is_let_charge() -> None:
    world = await made()
    await add_token(world, "APP")
    await guessed(world, LIMIT)
    assert await held(world, "APP") == "Invalid"
    memory = await remember_station(world, StationId("ST1"))
    assert memory is not None
    step = Step(world, "ST1", world.now_ms())
    grant = await authorise(Asked(memory, step, IdToken("APP", "ISO14443"), 0, only_starts=True, vouched=True))
    assert isinstance(grant, Grant)
    await step.commit()
    keep_grant(memory, IdToken("APP", "ISO14443"), grant)
    assert await held(world, "APP") == "Accepted"


async def test_it_is_over_when_the_tries_are_forgotten() -> None:
    world = await made()
    await guessed(world, LIMIT)
    await add_token(world, "GOOD")
    assert await held(world, "GOOD") == "Invalid"
    cast("TestClock", world.clock).at += timedelta(hours=2, minutes=1)
    assert await held(world, "GOOD") == "Accepted"


async def test_an_issuer_s_numbers_are_stopped_across_stations() -> None:
    world = make_world()
    names = [f"S{n}" for n in range(LIMIT)]
    for number, name in enumerate((*names, "CLEAN")):
        await enrol(world, name)
        if name != "CLEAN":
            await guessed(world, 1, name, begin=number)
    await add_token(world, "04A2FFFFFFFF")
    await add_token(world, "BB00FFFFFFFF")
    assert await held(world, "04A2FFFFFFFF", "S3") == "Invalid"
    assert await held(world, "04A2FFFFFFFF", "CLEAN") == "Accepted"
    assert await held(world, "04A200AAAAAA", "CLEAN") == "Invalid"
    assert await held(world, "BB00FFFFFFFF", "S3") == "Accepted", "another issuer's cards are not stopped by it"


async def test_the_same_foreign_card_again_and_again_stops_nobody() -> None:
    world = await made()
    for _ in range(3 * LIMIT):
        await held(world, "FOREIGN")
    await add_token(world, "GOOD")
    assert await held(world, "GOOD") == "Accepted"
    assert await told(world) == []
