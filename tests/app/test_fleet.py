"""Fleets against an endpoint over real sockets: everybody charges, whatever happens to the network."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.app.simulated_csms import Csms, serving
from tests.support.forking import wattseal_command

from wattseal.app.fleet import Fleet, FleetReport, FleetSettings, Scenario, member, parse_mix, versions_of
from wattseal.app.station_plan import Plan, Settings
from wattseal.base.errors import InputError
from wattseal.model.facts import TransactionEnded, TransactionStarted
from wattseal.model.token import IdToken
from wattseal.wire.ocpp.version import Version

MIX = {Version.V16: 50, Version.V201: 40, Version.V21: 10}


def settings(url: str, scenario: Scenario, **more: Any) -> FleetSettings:
    plan = Plan(IdToken("04AABB", "ISO14443"), readings=2, interval_s=0.05, rate_per_h=36_000)
    one = member(Settings(url, "SIM", Version.V16, plan, password=b"pw", retry_s=0.05), plan)
    given: dict[str, Any] = {"count": 20, "mix": MIX, "duration_s": 1.0, "connect_per_s": 500.0, "outage_s": 0.4} | more
    return FleetSettings(one, scenario=scenario, **given)


async def run(csms: Csms, scenario: Scenario, **more: Any) -> FleetReport:
    async with serving(csms) as url:
        return await asyncio.wait_for(Fleet(settings(url, scenario, **more)).run(), 40)


@pytest.mark.parametrize("scenario", Scenario)
async def test_every_session_of_a_fleet_is_acknowledged_in_every_scenario(scenario: Scenario) -> None:
    csms = Csms()
    report = await run(csms, scenario)
    assert report.ok, report
    assert (report.stations, report.connected_peak) == (20, 20)
    assert report.versions == {"1.6": 10, "2.0.1": 8, "2.1": 2}
    started = {str(fact) for fact in csms.of(TransactionStarted)}
    assert report.sessions["started"] >= len(started) > 0
    assert report.actions["BootNotification"].answered == 20


async def test_stations_without_a_network_go_on_charging_and_say_so_afterwards() -> None:
    csms = Csms()
    report = await run(csms, Scenario.OFFLINE, share=1.0, outage_s=0.6, mix={Version.V201: 1})
    assert report.ok
    assert report.disconnections >= 20
    assert report.back_after_s is not None
    assert any(fact.offline for kind in (TransactionStarted, TransactionEnded) for fact in csms.of(kind))


async def test_a_herd_comes_back_whole() -> None:
    report = await run(Csms(), Scenario.HERD)
    assert report.ok
    assert report.back_after_s is not None
    assert report.disconnections >= 20


async def test_refused_credentials_end_a_fleet_with_a_sentence() -> None:
    async with serving(Csms()) as url:
        wrong = settings(url, Scenario.DAY)
        plan = wrong.member.plan
        fleet = FleetSettings(
            member(Settings(url, "SIM", Version.V16, plan, password=b"no"), plan), 3, MIX, duration_s=5
        )
        with pytest.raises(InputError, match="the CSMS refuses this station"):
            await asyncio.wait_for(Fleet(fleet).run(), 40)


@given(st.integers(1, 300))
def test_the_shares_of_a_mix_are_kept_to_a_station(count: int) -> None:
    given = Counter(versions_of(MIX, count))
    assert sum(given.values()) == count
    assert all(abs(given[version] - share * count / 100) < 1 for version, share in MIX.items())


@pytest.mark.parametrize("text", ["", "1.6", "1.6=x", "1.7=1", "1.6=0", "1.6=1,1.6=2", "1.6=-1"])
def test_a_mix_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_mix(text)


async def test_the_command_runs_a_fleet_and_reports_in_json() -> None:
    async with serving(Csms()) as url:
        words = ["station", "--url", url, "--id", "SIM", "--password", "pw", "--count", "5", "--mix", "1.6=1,2.1=1"]
        words += ["--rate", "36000", "--interval", "0.05", "--duration", "1", "--json"]
        process = await asyncio.create_subprocess_exec(*wattseal_command(), *words, stdout=asyncio.subprocess.PIPE)
        out, _ = await asyncio.wait_for(process.communicate(), 40)
    report = json.loads(out)
    assert (process.returncode, report["ok"], report["stations"]) == (0, True, 5)
    assert report["actions"]["BootNotification"]["answered"] == 5
