"""The comparison compares: honest sessions are believed by all, and each weakness shows where it is known to be."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.lab.compare import shamir
from wattseal.lab.compare.measure import Compared, compare, protections
from wattseal.lab.compare.session import lowered, session, stop_of
from wattseal.lab.dice import Dice


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compared]:
    return {each.name: each for each in compare(tmp_path_factory.mktemp("compare"), seed=7, sessions=12)}


def test_without_protection_he_reads_changes_and_drops(compared: dict[str, Compared]) -> None:
    plain = compared["no protection"]
    assert (plain.disclosed, plain.distorted, plain.dropped) == (100, 100, 100)


def test_tls_that_he_ends_protects_from_nothing_and_costs_bytes(compared: dict[str, Compared]) -> None:
    plain, ended = compared["no protection"], compared["TLS ended by him"]
    assert (ended.disclosed, ended.distorted, ended.dropped) == (100, 100, 100)
    assert ended.wire_bytes > plain.wire_bytes + 12 * 22


def test_shares_protect_from_who_holds_one_path_and_from_nobody_who_holds_all(compared: dict[str, Compared]) -> None:
    one, every = (compared[f"secret sharing, {held} of 3 paths his"] for held in (1, 3))
    assert (one.disclosed, one.distorted, one.dropped) == (0, 0, 0)
    assert (every.disclosed, every.distorted, every.dropped) == (100, 100, 100)


def test_signed_messages_are_read_and_dropped_and_not_changed(compared: dict[str, Compared]) -> None:
    signed = compared["JWS a message"]
    assert (signed.disclosed, signed.distorted, signed.mutated, signed.dropped) == (100, 0, 0, 100)


def test_records_are_neither_read_nor_changed_nor_dropped_unseen(compared: dict[str, Compared]) -> None:
    records = compared["wattseal"]
    assert (records.disclosed, records.distorted, records.mutated, records.dropped) == (0, 0, 0, 0)


def test_every_protection_takes_an_honest_session_and_misses_a_stop(tmp_path: Path) -> None:
    messages = session(Dice(1))
    for way in protections(tmp_path):
        packets = way.pack(messages)
        assert way.unpack(packets).stop_wh == messages[-1].register_wh, way.name
        assert way.unpack(packets[:-1]).doubt, way.name


def test_a_lowered_stop_is_as_long_as_the_true_one() -> None:
    stop = session(Dice(2))[-1]
    changed = lowered(stop.text, 500)
    assert stop_of([changed]) == stop.register_wh - 500
    assert len(changed) == len(stop.text)


@given(st.binary(min_size=1, max_size=60), st.integers(2, 5), st.integers(0, 3), st.randoms())
def test_any_k_shares_join_and_one_altered_never_agrees(secret: bytes, k: int, more: int, chance: Random) -> None:
    n = k + more
    shares = list(enumerate(shamir.split(secret, n, k, chance.randbytes)))
    assert shamir.join(shares[:k]) == shamir.join(shares[-k:]) == secret
    if more:
        place, share = shares[0]
        spoilt = [(place, bytes([share[0] ^ 1, *share[1:]])), *shares[1:]]
        assert shamir.agree(shares, k)
        assert not shamir.agree(spoilt, k)


def test_fewer_shares_than_needed_fit_any_secret() -> None:
    """With one share of two, every other byte is as good: for each there is a second share that gives it."""
    first = (0, bytes([77]))
    assert len({shamir.join([first, (1, bytes([other]))]) for other in range(256)}) == 256
