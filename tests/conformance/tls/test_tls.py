"""TLS as the security whitepaper of 1.6 wants it: versions, suites, compression, certificates, passwords over it."""

import asyncio
import contextlib
import ssl
import struct
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.conformance.secured import DROPPED, HOST, Tls, alive
from tests.conformance.wire import Wire
from tests.support.csms import PASSWORD

BINARY = [bytes(range(200, 200 + length)) for length in (16, 20)]
UNFIT = [
    "NULL-SHA256",
    "AES128-SHA",
    "AES256-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "DHE-RSA-AES128-GCM-SHA256",
    "ADH-AES128-SHA",
]
SUITES = bytes.fromhex("c02bc02c009c009d")
"""What OCPP names, in the numbers of TLS."""


@pytest.mark.conformance("OCPP16S_A00.FR.001", "OCPP16S_A00.FR.201")
@pytest.mark.parametrize("version", ["1.6", "2.0.1"])
async def test_a_station_comes_with_the_profile_it_is_enrolled_for(wire: Wire, tls: Tls, version: str) -> None:
    second, third = wire.enrol(wire.name(), security_profile=2), wire.enrol(wire.name(), security_profile=3)
    await wire.refused(second, 401, version=version)
    await alive(await wire.dial(second, version, tls=tls.trusting(), url=tls.wss))
    await wire.refused(third, 401, version=version)
    await wire.refused(third, 401, version=version, tls=tls.trusting(), url=tls.wss)
    shown = tls.trusting(tls.of(third))
    await alive(await wire.dial(third, version, password=None, tls=shown, url=tls.mutual))


@pytest.mark.conformance("OCPP16S_A00.FR.303")
async def test_over_tls_too_the_name_is_that_of_the_path(wire: Wire, tls: Tls) -> None:
    name, another = wire.enrol(wire.name()), wire.enrol(wire.name())
    await wire.refused(name, 401, version="1.6", user=another, tls=tls.trusting(), url=tls.wss)
    await alive(await wire.dial(name, "1.6", user=name, tls=tls.trusting(), url=tls.wss))


@pytest.mark.conformance("OCPP16S_A00.FR.304")
@pytest.mark.parametrize("password", BINARY, ids=["16 bytes", "20 bytes"])
async def test_a_password_of_bytes_opens_the_connection_over_tls(wire: Wire, tls: Tls, password: bytes) -> None:
    name = wire.name()
    told = await wire.api("POST", "/stations", {"id": name, "password_hex": password.hex()})
    assert told.status_code == 201, told.text
    await wire.refused(name, 401, version="1.6", password=password[:-1], tls=tls.trusting(), url=tls.wss)
    await alive(await wire.dial(name, "1.6", password=password, tls=tls.trusting(), url=tls.wss))


@pytest.mark.conformance("OCPP16S_A00.FR.316", "OCPP16S_A00.FR.420")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_plain_tls_of_either_version_is_spoken(wire: Wire, tls: Tls, version: ssl.TLSVersion) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    for shown, url, password in ((tls.of(name), tls.mutual, None), (None, tls.wss, PASSWORD)):
        context = tls.trusting(shown)
        context.minimum_version = context.maximum_version = version
        if password is None:
            station = await wire.dial(name, "1.6", password=None, tls=context, url=url)
            assert negotiated(station.socket.transport).version() == f"TLSv1.{3 if version.name.endswith('3') else 2}"
            await alive(station)
        else:
            await wire.refused(name, 401, version="1.6", password=password, tls=context, url=url)


def negotiated(transport: asyncio.BaseTransport) -> ssl.SSLObject:
    """Return the TLS of a connection."""
    found = transport.get_extra_info("ssl_object")
    assert isinstance(found, ssl.SSLObject)
    return found


@pytest.mark.conformance("OCPP16S_A00.FR.416", "OCPP16S_A00.FR.418")
async def test_older_tls_ends_in_the_handshake_where_certificates_are_shown(wire: Wire, tls: Tls) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    old, good = tls.trusting(tls.of(name)), tls.trusting(tls.of(name))
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(DROPPED):
        await wire.dial(name, "1.6", password=None, tls=old, url=tls.mutual)
    await alive(await wire.dial(name, "1.6", password=None, tls=good, url=tls.mutual))


