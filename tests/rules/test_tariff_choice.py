"""Which tariff applies: precedence as a table, windows, announced and ended versions."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from wattseal.model.station import Station
from wattseal.model.tariff_place import Level, TariffVersion
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.rules.tariff_choice import PRECEDENCE, Passed, Why, choose, in_force, names_of, still_needed

TOKEN, GROUP, STATION, SITE, CPO = Level.TOKEN, Level.GROUP, Level.STATION, Level.SITE, Level.CPO
NOW = 1_000


def version(tariff_id: str, start: int | None = None, end: int | None = None, record: str = "") -> TariffVersion:
    return TariffVersion(tariff_id, record or f"record of {tariff_id}", 0, start, end)


def test_the_order_of_levels_is_token_group_station_site_cpo() -> None:
    assert PRECEDENCE == (TOKEN, GROUP, STATION, SITE, CPO)


@pytest.mark.parametrize(
    ("assigned", "decides"),
    [
        ((TOKEN, GROUP, STATION, SITE, CPO), TOKEN),
        ((GROUP, STATION, SITE, CPO), GROUP),
        ((STATION, SITE, CPO), STATION),
        ((SITE, CPO), SITE),
        ((CPO,), CPO),
        ((TOKEN, CPO), TOKEN),
        ((GROUP, SITE), GROUP),
        ((STATION,), STATION),
        ((), None),
    ],
)
def test_the_most_specific_level_decides(assigned: tuple[Level, ...], decides: Level | None) -> None:
    versions = {level.value: (version(level.value),) for level in Level}
    choice = choose({level: level.value for level in assigned}, versions.__getitem__, NOW)
    assert choice.level is decides
    assert (choice.version is None) == (decides is None)
    assert choice.version is None or choice.version.tariff_id == decides
    above = PRECEDENCE if decides is None else PRECEDENCE[: PRECEDENCE.index(decides)]
    assert choice.passed == tuple(Passed(level, Why.NOT_ASSIGNED) for level in above)


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (None, None, None),
        (NOW, None, None),
        (None, NOW + 1, None),
        (NOW + 1, None, Why.NOT_YET_VALID),
        (None, NOW, Why.NO_LONGER_VALID),
        (NOW - 2, NOW - 1, Why.NO_LONGER_VALID),
    ],
)
def test_a_tariff_outside_its_validity_leaves_the_next_level_in_force(
    start: int | None, end: int | None, why: Why | None
) -> None:
    versions = {"special": (version("special", start, end),), "base": (version("base"),)}
    choice = choose({STATION: "special", CPO: "base"}, versions.__getitem__, NOW)
    assert choice.version is not None
    assert choice.version.tariff_id == ("special" if why is None else "base")
    assert [passed.why for passed in choice.passed if passed.tariff_id == "special"] == ([] if why is None else [why])


def test_an_announced_version_takes_over_when_it_starts_and_an_ended_one_brings_none_back() -> None:
    versions = (version("T", record="old"), version("T", start=100, end=200, record="new"))
    for at, record in ((99, "old"), (100, "new"), (199, "new")):
        found = in_force(versions, at)
        assert isinstance(found, TariffVersion)
        assert found.record == record
    assert in_force(versions, 200) is Why.NO_LONGER_VALID
    assert in_force((), 0) is Why.UNKNOWN_TARIFF


def test_the_later_word_wins_over_what_was_announced() -> None:
    announced = (version("T", record="old"), version("T", start=100, record="planned"), version("T", record="now"))
    found = in_force(announced, 500)
    assert isinstance(found, TariffVersion)
    assert found.record == "now"
    assert [v.record for v in still_needed(announced, 50)] == ["now"]
    assert [v.record for v in still_needed(announced[:2], 50)] == ["old", "planned"]


@pytest.mark.parametrize("day", [(2027, 3, 28), (2027, 10, 31)])
def test_a_validity_that_ends_at_local_midnight_after_a_day_of_23_or_25_hours_ends_there(
    day: tuple[int, int, int],
) -> None:
    zone = ZoneInfo("Europe/Vienna")
    begin = datetime(*day, tzinfo=zone)
    end = datetime(day[0], day[1], day[2] + 1, tzinfo=zone) if day[1] == 3 else datetime(2027, 11, 1, tzinfo=zone)
    hours = (end.astimezone(UTC) - begin.astimezone(UTC)).total_seconds() / 3600
    assert hours == (23 if day[1] == 3 else 25)
    start_ms, end_ms = (round(at.timestamp() * 1000) for at in (begin, end))
    versions = {"day": (version("day", start_ms, end_ms),), "base": (version("base"),)}
    for at, expected in ((start_ms - 1, "base"), (start_ms, "day"), (end_ms - 1, "day"), (end_ms, "base")):
        choice = choose({SITE: "day", CPO: "base"}, versions.__getitem__, at)
        assert choice.version is not None
        assert choice.version.tariff_id == expected


def test_tokens_and_groups_count_where_the_cpo_bills_and_never_for_an_emsps_driver() -> None:
    station = Station(id="CS1", site="harbour")
    own = TokenRecord(IdToken("Card", "ISO14443"), TokenStatus.ACCEPTED, group=IdToken("FLEET", "Central"))
    assert names_of(station, own) == {STATION: "cs1", CPO: "", SITE: "harbour", TOKEN: "card", GROUP: "fleet"}
    roaming = TokenRecord(own.id_token, own.status, party="MSP", group=own.group)
    assert names_of(station, roaming) == {STATION: "cs1", CPO: "", SITE: "harbour"}
    assert names_of(Station(id="CS1"), None) == {STATION: "cs1", CPO: ""}
