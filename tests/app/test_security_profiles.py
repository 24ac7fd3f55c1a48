"""Security profiles 0 to 3 over real sockets and real TLS: who is let in, at which profile, and who is not."""

import asyncio
import base64
import datetime as dt
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from tests.support.pki import DAY, NOW, Ca, Leaf, client_tls, new_key, subject
from tests.support.tls_csms import DIGEST, PASSWORD, FrontDoor, front_door, heartbeat
from websockets.exceptions import InvalidMessage

from wattseal.app.settings import Tls
from wattseal.base.ids import StationId
from wattseal.crypto.passwords import digest_password
from wattseal.flow.documents import ALARM, read
from wattseal.flow.stations.security_events import SECURITY_EVENT, SecurityEvent

HOST = "127.0.0.1"
CPO = Ca.make("CPO CA")
STRANGER = Ca.make("CPO CA")
NEW = b"another password"
DROPPED = (ssl.SSLError, OSError, EOFError, InvalidMessage)
"""What a client sees of a handshake that the server ends; under TLS 1.3 only after its own side was done."""


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[FrontDoor]:
    async with opened(tmp_path) as running:
        yield running


def opened(folder: Path, **serve: bool) -> AbstractAsyncContextManager[FrontDoor]:
    return front_door(folder, files(folder), wss_port=0, mutual_port=0, **serve)


def files(folder: Path) -> Tls:
    certificate, key = CPO.issue(HOST, hosts=(HOST,)).write(folder, "server")
    rsa_key = rsa.generate_private_key(65537, 2048)
    rsa_certificate, rsa_file = CPO.issue(HOST, key=rsa_key, hosts=(HOST,)).write(folder, "rsa")
    (folder / "issuers.pem").write_bytes(CPO.pem())
    (folder / "crl.pem").write_bytes(CPO.crl())
    return Tls(
        certificate=certificate,
        key=key,
        rsa_certificate=rsa_certificate,
        rsa_key=rsa_file,
        client_ca=folder / "issuers.pem",
        crl=(folder / "crl.pem",),
        organization="CPO",
    )


def shown(folder: Path, leaf: Leaf, *chain: bytes) -> ssl.SSLContext:
    """Return the context of a station that shows this certificate."""
    return client_tls(CPO.pem(), leaf.write(folder, f"station-{leaf.certificate.serial_number:x}", *chain))


async def test_a_password_is_profile_1_plain_and_profile_2_over_tls(door: FrontDoor) -> None:
    await door.enrol("CS1")
    async with door.dial("CS1", "ws") as socket:
        await heartbeat(socket)
        assert door.profile("CS1") == 1
    async with door.dial("CS1", tls=client_tls(CPO.pem())) as socket:
        await heartbeat(socket)
        assert door.profile("CS1") == 2


async def test_a_certificate_of_its_own_is_profile_3_and_needs_no_password(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS1", password_digest=None, security_profile=3)
    for kind in ("wss", "mutual"):
        async with door.dial("CS1", kind, tls=shown(tmp_path, CPO.issue("CS1")), password=None) as socket:
            await heartbeat(socket)
            assert door.profile("CS1") == 3


async def test_over_tls_a_wrong_password_is_refused(door: FrontDoor) -> None:
    await door.enrol("CS1")
    tls = client_tls(CPO.pem())
    assert await door.status("CS1", tls=tls, password=b"wrong") == 401
    assert await door.status("CS1", tls=tls, password=None) == 401
    assert await door.status("NOBODY", tls=tls) == 401


async def test_the_mutual_port_takes_no_station_without_a_certificate(door: FrontDoor) -> None:
    await door.enrol("CS1")
    with pytest.raises(DROPPED):
        await door.status("CS1", "mutual", tls=client_tls(CPO.pem()))


@pytest.mark.parametrize(
    ("leaf", "counted"),
    [
        (CPO.issue("CS2"), "another_stations"),
        (CPO.issue("CS1.example"), "another_stations"),
        (CPO.issue("*"), "another_stations"),
        (CPO.issue(subject(None)), "another_stations"),
        (CPO.issue(x509.Name([*subject("CS1"), *subject("CS2", None)])), "another_stations"),
        (CPO.issue(subject("CS1", "Another CPO")), "another_owners"),
        (CPO.issue(subject("CS1", None)), "another_owners"),
        (
            CPO.issue("CS1", extensions=(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]),)),
            None,  # OpenSSL itself ends the handshake
        ),
    ],
)
async def test_a_certificate_that_is_not_the_stations_is_refused_whatever_its_password(
    door: FrontDoor, tmp_path: Path, leaf: Leaf, counted: str | None
) -> None:
    await door.enrol("CS1")
    if counted is None:
        with pytest.raises(DROPPED):
            await door.status("CS1", tls=shown(tmp_path, leaf))
        return
    assert await door.status("CS1", tls=shown(tmp_path, leaf)) == 401
    assert door.world.counters[f"certificate_{counted}"] == 1


