"""Stations behind a reverse proxy: what it says is believed from listed addresses only, and checked like TLS here."""

import base64
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.support.pki import DAY, NOW, Ca, Leaf, subject
from tests.support.tls_csms import front_door

from wattseal.app.settings import ProxyCertificate, Tls
from wattseal.app.tls import make_proxies
from wattseal.base.errors import ConfigError
from wattseal.serve.websocket import Request

CPO = Ca.make("CPO CA")
Form = Callable[[Leaf], dict[str, str]]
HTTPS = {"X-Forwarded-Proto": "https"}


def settings(folder: Path, header: ProxyCertificate | None, *proxies: str) -> Tls:
    (folder / "issuers.pem").write_bytes(CPO.pem())
    return Tls(client_ca=folder / "issuers.pem", proxies=proxies, proxy_certificate=header)


def rfc9440(leaf: Leaf) -> dict[str, str]:
    return HTTPS | {"Client-Cert": f":{base64.b64encode(leaf.der).decode()}:"}


def escaped(leaf: Leaf) -> str:
    return quote(leaf.pem().decode(), safe="")


FORMS: list[tuple[ProxyCertificate, Form]] = [
    (ProxyCertificate.CLIENT_CERT, rfc9440),
    (ProxyCertificate.SSL_CLIENT_CERT, lambda leaf: HTTPS | {"SSL-Client-Cert": escaped(leaf)}),
    (ProxyCertificate.X_SSL_CLIENT_CERT, lambda leaf: HTTPS | {"X-SSL-Client-Cert": escaped(leaf)}),
    (
        ProxyCertificate.X_FORWARDED_CLIENT_CERT,
        lambda leaf: HTTPS | {"X-Forwarded-Client-Cert": f'Hash=00ff;Cert="{escaped(leaf)}";Subject="CN=CS1"'},
    ),
]


@pytest.mark.parametrize(("header", "form"), FORMS)
async def test_a_certificate_passed_on_by_a_listed_proxy_is_profile_3(
    tmp_path: Path, header: ProxyCertificate, form: Form
) -> None:
    async with front_door(tmp_path, settings(tmp_path, header, "127.0.0.0/8")) as door:
        await door.enrol("CS1", security_profile=3)
        good = CPO.issue("CS1")
        async with door.dial("CS1", "ws", password=None, headers=form(good)):
            assert door.profile("CS1") == 3
        for bad in (
            CPO.issue("CS2"),
            Ca.make("CPO CA").issue("CS1"),
            CPO.issue("CS1", valid=(NOW - 3 * DAY, NOW - DAY)),
            CPO.issue(subject(None)),
        ):
            assert await door.status("CS1", "ws", headers=form(bad)) == 401


@pytest.mark.parametrize(("header", "form"), FORMS)
async def test_the_same_header_from_an_address_that_is_not_listed_is_ignored(
    tmp_path: Path, header: ProxyCertificate, form: Form
) -> None:
    async with front_door(tmp_path, settings(tmp_path, header, "10.0.0.1")) as door:
        await door.enrol("CS3", security_profile=3)
        await door.enrol("CS1")
        assert await door.status("CS3", "ws", headers=form(CPO.issue("CS3"))) == 401
        async with door.dial("CS1", "ws", headers=form(CPO.issue("CS1"))):
            assert door.profile("CS1") == 1, "its password let it in, over no TLS"


async def test_a_header_that_is_not_the_configured_one_is_ignored_even_from_the_proxy(tmp_path: Path) -> None:
    configured = settings(tmp_path, ProxyCertificate.SSL_CLIENT_CERT, "127.0.0.1")
    async with front_door(tmp_path, configured) as door:
        await door.enrol("CS1", security_profile=3)
        assert await door.status("CS1", "ws", headers=rfc9440(CPO.issue("CS1"))) == 401
    async with front_door(tmp_path, settings(tmp_path, None, "127.0.0.1")) as door:
        await door.enrol("CS1", security_profile=3)
        assert await door.status("CS1", "ws", headers=rfc9440(CPO.issue("CS1"))) == 401


