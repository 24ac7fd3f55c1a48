"""T01: somebody reads along on the plain link between an edge and the operator."""

import time

from wattseal.bundle.format import parse_bundle
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.lab import Lab, Living
from wattseal.lab.means.leaks import find_leaks
from wattseal.lab.means.plans import listening
from wattseal.lab.means.tap import Tap
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content
from wattseal.seal.item import Group

ENERGY_WH = (12_345, 39_999)


async def _perform(lab: Lab) -> Found:
    return await _sniff(lab, "sealed")


async def _control(lab: Lab) -> Found:
    return await _sniff(lab, "signed")


async def _sniff(lab: Lab, mode: str) -> Found:
    living = await lab.living()
    world, heard = living.world, list[str]()
    energy_wh = lab.dice.number(*ENERGY_WH)
    began = time.monotonic()
    await world.stop_edge()
    async with Tap(world.ocpp_url, up=listening(heard), down=listening(heard)) as tap:
        await world.start_edge(tap.url_like(world.ocpp_url), mode)
        registers = await _charge(living, energy_wh)
        await world.stop_edge()
    wire = lab.fresh("wire")
    wire.mkdir()
    (wire / "frames").write_text("\n".join(heard))
    secrets = {energy_wh, *registers}
    found = find_leaks(wire, secrets, [living.private_token])
    seconds = round(time.monotonic() - began, 3)
    size = sum(map(len, heard))
    figures = (Figure("on the wire for one session, both ways", size / 1000, "kB"),)
    if found:
        return Found(Outcome.MISSED, f"read on the wire: {'; '.join(found)}", seconds, figures=figures)
    text = f"energy, {len(registers)} registers and the token, in every spelling, are in none of {len(heard)} frames"
    return Found(Outcome.PREVENTED, text, seconds, figures=figures)


async def _charge(living: Living, energy_wh: int) -> set[int]:
    """Charge behind the edge; return the registers that the eMSP, for whom they are sealed, can read."""
    world, station = living.world, living.world.scene.stations.edged
    known = await world.transactions(station)
    await world.charge(station, "1.6", world.edge_url, id_token=living.private_token, energy_wh=energy_wh)
    subject = (await world.newest(station, known))["id"]
    await world.settled(subject)
    opened = parse_bundle(await world.emsp_bundle(subject)).openings
    contents = (Content.decode(each.content) for each in opened if each.gid == Group.METER)
    return {int(Meter.read(content.fields).register_wh) for content in contents} - {0}


ATTACK = Attack(
    line="T01",
    title="a stop is read on the plain link between an edge and the operator",
    steps=(
        "sit on the link, which is `ws` without TLS, and read every frame of both directions",
        "let a station behind the edge charge with a token that the operator does not know",
        "search what was read for the energy, the registers and the token, in every spelling",
    ),
    defence="the edge seals what is not the operator's to read before it leaves",
    without="the edge signs and does not seal",
    residual="that and when a car charges shows in the frames' timing, and what the operator reads is in the open",
    expected=Outcome.PREVENTED,
    ground=Ground.LIVING,
    perform=_perform,
    control=_control,
)
