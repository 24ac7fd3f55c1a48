"""T30: in the middle of a charge the CSMS's name leads to somebody else, who takes everything with thanks."""

import asyncio
import time
from dataclasses import replace

from wattseal.app.edge.uplink import CsmsSide
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.lab import Lab, Living
from wattseal.lab.means.adversary import carried_items
from wattseal.lab.means.leaks import find_leaks
from wattseal.lab.means.plans import Plan, Sent
from wattseal.lab.means.sinkhole import Sinkhole
from wattseal.lab.means.tap import Tap
from wattseal.lab.null import take_out
from wattseal.parties.edge.edge import _forget_done
from wattseal.parties.edge.step import Step
from wattseal.parties.edge.upstream import Upward
from wattseal.seal.item import Kind, parse_item

ENERGY_WH = (12_500, 30_000)
LOST_S = 12.0
"""What is sent again comes within some of the edge's heartbeats, which are two seconds here."""


async def _perform(lab: Lab) -> Found:
    return await _sink(lab)


async def _control(lab: Lab) -> Found:
    return await _sink(lab, undefend="sinkhole")


def undefend() -> None:
    """Let an edge take any answer for a receipt, as stations do."""
    send = CsmsSide._send  # noqa: SLF001 - what is taken out

    async def believes(side: CsmsSide, message: Upward, ids: list[str], *, first_time: bool = True) -> bool:
        del first_time
        answered = await send(side, message, ids, first_time=False)
        memory = side._memory  # noqa: SLF001 - as above
        async with memory.lock:
            state = memory.state
            for payload in (parse_item(data).payload for data in message.items if answered):
                stream = state.stream(payload.stream)
                left = tuple(place for place in stream.pending if place != (payload.epoch, payload.seq))
                state = _forget_done(state.with_stream(replace(stream, pending=left)))
            await memory.commit(Step(state))
        return answered

    take_out(CsmsSide, "_send", believes)


async def _sink(lab: Lab, undefend: str | None = None) -> Found:
    if undefend is None:
        return await _lead_away(lab, await lab.living(), None)
    async with lab.own_world() as living:
        return await _lead_away(lab, living, undefend)


async def _lead_away(lab: Lab, living: Living, undefend: str | None) -> Found:
    world, station = living.world, living.world.scene.stations.edged
    energy_wh = lab.dice.number(*ENERGY_WH)
    await world.stop_edge()
    async with Sinkhole() as sink, Tap(world.ocpp_url) as tap:
        tap.up = _at_the_first_reading(tap, sink)
        await world.start_edge(tap.url_like(world.ocpp_url), undefend=undefend)
        known = await world.transactions(station)
        await world.charge(station, "1.6", world.edge_url, id_token=living.private_token, energy_wh=energy_wh)
        await world.wait(lambda: _has_the_end(sink), "the sinkhole was never told the end")
        stolen = len(sink.heard)
        open_ones = await world.transactions(station) - known
        began = time.monotonic()
        tap.lead_to(world.ocpp_url)
        tap.cut()
        ended = await _ended(living, known, None if undefend is None else LOST_S)
        seconds = round(time.monotonic() - began, 3)
        await world.stop_edge()
    leaks = _read(lab, sink, energy_wh, living.private_token)
    if ended is None or leaks:
        read = f"; he has read {', '.join(leaks)}" if leaks else ""
        return Found(
            Outcome.MISSED, f"{len(open_ones)} charge is open for ever, its end was thanked for and is lost{read}"
        )
    verdict = await world.settled(ended)
    if verdict["verdict"] != "accepted" or verdict["energy_wh"] != str(energy_wh):
        return Found(Outcome.MISSED, f"the charge came through as {verdict['energy_wh']} Wh, {verdict['verdict']}")
    text = (
        f"{stolen} messages were taken with thanks and without a receipt, unreadable to him; led back, the edge sent "
    )
    text += f"them again: {energy_wh} Wh {verdict['verdict']} by the eMSP, nothing lost"
    figure = Figure("from the name leading back until the whole charge is there", seconds, "s")
    return Found(Outcome.PREVENTED, text, seconds, figures=(figure,))


def _at_the_first_reading(tap: Tap, sink: Sinkhole) -> Plan:
    """Pass all on until the first reading of the charge: from then on the name leads into the sinkhole."""
    led_away = False

    def plan(frame: str) -> tuple[Sent, ...]:
        nonlocal led_away
        if led_away or not any(parse_item(data).payload.kind == Kind.READING for data in carried_items(frame)):
            return (Sent(frame),)
        led_away = True
        tap.lead_to(sink.url)
        tap.cut()
        return ()

    return plan


async def _has_the_end(sink: Sinkhole) -> bool:
    heard = (data for frame in sink.heard for data in carried_items(frame))
    return any(parse_item(data).payload.kind == Kind.ENDED for data in heard)


async def _ended(living: Living, known: frozenset[str], within_s: float | None) -> str | None:
    """Return the transaction that has ended; None where there is none in time."""
    looking = living.world.newest(living.world.scene.stations.edged, known)
    try:
        found = await asyncio.wait_for(looking, within_s)
    except (TimeoutError, LabError):
        return None
    return str(found["id"])


def _read(lab: Lab, sink: Sinkhole, energy_wh: int, token: str) -> list[str]:
    heard = lab.fresh("sinkhole")
    heard.mkdir()
    (heard / "frames").write_text("\n".join(sink.heard))
    return find_leaks(heard, [energy_wh], [token])


ATTACK = Attack(
    line="T30",
    title="in the middle of a charge the CSMS's name leads into a sinkhole",
    steps=(
        "an edge is connected, and a charge behind it has begun",
        "lead its connection to a CSMS that is none, as a forged name would; it thanks for everything",
        "let the charge end there",
        "lead it back, and look what the operator and the eMSP have of the charge",
    ),
    defence="only a receipt signed with the operator's enrolled key ends an edge's waiting, and records are sealed",
    without="an edge takes any answer for a receipt",
    residual="until the name leads back nothing arrives, which the silence alarm tells; on a plain link he is shown "
    "the station's password, and whatever a stock station says without an edge is his",
    expected=Outcome.PREVENTED,
    ground=Ground.LIVING,
    perform=_perform,
    control=_control,
    within_s=150.0,
)