@pytest.mark.conformance("OCPP16S_A00.FR.319", "OCPP16S_A00.FR.423")
@pytest.mark.parametrize("suite", UNFIT)
async def test_no_other_suite_is_spoken(wire: Wire, tls: Tls, suite: str) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    for shown, url in ((tls.of(name), tls.mutual), (None, tls.wss)):
        context = tls.trusting(shown)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(f"{suite}:@SECLEVEL=0")
        with pytest.raises(DROPPED):
            await wire.dial(name, "1.6", password=None, tls=context, url=url)
    await alive(await wire.dial(name, "1.6", password=None, tls=tls.trusting(tls.of(name)), url=tls.mutual))


def client_hello(*compressions: int) -> bytes:
    """Return a ClientHello of TLS 1.2 that offers these compression methods (RFC 5246, 7.4.1.2)."""
    groups, points, signatures = (
        struct.pack("!HH", kind, len(body)) + body
        for kind, body in ((10, b"\0\2\0\x17"), (11, b"\1\0"), (13, b"\0\4\4\3\4\1"))
    )
    extensions = groups + points + signatures
    body = b"\3\3" + bytes(range(32)) + b"\0" + struct.pack("!H", len(SUITES)) + SUITES
    body += bytes([len(compressions), *compressions]) + struct.pack("!H", len(extensions)) + extensions
    handshake = b"\1" + len(body).to_bytes(3) + body
    return b"\x16\3\1" + struct.pack("!H", len(handshake)) + handshake


async def answer_to(hello: bytes, url: str) -> bytes:
    """Return the first bytes a server answers a ClientHello with, none where it hangs up."""
    reader, writer = await asyncio.open_connection(HOST, urlsplit(url).port)
    writer.write(hello)
    answer = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(10):
            answer = await reader.read(5)
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return answer


@pytest.mark.conformance("OCPP16S_A00.FR.320", "OCPP16S_A00.FR.321", "OCPP16S_A00.FR.424", "OCPP16S_A00.FR.425")
async def test_tls_is_never_compressed(wire: Wire, tls: Tls) -> None:
    handshake, alert = 0x16, 0x15
    for url in (tls.wss, tls.mutual):
        assert (await answer_to(client_hello(0), url))[:1] == bytes([handshake])
        assert (await answer_to(client_hello(1, 0), url))[:1] == bytes([handshake])
        assert (await answer_to(client_hello(1), url))[:1] in {bytes([alert]), b""}
    name = wire.enrol(wire.name())
    context = tls.trusting()
    context.options &= ~ssl.OP_NO_COMPRESSION
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    station = await wire.dial(name, "1.6", tls=context, url=tls.wss)
    assert negotiated(station.socket.transport).compression() is None
    await alive(station)


@pytest.mark.conformance("OCPP16S_A00.FR.323", "OCPP16S_A00.FR.408")
async def test_a_certificate_that_is_refused_is_in_the_log(wire: Wire, tls: Tls) -> None:
    name, another = wire.enrol(wire.name(), security_profile=3), wire.enrol(wire.name())
    anothers = tls.trusting(tls.of(another))
    await wire.refused(name, 401, version="1.6", password=None, tls=anothers, url=tls.mutual)
    log = (wire.csms.data.parent / "cpo.log").read_text()
    assert [line for line in log.splitlines() if "station_certificate_refused" in line and name in line]


@pytest.mark.conformance("OCPP16S_A00.FR.510", "OCPP16S_A00.FR.512")
async def test_certificates_say_what_they_are_for(wire: Wire, tls: Tls) -> None:
    name = wire.enrol(wire.name(), security_profile=3)
    identity = tls.of(name)
    station = await wire.dial(name, "1.6", password=None, tls=tls.trusting(identity), url=tls.mutual)
    await alive(station)
    shown = negotiated(station.socket.transport).getpeercert(binary_form=True)
    assert shown is not None
    server, own = x509.load_der_x509_certificate(shown), x509.load_pem_x509_certificate(identity[0].read_bytes())
    assert [cn.value for cn in server.subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == [HOST]
    for certificate in (server, own):
        assert isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
        assert usage.digital_signature
        assert not usage.key_cert_sign
        assert not usage.crl_sign
