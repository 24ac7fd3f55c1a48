"""What is known of a model changes how it is asked and what is billed, never what it said."""

import json
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.cpo_world import enrol, make_world

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId, StationId
from wattseal.flow.fleet import quirks
from wattseal.flow.memory import Memory
from wattseal.flow.turn import remember_station
from wattseal.model.charging import Period, Profile, ProfileKind, Purpose, RateUnit, Schedule
from wattseal.model.charging_orders import SetProfile
from wattseal.model.remote import StartRequested
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.token import IdToken
from wattseal.rules.quirks import QUIRKS, effects_of
from wattseal.rules.quirks.quirk import Effect
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.version import Version

ROOT = Path(__file__).parents[2]
CHARX = Station(
    id="CP1", vendor="Phoenix Contact", model="CHARX SEC-3100", evses=(EvseEnrolment(id=1), EvseEnrolment(id=2))
)
ANY = StartRequested(IdToken("TAG", "ISO14443"))


async def memory_of(station: Station, **statuses: str) -> Memory:
    world = make_world()
    await enrol(world, station)
    memory = await remember_station(world, StationId(station.id))
    assert memory is not None
    memory.statuses.update({int(name[1:]): status for name, status in statuses.items()})
    return memory


async def test_a_model_that_needs_an_evse_is_told_the_one_where_a_cable_waits() -> None:
    memory = await memory_of(CHARX, e1="Available", e2="Occupied")
    assert quirks.adapt(memory, ANY) == replace(ANY, evse_id=EvseId(2))
    _, payload = catalog.ask(Version.V16, quirks.adapt(memory, ANY))
    assert json.loads(payload)["connectorId"] == 2


async def test_one_that_is_named_stays_and_other_models_are_asked_as_the_operator_said() -> None:
    named = replace(ANY, evse_id=EvseId(1))
    assert quirks.adapt(await memory_of(CHARX, e2="Occupied"), named) == named
    assert quirks.adapt(await memory_of(replace(CHARX, vendor="Other")), ANY) == ANY


def limit(purpose: Purpose) -> SetProfile:
    schedule = Schedule(unit=RateUnit.A, periods=(Period(start_s=0, limit=Decimal(16)),))
    profile = Profile(id=1, stack_level=0, purpose=purpose, kind=ProfileKind.ABSOLUTE, schedules=(schedule,))
    return SetProfile(0, profile)


async def test_a_station_limit_becomes_the_default_of_the_only_evse() -> None:
    memory = await memory_of(Station(id="CP1", vendor="EV-BOX", evses=(EvseEnrolment(id=1),)))
    changed = quirks.adapt(memory, limit(Purpose.STATION_MAX))
    assert isinstance(changed, SetProfile)
    assert (changed.evse_id, changed.profile.purpose) == (1, Purpose.TX_DEFAULT)
    assert quirks.adapt(memory, limit(Purpose.TX_DEFAULT)) == limit(Purpose.TX_DEFAULT)


async def test_with_several_evses_it_is_refused_because_their_sum_would_exceed_it() -> None:
    memory = await memory_of(replace(CHARX, vendor="EVBox", model="Troniq"))
    with pytest.raises(InputError, match="set one for each EVSE"):
        quirks.adapt(memory, limit(Purpose.STATION_MAX))


def test_only_the_firmware_that_was_reported_is_distrusted() -> None:
    doubted = quirks.notes(Station(id="CP1", vendor="OpenEVSE", firmware="4.2.2"))
    assert [note.code for note in doubted] == ["register_unit_doubtful"]
    assert quirks.notes(Station(id="CP1", vendor="OpenEVSE", firmware="5.0.0")) == ()
    assert quirks.notes(Station(id="CP1")) == ()


def test_a_station_that_says_nothing_of_itself_has_no_quirk() -> None:
    assert effects_of(None, None, None) == frozenset()


def test_every_effect_is_had_by_somebody_and_every_quirk_names_its_source() -> None:
    assert {quirk.effect for quirk in QUIRKS} == set(Effect)
    assert all(quirk.source.startswith("https://") and quirk.why for quirk in QUIRKS)


def test_the_page_of_quirks_is_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "tools/make_quirks.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own tool
    assert done.returncode == 0, done.stderr
