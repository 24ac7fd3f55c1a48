"""The drill for a stolen key: old bundles stay good, what was witnessed after is refused, and nothing given changes."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.cpo_world import AT, Talker, TestClock, signing_key, transactions
from tests.support.paying import account, paying_world, tariff
from tests.support.proved import OWN, bundle_of, register
from tests.support.worlds import CSMS_KEY, REGISTRY, ROOT, enrolled, trust

from wattseal.app.drill import KEY, REVOKED, Told, drill
from wattseal.base.errors import InputError
from wattseal.flow.money.tariff_changes import set_tariff
from wattseal.parties.registry import Enrolments
from wattseal.stores.keyfiles import KeyFiles
from wattseal.stores.registry_home import RegistryHome


@dataclass
class Place:
    """A CSMS's keys, a registry, a partner's trust file and a bundle, on disk."""

    data: Path
    registry: Path
    trust: Path
    bundle: Path

    def play(self, **clock: float) -> list[Told]:
        when = TestClock(AT + timedelta(**clock))
        return list(drill(self.data, self.registry, self.trust, [self.bundle], when))

    def bytes(self) -> dict[Path, bytes]:
        files = (*self.data.rglob("*"), *self.registry.rglob("*"), self.trust, self.bundle)
        return {path: path.read_bytes() for path in files if path.is_file()}


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    world = await paying_world()
    await set_tariff(world, tariff())
    await register(world)
    await account(world, 100)
    driver = Talker(world, "ST1")
    await driver.stop(await driver.start("CARD", 1000), 9000)
    (session,) = await transactions(world, "ST1")
    made = Place(tmp_path / "cpo", tmp_path / "registry", tmp_path / "trust.json", tmp_path / "one.wsb")
    made.bundle.write_bytes((await bundle_of(world, session)).encode())
    made.trust.write_bytes(trust().to_json())
    KeyFiles(made.data / "keys").create(KEY, CSMS_KEY.to_pem())
    made.registry.mkdir()
    RegistryHome(made.registry).create(Enrolments(REGISTRY, ROOT, tuple(map(enrolled, OWN[:1]))), "REG")
    return made


async def test_old_bundles_stay_good_and_what_was_witnessed_after_the_revocation_is_refused(place: Place) -> None:
    before = place.bytes()
    told = place.play(days=1)
    assert [one.held for one in told] == [True] * 6, told
    assert told[4].result == "1 of 1 VALID"
    assert told[5].result.startswith(f"1 refused ({REVOKED})")
    assert place.bytes() == before


async def test_a_bundle_that_was_witnessed_after_the_theft_is_told_to_be_lost(place: Place) -> None:
    told = place.play(minutes=-30)
    assert told[0].held
    assert not told[4].held


async def test_bundles_that_do_not_rest_on_the_key_prove_nothing(place: Place, tmp_path: Path) -> None:
    other = signing_key("other")
    place.data, place.registry = tmp_path / "cpo2", tmp_path / "registry2"
    KeyFiles(place.data / "keys").create(KEY, other.to_pem())
    place.registry.mkdir()
    own = enrolled(replace(OWN[0], spki=other.public.spki))
    RegistryHome(place.registry).create(Enrolments(REGISTRY, ROOT, (own,)), "REG")
    told = place.play(days=1)
    assert not told[5].held
    assert "1 do not rest on this key" in told[5].result


async def test_a_key_that_the_registry_does_not_know_is_named(place: Place, tmp_path: Path) -> None:
    place.registry = tmp_path / "another"
    place.registry.mkdir()
    RegistryHome(place.registry).create(Enrolments(REGISTRY, ROOT, ()), "REG")
    with pytest.raises(InputError) as caught:
        place.play(days=1)
    assert caught.value.code == "unknown_key"
