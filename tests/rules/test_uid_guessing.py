"""Card numbers that are tried out, counted: different ones only, forgotten with time, told once."""

from wattseal.rules.uid_guessing import LIMIT, WINDOW_MS, Tries, mark_of, prefix_of


def tried(*keys: str, at_ms: int = 0) -> Tries:
    tries = Tries()
    for key in keys:
        tries = tries.with_try(mark_of(key), at_ms)
    return tries


def test_the_twentieth_different_number_is_the_last() -> None:
    keys = [f"04a2{n:08x}" for n in range(LIMIT)]
    assert not tried(*keys[:-1]).stopped(0)
    assert tried(*keys).stopped(0)


def test_a_driver_who_tries_again_and_again_is_one() -> None:
    assert len(tried(*["04a2deadbeef"] * 100).tries) == 1


def test_tries_are_forgotten() -> None:
    tries = tried(*(f"{n}" for n in range(LIMIT)))
    assert tries.stopped(WINDOW_MS - 1)
    assert not tries.stopped(WINDOW_MS)
    assert tries.within(WINDOW_MS).tries == ()


def test_a_wave_is_told_once() -> None:
    tries = tried(*(f"{n}" for n in range(LIMIT)), at_ms=WINDOW_MS)
    assert tries.to_be_told(WINDOW_MS)
    told = Tries(tries.tries, WINDOW_MS)
    assert not told.to_be_told(WINDOW_MS + 1)


def test_issuers_are_told_apart_by_how_numbers_begin() -> None:
    assert prefix_of("04a2b3c4d5e6f7") == "04a2"
    assert prefix_of("de-8aa-c12345678-x") == prefix_of("de8aac12345678x") == "de8aa"
    assert prefix_of("") == ""
