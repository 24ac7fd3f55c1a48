"""Where stations dial in: plain, over TLS, over mutual TLS; and what closes connections that may not go on."""

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass
from ssl import SSLContext

from wattseal.app.doorman import Doorman
from wattseal.app.settings import Serve
from wattseal.app.tls import TlsKeeper
from wattseal.base.errors import ConfigError, WattsealError
from wattseal.flow.world import World
from wattseal.rules.pki import CertificateVerdict
from wattseal.serve.ocpp_ws import OcppServer

_LOGGER = logging.getLogger("wattseal.stations")
_STAYS = frozenset({CertificateVerdict.GOOD, CertificateVerdict.EXPIRED})
"""A connection outlives its certificate: the next one needs a new one."""


@dataclass(frozen=True, slots=True)
class StationPorts:
    """The ports that stations dial; None where there is no such listener."""

    ws: int
    wss: int | None = None
    mutual: int | None = None


async def listen_for_stations(serve: Serve, ocpp: OcppServer, tls: TlsKeeper, stack: AsyncExitStack) -> StationPorts:
    """Open the listeners that are configured, and have them closed with `stack`."""
    stack.push_async_callback(ocpp.stop)
    ws = await _listen(ocpp, serve.host, serve.ocpp_port)
    wss = mutual = None
    if serve.wss_port is not None:
        wss = await _listen(ocpp, serve.host, serve.wss_port, tls.context(demand_certificate=False))
    if serve.mutual_port is not None:
        mutual = await _listen(ocpp, serve.host, serve.mutual_port, tls.context(demand_certificate=True))
    return StationPorts(ws, wss, mutual)


async def _listen(ocpp: OcppServer, host: str, port: int, context: SSLContext | None = None) -> int:
    try:
        return await ocpp.start(host, port, context)
    except OSError as error:
        raise port_unusable(host, port, error) from error


def port_unusable(host: str, port: int, error: OSError) -> ConfigError:
    """Return what to say of a port that cannot be listened on."""
    text = f"cannot listen on {host}:{port}: {error.strerror}; choose another port, or 0 for a free one"
    return ConfigError(text, code="port_unusable", subject=str(port))


async def close_when_unhealthy(world: World, ocpp: OcppServer) -> None:
    """Send stations away while nothing can be made durable, so that they keep their messages (1013)."""
    while True:
        await asyncio.sleep(0.25)
        if not world.journal.healthy:
            ocpp.close_all(1013, "try again later")


async def follow_tls_files(tls: TlsKeeper, doorman: Doorman, ocpp: OcppServer, world: World) -> None:
    """Take changed certificates, issuers and revocation lists into force, and close what they revoke."""
    while True:
        await asyncio.sleep(tls.interval_s)
        try:
            if await tls.refresh():
                world.authority = tls.authority(world.clock, world.random)
                await close_what_is_revoked(doorman, ocpp)
            await tls.renew(world.random)
        except WattsealError as error:
            _LOGGER.warning("tls_refresh_failed %s %s", error.code, error.subject)
        except Exception:
            _LOGGER.exception("tls_refresh_failed")


async def close_what_is_revoked(doorman: Doorman, ocpp: OcppServer) -> None:
    """Close connections whose certificate would not be taken any more (1008); one that merely expired stays."""
    for connection in tuple(ocpp.connections.values()):
        shown = connection.admitted.certificate
        if shown is None:
            continue
        verdict = await doorman.judge_anew(connection.station_id, shown)
        if verdict not in _STAYS:
            _LOGGER.warning("station_closed %s certificate_%s", connection.station_id, verdict)
            connection.close(1008, "the certificate is no longer good")
        await asyncio.sleep(0)
