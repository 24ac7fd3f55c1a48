"""T50: a station with good credentials of its own speaks for another: by the path, by the user, by its certificate."""

from dataclasses import replace
from http import HTTPStatus

import aiohttp
from cryptography.hazmat.primitives import serialization

from wattseal.app import doorman
from wattseal.app.doorman import Doorman
from wattseal.base.ids import StationId
from wattseal.crypto.authority import Authority, load_private_key
from wattseal.crypto.certificates import read_certificate
from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.grounds.door import Door, at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import dial
from wattseal.lab.null import swapped
from wattseal.rules.pki import CertificateVerdict, StationTrust
from wattseal.serve.ocpp_ws import Arrival, OcppServer, StationConnection, basic_credentials, station_of
from wattseal.serve.websocket import Accepted, Refused, Request
from wattseal.wire.ocpp.version import Version

OWN, OTHER = "STA", "STB"
CARD = "CARD0001"


async def _perform(lab: Lab) -> Found:
    return await _speak_for_another(lab)


async def _control(lab: Lab) -> Found:
    """Check the user's password and take the path's station; check a certificate's issuer and not its name."""

    async def decide(server: OcppServer, request: Request) -> Accepted | Refused:
        shown = basic_credentials(request.header("authorization")) or ("", b"")
        admitted = await server.endpoint.authenticate(Arrival(StationId(shown[0]), shown[1], request.remote))
        named = station_of(request.target)
        if admitted is None or named is None:
            return Refused(HTTPStatus.UNAUTHORIZED)
        connection = StationConnection(server, replace(admitted, station_id=named), Version.V16, request.remote)
        return Accepted(connection, Version.V16.subprotocol)

    def whoever(*_: object) -> CertificateVerdict:
        return CertificateVerdict.GOOD

    with swapped(OcppServer, "_decide", decide), swapped(doorman, "judge_certificate", whoever):
        return await _speak_for_another(lab)


async def _speak_for_another(lab: Lab) -> Found:
    async with lab.clockwork() as cpo, at_the_door(cpo) as door:
        await door.enrol(OWN)
        await door.enrol(OTHER)
        await cpo.token(CARD)
        ways = {
            "own user and password at the other's path": await _dials(door, OTHER, OWN, OWN),
            "the other's user with its own password": await _dials(door, OTHER, OTHER, OWN),
            "own certificate at the other's path": await _shows_certificate(door),
        }
        told = [each for each in await cpo.transactions() if each.station_id == OTHER]
        honest = await _dials(door, OTHER, OTHER, OTHER)
    opened = [way for way, status in ways.items() if status is None]
    if opened or told or honest is not None:
        return Found(Outcome.MISSED, f"{OWN} spoke for {OTHER}: {'; '.join(opened)}; {len(told)} charge in its name")
    text = "; ".join(f"{way}: {status}" for way, status in ways.items())
    return Found(Outcome.PREVENTED, f"{text}; {OTHER} itself is let in")


async def _dials(door: Door, path: str, user: str, whose_password: str) -> int | str | None:
    """Return the status that keeps him out, None where he came in and began a charge."""
    try:
        async with dial(door.session, door.url, path, door.passwords[whose_password], user=user) as line:
            await line.boot("BORROWED")
            told = {"connectorId": 1, "idTag": CARD, "meterStart": 0, "timestamp": door.clockwork.at()}
            await line.call("StartTransaction", told)
    except aiohttp.WSServerHandshakeError as error:
        return error.status
    return None


async def _shows_certificate(door: Door) -> str | None:
    """Show a certificate that the CPO's own authority issued to him, at the other's path, as TLS hands it on."""
    now = door.clockwork.clock.now()
    pems = [SigningKey.from_seed(Algorithm.ESP256, bytes([each]) * 32).to_pem() for each in (1, 2)]
    authority = Authority.root(pems[0], name="CA", organization="CPO", serial=1, now=now)
    issued = authority.issue_station(load_private_key(pems[1]).public_key(), OWN, serial=2, now=now).public_bytes(
        serialization.Encoding.DER
    )
    root = read_certificate(authority.certificate.public_bytes(serialization.Encoding.DER))
    keeper = Doorman(door.clockwork.world, trust=lambda: StationTrust((root,)))
    admitted = await keeper.authenticate(Arrival(StationId(OTHER), None, "192.0.2.1", secure=True, certificate=issued))
    if admitted is not None:
        return None
    own = await keeper.authenticate(Arrival(StationId(OWN), None, "192.0.2.1", secure=True, certificate=issued))
    verdict = await keeper.judge_anew(StationId(OTHER), issued)
    return f"{verdict}" if own is not None else "refused, and so is its own station"


ATTACK = Attack(
    line="T50",
    title="a station's own good credentials are used at another station's path",
    steps=(
        "dial the other's path with one's own user and password",
        "dial it with the other's user and one's own password",
        "show one's own certificate, issued by the same authority, at the other's path",
        "where one is let in, begin a charge in its name",
    ),
    defence="user, certificate name and path must name one station, and its own secret must be shown",
    without="the user's password opens any path, and any certificate of the authority does",
    residual="who has a station's own secret is that station",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
