"""What is done by the clock about stations' certificates, with stations on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.cpo_world import TestClock
from tests.support.pki import DAY, NOW, Ca, client_tls, csr, subject
from tests.support.tls_csms import FrontDoor, front_door
from websockets.asyncio.client import ClientConnection

from wattseal.app.cpo.certificates import CertificateWork
from wattseal.app.lines import StationLines
from wattseal.app.settings import Tls
from wattseal.app.system import SystemRandom
from wattseal.app.tls import TlsKeeper
from wattseal.flow.documents import ALARM, read
from wattseal.flow.identity.certificate_delivery import GIVE_UP_MS, deliver, waiting
from wattseal.flow.identity.station_certificates import REQUEST, Progress, SigningState, StationCertificate
from wattseal.flow.ports import Batch
from wattseal.model.alarm import Alarm
from wattseal.stores.authority import AuthorityFiles

CPO = Ca.make("CPO CA")
HOST = "127.0.0.1"


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[FrontDoor]:
    certificate, key = CPO.issue(HOST, hosts=(HOST,)).write(tmp_path, "server")
    (tmp_path / "issuers.pem").write_bytes(CPO.pem())
    settings = Tls(certificate=certificate, key=key, client_ca=tmp_path / "issuers.pem")
    async with front_door(tmp_path, settings, wss_port=0) as running:
        lines = StationLines()
        lines.attach(running.server)
        running.world.lines = lines
        yield running


async def next_call(socket: ClientConnection) -> tuple[str, str, dict[str, str]]:
    kind, key, action, payload = json.loads(await asyncio.wait_for(socket.recv(), 10))
    assert kind == 2
    return key, action, payload


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
async def test_a_station_whose_certificate_ends_soon_is_asked_once_a_day(
    door: FrontDoor, tmp_path: Path, version: str
) -> None:
    await door.enrol("SOON")
    await door.enrol("LATER")
    soon, later = CPO.issue("SOON", valid=(NOW - DAY, NOW + 5 * DAY)), CPO.issue("LATER", valid=(NOW, NOW + 90 * DAY))
    work = CertificateWork(door.world, 30, lambda: {"server": 1.0})
    async with (
        door.dial("SOON", version=version, tls=client_tls(CPO.pem(), soon.write(tmp_path, "soon"))) as socket,
        door.dial("LATER", version=version, tls=client_tls(CPO.pem(), later.write(tmp_path, "later"))) as other,
    ):
        asking = asyncio.create_task(work.renew())
        key, action, payload = await next_call(socket)
        old = version == "1.6"
        assert action == ("ExtendedTriggerMessage" if old else "TriggerMessage")
        assert payload == {
            "requestedMessage": "SignChargePointCertificate" if old else "SignChargingStationCertificate"
        }
        await socket.send(json.dumps([3, key, {"status": "Accepted"}]))
        await asking
        await work.renew()
        await other.close()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.2)
    left = work.seconds_left()
    assert left["server"] == 1.0
    assert 4 * 86_400 < left["station"] < 6 * 86_400


async def test_a_1_6_station_is_asked_for_its_v2g_certificate_inside_data_transfer(door: FrontDoor) -> None:
    await door.enrol("SOON")
    end_ms = door.world.now_ms() + 86_400_000
    kept = StationCertificate("SOON", "V2GCertificate", "01", "ff", end_ms)
    await door.world.journal.commit(Batch(door.world.tenant, puts=(kept.put(0),)))
    work = CertificateWork(door.world, 30, dict)
    async with door.dial("SOON", version="1.6", tls=client_tls(CPO.pem())) as socket:
        asking = asyncio.create_task(work.renew())
        key, action, payload = await next_call(socket)
        assert (action, payload["messageId"]) == ("DataTransfer", "TriggerMessage")
        assert json.loads(payload["data"]) == {"requestedMessage": "SignV2GCertificate"}
        await socket.send(json.dumps([3, key, {"status": "Accepted"}]))
        await asking


async def test_with_renewal_off_nobody_is_asked_but_ends_are_known(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("SOON")
    soon = CPO.issue("SOON", valid=(NOW - DAY, NOW + DAY)).write(tmp_path, "soon")
    work = CertificateWork(door.world, 0, dict)
    async with door.dial("SOON", tls=client_tls(CPO.pem(), soon)):
        await work.renew()
    assert work.seconds_left()["station"] < 2 * 86_400


async def test_a_request_that_cannot_be_delivered_in_a_day_is_given_up_and_told(door: FrontDoor) -> None:
    await door.enrol("GONE")
    now_ms = door.world.now_ms()
    request = csr(subject("GONE")).decode()
    state = SigningState("GONE", None, None, request, Progress.WAITING, now_ms - GIVE_UP_MS - 1)
    await keep(door, state)
    (due,) = await waiting(door.world)
    await deliver(door.world, due)
    assert await waiting(door.world) == ()
    document = await door.world.journal.document(door.world.tenant, REQUEST, state.key)
    assert document is not None
    assert read(document, SigningState).progress is Progress.FAILED
    alarms = await door.world.journal.documents(door.world.tenant, ALARM)
    assert [read(alarm, Alarm).code for alarm in alarms] == ["certificate_failed"]


async def keep(door: FrontDoor, state: SigningState) -> None:
    await door.world.journal.commit(Batch(door.world.tenant, puts=(state.put(state.at_ms),)))


async def test_a_request_of_a_station_that_is_away_waits(door: FrontDoor) -> None:
    await door.enrol("AWAY")
    at_ms = door.world.now_ms() - 1000
    await keep(door, SigningState("AWAY", None, None, csr("AWAY").decode(), Progress.WAITING, at_ms))
    assert await waiting(door.world) == ()
    async with door.dial("AWAY", tls=client_tls(CPO.pem())):
        assert [state.station_id for state in await waiting(door.world)] == ["AWAY"]


async def test_the_authority_renews_the_csms_certificate_and_its_list_in_time(tmp_path: Path) -> None:
    files, random = AuthorityFiles(tmp_path), SystemRandom()
    files.make(name="CA", organization="CPO", now=NOW, random=random)
    files.issue_server([HOST, "csms.example.org"], now=NOW, random=random)
    files.issue_server([HOST], now=NOW, random=random, rsa=True)
    clock = TestClock(NOW)
    keeper = TlsKeeper(Tls(), files, clock, lambda _: None)
    before = {expiry.name: expiry.at for expiry in keeper.expiries}
    await keeper.renew(random)
    assert not await keeper.refresh(), "all of it is fresh"
    clock.at = NOW + 25 * DAY
    await keeper.renew(random)
    assert await keeper.refresh()
    after = {expiry.name: expiry.at for expiry in keeper.expiries}
    assert {name for name in before if after[name] > before[name]} == {"crl.pem"}
    clock.at = NOW + 380 * DAY
    await keeper.renew(random)
    assert await keeper.refresh()
    after = {expiry.name: expiry.at for expiry in keeper.expiries}
    assert {name for name in before if after[name] > before[name]} == {"crl.pem", "server.pem", "server-rsa.pem"}
    assert files.hosts() == (HOST, "csms.example.org")
