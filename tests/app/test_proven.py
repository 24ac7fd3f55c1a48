"""Passwords proven before: the very same pair of digest and password, and nothing else."""

import pytest
from tests.support.cpo_world import enrol, make_world

from wattseal.app import doorman, proven
from wattseal.app.doorman import Doorman
from wattseal.app.proven import Proven
from wattseal.base.ids import StationId
from wattseal.crypto.passwords import digest_password, password_matches
from wattseal.model.station import Station
from wattseal.serve.ocpp_ws import Arrival

PASSWORD = b"a password of ST1"
DIGEST = digest_password(PASSWORD, bytes(16))


def test_only_what_was_proven_is_known() -> None:
    known = Proven(bytes(32))
    assert not known.knows("ST1", DIGEST, PASSWORD)
    known.keep("ST1", DIGEST, PASSWORD)
    assert known.knows("ST1", DIGEST, PASSWORD)
    assert not known.knows("ST1", DIGEST, PASSWORD + b"x")
    assert not known.knows("ST2", DIGEST, PASSWORD)
    assert not known.knows("ST1", digest_password(PASSWORD, bytes(15) + b"1"), PASSWORD)


def test_the_oldest_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proven, "MAX_PROVEN", 2)
    known = Proven(bytes(32))
    for name in ("ST1", "ST2", "ST1", "ST3"):
        known.keep(name, DIGEST, PASSWORD)
    assert [known.knows(name, DIGEST, PASSWORD) for name in ("ST1", "ST2", "ST3")] == [True, False, True]


async def test_a_station_that_comes_back_is_digested_once_and_a_wrong_password_every_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digested: list[bytes] = []

    def counted(password: bytes, digest: str) -> bool:
        digested.append(password)
        return password_matches(password, digest)

    monkeypatch.setattr(doorman, "password_matches", counted)
    world = make_world()
    await enrol(world, Station(id="ST1", password_digest=DIGEST))
    guard = Doorman(world)
    for _ in range(3):
        assert await guard.authenticate(Arrival(StationId("ST1"), PASSWORD, "192.0.2.1")) is not None
        assert await guard.authenticate(Arrival(StationId("ST1"), b"guessed", "192.0.2.2")) is None
    assert digested == [PASSWORD, *[b"guessed"] * 3]
