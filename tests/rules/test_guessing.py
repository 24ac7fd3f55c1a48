"""Refused credentials are told once a wave, by station or by address, and an honest station's mistakes are not."""

from wattseal.rules.guessing import MAX_REMEMBERED, TRIES, WINDOW_MS, Guesses, Guessing


def told(guesses: Guesses, tries: int, *, every_ms: int = 1000, start_ms: int = 0, **who: str) -> list[Guessing]:
    station, remote = who.get("station", "ST1"), who.get("remote", "192.0.2.1")
    found = (
        guesses.refused(station, remote, start_ms + n * every_ms, enrolled=station.startswith("ST"))
        for n in range(tries)
    )
    return [each for each in found if each is not None]


def test_one_wave_against_a_station_is_told_once_with_its_figures() -> None:
    assert told(Guesses(), 500) == [Guessing("ST1", "192.0.2.1", TRIES, TRIES - 1)]


def test_many_addresses_against_one_station_are_told_once() -> None:
    guesses = Guesses()
    found = [told(guesses, 1, start_ms=n, remote=f"192.0.2.{n}") for n in range(200)]
    assert [len(each) for each in found].count(1) == 1


def test_one_address_against_many_stations_is_told_once() -> None:
    guesses = Guesses()
    found = [each for n in range(200) for each in told(guesses, 1, start_ms=n, station=f"ST{n}")]
    assert found == [Guessing("", "192.0.2.1", TRIES, 0)]


def test_names_that_nobody_has_enrolled_are_told_by_address_only() -> None:
    assert [each.station_id for each in told(Guesses(), 100, station="NOBODY")] == [""]


def test_a_network_of_ipv6_is_one_address() -> None:
    guesses = Guesses()
    found = [told(guesses, 1, start_ms=n, station=f"ST{n}", remote=f"2001:db8::{n:x}") for n in range(100)]
    assert [each[0].remote for each in found if each] == ["2001:db8::/64"]


def test_a_station_with_an_old_password_that_dials_every_minute_is_no_attack() -> None:
    assert told(Guesses(), 1000, every_ms=60_000) == []


def test_a_wave_that_goes_on_is_not_told_again_and_a_later_one_is() -> None:
    guesses = Guesses()
    assert len(told(guesses, 10_000)) == 1
    assert told(guesses, 100, start_ms=10_000_000 - 1) == []
    assert len(told(guesses, 100, start_ms=10_100_000 + WINDOW_MS)) == 1


def test_what_is_remembered_is_bounded() -> None:
    guesses = Guesses()
    for n in range(MAX_REMEMBERED + 50):
        told(guesses, 1, station=f"ST{n}", remote=f"name-{n}")
    assert len(guesses._stations) == len(guesses._addresses) == MAX_REMEMBERED