async def test_a_password_through_the_proxys_tls_is_profile_2(tmp_path: Path) -> None:
    async with front_door(tmp_path, settings(tmp_path, None, "127.0.0.1")) as door:
        await door.enrol("CS2", security_profile=2)
        for headers in ({}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-Proto": "https, http"}):
            assert await door.status("CS2", "ws", headers=headers) == 401
        async with door.dial("CS2", "ws", headers=HTTPS):
            assert door.profile("CS2") == 2


@pytest.mark.parametrize(
    "value",
    [
        "",
        ":",
        "::",
        ":no base64:",
        ":AAAA:",
        "AAAA",
        f"{rfc9440(CPO.issue('CS1'))['Client-Cert']}, {rfc9440(CPO.issue('CS1'))['Client-Cert']}",
    ],
)
async def test_an_unreadable_certificate_header_lets_nobody_in(tmp_path: Path, value: str) -> None:
    configured = settings(tmp_path, ProxyCertificate.CLIENT_CERT, "127.0.0.1")
    async with front_door(tmp_path, configured) as door:
        await door.enrol("CS1", security_profile=3)
        assert await door.status("CS1", "ws", headers=HTTPS | {"Client-Cert": value}) == 401


@pytest.mark.parametrize(
    ("listed", "peer", "forwarded", "remote"),
    [
        (("10.0.0.0/8",), "10.0.0.1", "203.0.113.9", "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (("10.0.0.0/8",), "10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        (("fd00::/8",), "fd00::1", "[2001:db8::7]:4711", "2001:db8::7"),
        (("10.0.0.0/8",), "10.0.0.1", "unknown", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", "203.0.113.9, <script>", "10.0.0.1"),
        (("10.0.0.0/8",), "10.0.0.1", None, "10.0.0.1"),
        (("10.0.0.0/8",), "192.0.2.1", "203.0.113.9", "192.0.2.1"),
        ((), "10.0.0.1", "203.0.113.9", "10.0.0.1"),
    ],
)
def test_the_address_is_the_nearest_that_is_no_listed_proxy(
    listed: tuple[str, ...], peer: str, forwarded: str | None, remote: str
) -> None:
    headers = () if forwarded is None else (("x-forwarded-for", forwarded),)
    came = make_proxies(Tls(proxies=listed)).came(Request("/ocpp/CS1", headers, peer))
    assert came is not None
    assert came.remote == remote


@pytest.mark.parametrize(("proto", "secure"), [(None, False), ("http", False), ("https", True), ("WSS", True)])
def test_tls_between_the_proxy_and_here_says_nothing_of_the_station(proto: str | None, *, secure: bool) -> None:
    headers = () if proto is None else (("x-forwarded-proto", proto),)
    request = Request("/ocpp/CS1", headers, "10.0.0.1", secure=True, certificate=b"the proxy's own")
    came = make_proxies(Tls(proxies=("10.0.0.1",))).came(request)
    assert came is not None
    assert (came.secure, came.certificate, came.direct) == (secure, None, False)


def test_a_proxy_that_is_no_address_is_refused_at_the_start() -> None:
    with pytest.raises(ConfigError, match="write addresses or networks"):
        make_proxies(Tls(proxies=("proxy.example",)))


async def test_guessing_through_a_proxy_slows_the_guesser_by_its_own_address(tmp_path: Path) -> None:
    async with front_door(tmp_path, settings(tmp_path, None, "127.0.0.1")) as door:
        await door.enrol("CS1")
        guessed = {"X-Forwarded-For": "203.0.113.9"}
        assert await door.status("CS1", "ws", password=b"guess", headers=guessed) == 401
        assert list(door.doorman._patience._failures) == [("cs1", "203.0.113.9")]
