"""T23: the end of an old connection is held back until the station has a new one, to take that with it."""

import asyncio
from contextlib import suppress

from wattseal.flow.commands import Unanswered
from wattseal.lab.attack import Attack, Found, Ground, Outcome
from wattseal.lab.grounds.door import Door, at_the_door
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import ClosedError
from wattseal.lab.null import swapped
from wattseal.model.remote import CacheClearRequested
from wattseal.serve.ocpp_ws import OcppServer, StationConnection

STATION = "ST1"
ANSWER_S = 2.0


async def _perform(lab: Lab) -> Found:
    return await _take_along(lab)


async def _control(lab: Lab) -> Found:
    def forget(server: OcppServer, connection: StationConnection) -> None:
        server.connections.pop(connection.station_id, None)

    with swapped(OcppServer, "remove", forget):
        return await _take_along(lab)


async def _take_along(lab: Lab) -> Found:
    async with lab.clockwork() as cpo, at_the_door(cpo) as door:
        await door.enrol(STATION)
        async with door.station(STATION, autoclose=False) as old:
            await old.boot()
            async with door.station(STATION) as new:
                await new.boot()
                with suppress(ClosedError):
                    await old.receive()
                await old.socket.close()
                await _gone(door)
                playing = asyncio.create_task(new.obey())
                outcome = await door.command(STATION, CacheClearRequested(), ANSWER_S)
                playing.cancel()
    if not isinstance(outcome, Unanswered):
        return Found(Outcome.PREVENTED, "ClearCache was asked over the new connection and answered")
    return Found(
        Outcome.MISSED, f"the station is connected and the CSMS takes it for gone: ClearCache {outcome.reason}"
    )


async def _gone(door: Door) -> None:
    """Wait until the server has done with the old socket."""
    for _ in range(100):
        if len(door.server._all) <= 1:  # noqa: SLF001 - what it still holds, old or new
            return
        await asyncio.sleep(0.02)


ATTACK = Attack(
    line="T23",
    title="the clean-up of a station's old connection comes after its new one",
    steps=(
        "a station is connected; its link breaks in a way that keeps the old socket open",
        "it dials again and boots",
        "only then does the old socket end",
        "the operator sends the station a command",
    ),
    defence="what ends takes only itself away: connections are compared, not station ids",
    without="the end of a connection forgets whatever the station has",
    residual="none known",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
