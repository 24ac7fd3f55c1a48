"""T65: addresses that a station or a partner names make the server call inside its own network."""

from collections.abc import Iterator
from typing import Any

from aiohttp import ClientSession

from wattseal.dial.ocsp import ListedResponders
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import Line
from wattseal.lab.means.listener import Listener, listening
from wattseal.lab.null import take_out

STATION = "ST1"
HASHES = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "11" * 32,
    "issuerKeyHash": "22" * 32,
    "serialNumber": "01",
}


async def _perform(lab: Lab) -> Found:
    return await _call_inside(lab)


async def _control(lab: Lab) -> Found:
    return await _call_inside(lab, "server_side_request")


class _Everything(frozenset[str]):
    def __contains__(self, _: object) -> bool:
        return True


def undefend() -> None:
    """Ask whatever responder a station names."""

    def init(self: ListedResponders, session: ClientSession, _urls: object) -> None:
        self._session = session
        self._urls = _Everything()

    take_out(ListedResponders, "__init__", init)


async def _call_inside(lab: Lab, undefend: str | None = None) -> Found:
    async with listening() as inside, listening(inside.url) as listed:
        settings = f'[tls]\nocsp_responders = ["{listed.url}"]\n'
        async with lab.alone(settings, undefend) as cpo:
            await cpo.enrol(STATION)
            async with cpo.station(STATION, "2.0.1") as line:
                await line.boot()
                urls = list(_spellings(inside))
                for url in urls:
                    await _by_station(line, url)
                await _by_station(line, listed.url)
            named = await _by_api(cpo, inside.url)
    if inside.asked:
        return Found(Outcome.MISSED, f"the inside was called {len(inside.asked)} times: {inside.asked[0]}")
    if not listed.asked:
        raise LabError("the listed responder was not asked, so nothing was proven", subject="ocsp")
    tries = 2 * len(urls) + named
    text = (
        f"{tries} addresses named by a station and over the API: a listener on loopback was never called; the one "
        f"listed responder was asked {len(listed.asked)} times and its redirect inside was not followed"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("addresses named", tries, "addresses"),))


def _spellings(inside: Listener) -> Iterator[str]:
    """Return the same address as it is tried where only some spellings are refused."""
    port = inside.url.split(":")[2]
    yield inside.url
    for host in ("localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]", "0.0.0.0", "ocsp.example@127.0.0.1"):  # noqa: S104 - asked for, not bound to
        yield f"http://{host}:{port}"
    yield "file:///etc/passwd"
    yield "gopher://127.0.0.1:1/x"


async def _by_station(line: Line, url: str) -> None:
    """Name an address as responder of a certificate, in both messages that carry one."""
    asked = HASHES | {"responderURL": url[:512]}
    await line.call("GetCertificateStatus", {"ocspRequestData": asked})
    token = {"idToken": "DE8ACC12E46L89", "type": "eMAID"}
    await line.call("Authorize", {"idToken": token, "iso15118CertificateHashData": [asked]})


async def _by_api(cpo: Alone, url: str) -> int:
    """Name it wherever the API takes an address; returns how many bodies did."""
    component = {"type": "ENERGY", "price": 1, "step_size": 1}
    tariff: dict[str, Any] = {"country_code": "DE", "party_id": "CPO", "id": "T1", "currency": "EUR"}
    tariff |= {"elements": [{"price_components": [component]}], "last_updated": "2026-01-01T00:00:00Z"}
    bodies = (
        ("PUT", "/api/v1/tariffs/T1", tariff | {"tariff_alt_url": url}),
        ("POST", f"/api/v1/stations/{STATION}/get-log", {"remote_location": url}),
        ("POST", f"/api/v1/stations/{STATION}/update-firmware", {"location": url, "url": url}),
        ("POST", "/api/v1/ad-hoc-payments", {"station_id": STATION, "return_url": url, "response_url": url}),
        ("POST", f"/api/v1/stations/{STATION}/commands/DataTransfer", {"vendorId": url, "data": url}),
    )
    for method, path, body in bodies:
        async with cpo.asked(method, path, body) as answer:
            await answer.read()
    return len(bodies)


ATTACK = Attack(
    line="T65",
    title="an address that a station names makes the server call inside its own network",
    steps=(
        "listen on loopback, as a service does that only the inside may reach",
        "as a station, name its address as OCSP responder, in nine spellings and two messages",
        "have a responder that is on the list redirect there; name the address wherever the API takes one",
        "count who comes to the listener",
    ),
    defence="only responders on the list are asked, letter by letter, no redirect is followed, and no API fetches",
    without="whatever responder a station names is asked",
    residual="who may change the configuration decides whom the server calls: partners, witnesses, responders, payment",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