async def test_a_serial_number_or_an_enrolled_name_binds_as_well(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS1", security_profile=3, certificate_name="SN-0815")
    for name in (subject("SN-0815"), subject("Model X", serial_number="CS1"), subject("cs1")):
        assert await door.status("CS1", tls=shown(tmp_path, CPO.issue(name)), password=None) == 101


async def test_what_a_station_says_of_itself_binds_no_certificate(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS1", serial="SN-0815")
    assert await door.status("CS1", tls=shown(tmp_path, CPO.issue("SN-0815"))) == 401


@pytest.mark.parametrize(
    "leaf",
    [
        STRANGER.issue("CS1"),
        CPO.issue("CS1", valid=(NOW - 3 * DAY, NOW - DAY)),
        CPO.issue("CS1", valid=(NOW + DAY, NOW + 3 * DAY)),
    ],
    ids=["issued by a stranger of the same name", "expired", "not yet valid"],
)
async def test_a_bad_certificate_ends_the_handshake(door: FrontDoor, tmp_path: Path, leaf: Leaf) -> None:
    await door.enrol("CS1")
    with pytest.raises(DROPPED):
        await door.status("CS1", tls=shown(tmp_path, leaf))


async def test_an_intermediate_that_is_not_listed_issues_no_station_certificate(
    door: FrontDoor, tmp_path: Path
) -> None:
    between = Ca.make("Between", CPO)
    await door.enrol("CS1")
    shows = shown(tmp_path, between.issue("CS1"), between.pem())
    assert await door.status("CS1", tls=shows) == 401
    (tmp_path / "issuers.pem").write_bytes(CPO.pem() + between.pem())
    assert await door.reload()
    assert await door.status("CS1", tls=shows) == 101


async def test_a_revoked_certificate_is_refused_and_its_living_connection_closed(
    door: FrontDoor, tmp_path: Path
) -> None:
    await door.enrol("CS1")
    await door.enrol("CS2")
    revoked, good = CPO.issue("CS1"), CPO.issue("CS2")
    async with (
        door.dial("CS1", tls=shown(tmp_path, revoked)) as lost,
        door.dial("CS2", tls=shown(tmp_path, good)) as stays,
    ):
        await heartbeat(lost)
        (tmp_path / "crl.pem").write_bytes(CPO.crl(revoked))
        assert await door.reload()
        await asyncio.wait_for(lost.wait_closed(), 10)
        assert lost.close_code == 1008
        await heartbeat(stays)
        assert await door.status("CS1", tls=shown(tmp_path, revoked)) == 401
    assert door.world.counters["certificate_revoked"] == 1


async def test_a_list_that_the_issuer_did_not_sign_revokes_nothing_and_a_broken_file_changes_nothing(
    door: FrontDoor, tmp_path: Path
) -> None:
    leaf = CPO.issue("CS1")
    await door.enrol("CS1")
    for name, content in (
        ("crl.pem", STRANGER.crl(leaf)),
        ("crl.pem", b"-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"),
        ("issuers.pem", b""),
        ("issuers.pem", leaf.pem()),
        ("server.key", b"no key"),
        ("server.pem", b"no certificate"),
    ):
        before = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content)
        assert not await door.reload(), name
        assert not await door.reload(), "a broken file is tried once"
        assert await door.status("CS1", tls=shown(tmp_path, leaf)) == 101
        (tmp_path / name).write_bytes(before)
        assert await door.reload()
    assert door.world.counters["tls_reload_failed"] == 6


async def test_new_certificates_are_taken_into_use_while_connections_live_on(door: FrontDoor, tmp_path: Path) -> None:
    fresh = Ca.make("Fresh")
    await door.enrol("CS1")
    await door.enrol("CS2")
    async with door.dial("CS1", tls=client_tls(CPO.pem())) as older:
        fresh.issue(HOST, hosts=(HOST,)).write(tmp_path, "server")
        assert await door.reload()
        await heartbeat(older)
        with pytest.raises(ssl.SSLCertVerificationError):
            await door.status("CS2", tls=ecdsa_only(client_tls(CPO.pem())))
        assert await door.status("CS2", tls=ecdsa_only(client_tls(fresh.pem()))) == 101
        await heartbeat(older)


def ecdsa_only(context: ssl.SSLContext) -> ssl.SSLContext:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    return context


@pytest.mark.parametrize(
    ("suite", "name"),
    [
        ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    ],
)
async def test_the_suites_that_ocpp_names_are_spoken(door: FrontDoor, suite: str, name: str) -> None:
    assert name
    await door.enrol("CS1")
    context = client_tls(CPO.pem())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    async with door.dial("CS1", tls=context) as socket:
        await heartbeat(socket)
        chosen = socket.transport.get_extra_info("cipher")
        assert chosen[0] == suite


async def test_tls_1_3_is_spoken_and_1_1_and_old_suites_are_not(door: FrontDoor) -> None:
    await door.enrol("CS1")
    context = client_tls(CPO.pem())
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    assert await door.status("CS1", tls=context) == 101
    for old in (old_version(), old_suite()):
        with pytest.raises(DROPPED):
            await door.status("CS1", tls=old)


def old_version() -> ssl.SSLContext:
    context = client_tls(CPO.pem())
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def old_suite() -> ssl.SSLContext:
    context = client_tls(CPO.pem())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-SHA256:AES128-SHA:@SECLEVEL=0")
    return context


async def test_below_its_enrolled_profile_a_station_is_refused(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS2", security_profile=2)
    await door.enrol("CS3", security_profile=3)
    tls = client_tls(CPO.pem())
    assert await door.status("CS2", "ws") == 401
    assert await door.status("CS2", tls=tls) == 101
    assert await door.status("CS3", "ws") == 401
    assert await door.status("CS3", tls=tls) == 401
    assert await door.status("CS3", tls=shown(tmp_path, CPO.issue("CS3"))) == 101
    assert door.world.counters["security_profile_too_low"] == 3


async def test_a_profile_once_reached_is_never_left_downwards(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS1")
    tls = client_tls(CPO.pem())
    assert await door.status("CS1", "ws") == 101
    assert await door.status("CS1", tls=tls) == 101
    assert await door.status("CS1", "ws") == 401
    assert await door.status("CS1", tls=shown(tmp_path, CPO.issue("CS1"))) == 101
    assert await door.status("CS1", tls=tls) == 401
    door.world.forget()
    assert await door.status("CS1", tls=tls) == 401, "also after a restart"


async def test_profile_0_is_for_stations_enrolled_so_and_from_this_machine(door: FrontDoor) -> None:
    await door.enrol("OPEN", security_profile=0, password_digest=None)
    await door.enrol("CLOSED")
    assert await door.status("OPEN", "ws", password=None) == 101
    assert await door.status("CLOSED", "ws", password=None) == 401
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    assert await door.status("OPEN", "ws", password=None, headers=forwarded) == 401, "it came through some proxy"


async def test_profile_0_from_elsewhere_needs_the_flag(tmp_path: Path) -> None:
    async with opened(tmp_path, allow_profile_0=True) as door:
        await door.enrol("OPEN", security_profile=0, password_digest=None)
        forwarded = {"X-Forwarded-For": "203.0.113.9"}
        assert await door.status("OPEN", "ws", password=None, headers=forwarded) == 101


async def test_a_station_of_profile_0_that_got_a_password_needs_it_from_then_on(door: FrontDoor) -> None:
    await door.enrol("CS1", security_profile=0)
    assert await door.status("CS1", "ws", password=b"wrong") == 401
    assert await door.status("CS1", "ws") == 101
    assert await door.status("CS1", "ws", password=None) == 401


async def test_both_passwords_are_good_until_the_new_one_is_used(door: FrontDoor) -> None:
    await door.enrol(
        "CS1", pending_password_digests=(digest_password(b"older", bytes(16)), digest_password(NEW, bytes(16)))
    )
    assert await door.status("CS1", "ws") == 101
    assert await door.status("CS1", "ws", password=NEW) == 101
    assert await door.status("CS1", "ws") == 401
    assert await door.status("CS1", "ws", password=NEW) == 101
    memory = door.world.stations[StationId("CS1")]
    assert memory.station.password_digest not in {DIGEST, None}
    assert memory.station.pending_password_digests == ()


async def test_a_weak_key_is_refused(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS1")
    weak = CPO.issue("CS1", key=new_key(ec.SECP192R1()))
    with pytest.raises(DROPPED):
        await door.status("CS1", tls=shown(tmp_path, weak))


async def test_what_ends_when_is_told(door: FrontDoor) -> None:
    told = {(e.kind, e.name): e.at for e in door.tls.expiries}
    assert set(told) == {("server", "server.pem"), ("server", "rsa.pem"), ("issuer", "issuers.pem"), ("crl", "crl.pem")}
    assert told["crl", "crl.pem"] == NOW + dt.timedelta(days=1)
    left = door.tls.seconds_left()
    assert set(left) == {"server", "issuer", "crl"}
    assert left["crl"] < 86_400 < left["server"] < left["issuer"]


async def test_the_same_credentials_open_their_own_stations_door_only(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS1")
    await door.enrol("CS2")
    own = shown(tmp_path, CPO.issue("CS2"))
    basic = {"Authorization": "Basic " + base64.b64encode(b"CS2:" + PASSWORD).decode()}
    for name, status in (("CS1", 401), ("CS2", 101)):
        assert await door.status(name, "ws", password=None, headers=basic) == status
        assert await door.status(name, tls=own, password=None) == status


async def test_a_refused_certificate_is_a_security_event_once_an_hour(door: FrontDoor, tmp_path: Path) -> None:
    await door.enrol("CS1")
    for _ in range(3):
        assert await door.status("CS1", tls=shown(tmp_path, CPO.issue("CS2"))) == 401
    assert await door.status("NOBODY", tls=shown(tmp_path, CPO.issue("CS2"))) == 401
    journal, tenant = door.world.journal, door.world.tenant
    (event,) = [read(d, SecurityEvent) for d in await journal.documents(tenant, SECURITY_EVENT)]
    assert (event.station_id, event.type, event.critical) == ("CS1", "InvalidChargingStationCertificate", True)
    assert event.tech_info == "refused by the CSMS: another_stations, from 127.0.0.1"
    assert len(await journal.documents(tenant, ALARM)) == 1
