"""The simulator against an endpoint over real sockets: it charges, comes back, and resumes after a restart."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.app.simulated_csms import Csms, serving
from tests.support.forking import wattseal_command

from wattseal import evidence
from wattseal.app.station import run_station
from wattseal.app.station_plan import Plan, Report, Settings
from wattseal.base.errors import InputError
from wattseal.dial.ocpp import Backoff
from wattseal.model.facts import (
    BootReported,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from wattseal.model.metering import RawEvidence
from wattseal.model.token import IdToken, TokenStatus
from wattseal.model.verdict import Verdict
from wattseal.parties.station import Fate
from wattseal.wire.ocpp.version import Version


def settings(url: str, version: Version = Version.V201, **more: Any) -> Settings:
    token = IdToken("04AABB", "ISO14443")
    plan = more.pop("plan", Plan(token, sessions=1, energy_wh=1000, readings=2, interval_s=0.01))
    given: dict[str, Any] = {"password": b"pw", "retry_s": 0.02, "backoff": Backoff(0.02, 0.05)} | more
    return Settings(url, "CP1", version, plan, **given)


async def run(of: Settings) -> tuple[Report, list[str]]:
    told: list[str] = []
    return await asyncio.wait_for(run_station(of, lambda event, _about: told.append(event)), 20), told


@pytest.mark.parametrize("version", Version)
async def test_a_session_is_charged_and_acknowledged(version: Version) -> None:
    csms = Csms()
    async with serving(csms) as url:
        report, _ = await run(settings(url, version, signing_meter=True))
    assert report.ok
    (session,) = report.sessions
    assert (session.start_wh, session.stop_wh, session.fate) == (0, 1000, Fate.ACKNOWLEDGED)
    (started,), (ended,) = csms.of(TransactionStarted), csms.of(TransactionEnded)
    assert (started.register_wh, ended.register_wh) == (0, 1000)
    assert started.id_token == IdToken("04AABB", "ISO14443")
    proofs: list[RawEvidence] = [r.evidence for r in ended.readings if r.evidence]
    assert report.meter_public_key is not None
    key = bytes.fromhex(report.meter_public_key)
    assert [evidence.check(p.data, (key,)).verdict for p in proofs] == [Verdict.VALID] * 2


async def test_registers_key_and_pages_survive_in_the_data_directory(tmp_path: Path) -> None:
    csms = Csms()
    async with serving(csms) as url:
        first, _ = await run(settings(url, data=tmp_path, signing_meter=True))
        second, _ = await run(settings(url, data=tmp_path, signing_meter=True))
    assert second.register_wh == 2000
    assert second.meter_public_key == first.meter_public_key
    assert [s.start_wh for s in second.sessions] == [1000]
    assert b'"PG":"T3"' in csms.of(TransactionStarted)[1].readings[0].evidence.data
    assert (tmp_path / "keys/meter.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
@pytest.mark.parametrize("kind", [TransactionStarted, TransactionEnded])
async def test_what_the_csms_could_not_store_is_said_again(version: Version, kind: type[Any]) -> None:
    csms = Csms(fail_on=kind, failures=2)
    async with serving(csms) as url:
        report, told = await run(settings(url, version))
    assert report.ok
    assert len(csms.of(kind)) == 3
    assert told.count("connected") == 3
    assert len({str(fact) for fact in csms.of(kind)}) == 1, "the very same message"


async def test_a_boot_that_is_pending_or_rejected_is_repeated_before_anything_else() -> None:
    csms = Csms(boots=["Pending", "Rejected", "Accepted"])
    async with serving(csms) as url:
        report, told = await run(settings(url))
    assert report.ok
    assert [event for event in told if event.startswith("boot")] == ["boot_pending", "boot_rejected", "boot_accepted"]
    assert all(isinstance(fact, BootReported) for fact in csms.facts[:3])


async def test_a_refused_token_charges_nothing() -> None:
    csms = Csms(token=TokenStatus.BLOCKED)
    async with serving(csms) as url:
        report, told = await run(settings(url))
    assert not report.ok
    assert (report.refused_tokens, report.sessions) == (1, ())
    assert "token_refused" in told
    assert csms.of(TransactionStarted) == []


async def test_a_driver_refused_at_the_start_is_stopped() -> None:
    csms = Csms(at_start=TokenStatus.CONCURRENT_TX)
    async with serving(csms) as url:
        report, _ = await run(settings(url, Version.V16))
    (ended,) = csms.of(TransactionEnded)
    assert ended.reason == "DeAuthorized"
    assert report.register_wh < 1000


async def test_a_station_killed_while_charging_ends_the_session_at_its_next_start(tmp_path: Path) -> None:
    csms = Csms()
    async with serving(csms) as url:
        slow = Plan(IdToken("04AABB", "ISO14443"), sessions=1, energy_wh=1000, readings=3, interval_s=0.1)
        running = asyncio.create_task(run(settings(url, data=tmp_path, plan=slow)))
        while not csms.of(TransactionUpdated):  # noqa: ASYNC110 - the CSMS is a list here
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        report, told = await run(settings(url, data=tmp_path))
    assert report.ok
    assert "power_was_lost" in told
    cut, whole = csms.of(TransactionEnded)
    assert (cut.reason, whole.reason) == ("PowerLoss", "EVDisconnected")
    assert cut.register_wh == csms.of(TransactionStarted)[1].register_wh, "the meter did not move in between"


async def test_wrong_credentials_end_with_a_sentence() -> None:
    async with serving(Csms()) as url:
        with pytest.raises(InputError, match="check --id, --password"):
            await run(settings(url, password=b"wrong"))


async def test_a_station_waits_for_its_csms_no_longer_than_told(tmp_path: Path) -> None:
    async with serving(Csms()) as url:
        pass
    report, told = await run(settings(url, data=tmp_path, give_up_after_s=0.3))
    assert not report.ok
    assert set(told) == {"disconnected"}


async def test_the_command_says_what_happened_and_its_exit_code_is_true(tmp_path: Path) -> None:
    csms = Csms()
    password = tmp_path / "password"
    password.write_bytes(b"pw\n")
    async with serving(csms) as url:
        common = ["--url", url, "--id", "CP1", "--password-file", str(password), "--interval", "0.01", "--json"]
        code, out = await command("station", *common, "--ocpp", "1.6", "--signing-meter", "--sessions", "2")
        report = json.loads(out)
        assert (code, report["ok"], report["ocpp"]) == (0, True, "1.6")
        assert [s["fate"] for s in report["sessions"]] == ["acknowledged"] * 2
        csms.token = TokenStatus.EXPIRED
        code, out = await command("station", *common)
        assert (code, json.loads(out)["refused_tokens"]) == (1, 1)


async def test_with_no_sessions_only_the_meters_key_is_told(tmp_path: Path) -> None:
    nowhere = ["station", "--url", "ws://127.0.0.1:1/ocpp", "--id", "CP1", "--data", str(tmp_path), "--json"]
    first = await command(*nowhere, "--sessions", "0", "--signing-meter")
    assert first[0] == 0
    assert len(bytes.fromhex(json.loads(first[1])["meter_public_key"])) == 91
    assert await command(*nowhere, "--sessions", "0", "--signing-meter") == first


async def command(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *wattseal_command(), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await asyncio.wait_for(process.communicate(), 30)
    assert not errors, errors
    assert process.returncode is not None
    return process.returncode, out.decode()
