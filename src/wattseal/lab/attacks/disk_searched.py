"""T02: somebody has all of the operator's disk, database, write-ahead log, printed logs, a backup, and its memory."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from wattseal.bundle.format import parse_bundle
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError, output
from wattseal.lab.lab import Lab, Living
from wattseal.lab.means.leaks import find_leaks
from wattseal.lab.means.memory import MEMORY, dump_memory
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content
from wattseal.seal.item import Group

CHARGES = 2
ENERGY_WH = (10_001, 40_000)


async def _perform(lab: Lab) -> Found:
    return await _search(lab, "sealed")


async def _control(lab: Lab) -> Found:
    return await _search(lab, "signed")


async def _search(lab: Lab, mode: str) -> Found:
    async with lab.own_world() as living:
        world = living.world
        await world.start_edge(world.ocpp_url, mode)
        secrets = await _charged(lab, living, mode)
        began = time.monotonic()
        dump = lab.fresh("dump")
        await _dumped(living, dump)
        memory = dump_memory(living.world.cpo_pid, dump / "running")
        found = find_leaks(dump, secrets, [living.private_token])
        files = sum(1 for each in dump.rglob("*") if each.is_file() and each.name != MEMORY)
        size = sum(each.stat().st_size for each in dump.rglob("*") if each.is_file())
    seconds = round(time.monotonic() - began, 3)
    figures = (Figure("searched", size / 1e6, "MB"), Figure("values searched for", len(secrets) + 1, "values"))
    if found:
        return Found(Outcome.MISSED, f"{len(found)} found: {'; '.join(found[:4])}", seconds, figures=figures)
    where = f"none of {files} files" + (f" and not in {memory / 1e6:.0f} MB of its memory" if memory else "")
    text = f"{len(secrets)} registers and the token, in every spelling, are in {where}"
    return Found(Outcome.PREVENTED, text, seconds, figures=figures)


async def _charged(lab: Lab, living: Living, mode: str) -> list[int]:
    """Charge behind the edge and return the registers: where it seals, the eMSP can read them and has settled.

    The energies themselves are left out: the eMSP's settlement tells the operator what it pays for.
    """
    world, station = living.world, living.world.scene.stations.edged
    registers: set[int] = set()
    energies: list[int] = []
    for _ in range(CHARGES):
        known = await world.transactions(station)
        energies.append(lab.dice.number(*ENERGY_WH))
        await world.charge(station, "1.6", world.edge_url, id_token=living.private_token, energy_wh=energies[-1])
        subject = (await world.newest(station, known))["id"]
        registers.add(sum(energies))
        if mode == "sealed":
            verdict = await world.settled(subject)
            if verdict["verdict"] != "accepted":
                raise LabError(f"the charge is {verdict['verdict']}: {verdict['dispute']}", subject=subject)
            registers |= set(_registers(await world.emsp_bundle(subject)))
    return sorted(registers - {0, *energies})


def _registers(bundle: bytes) -> Iterable[int]:
    contents = (Content.decode(o.content) for o in parse_bundle(bundle).openings if o.gid == Group.METER)
    return {int(Meter.read(content.fields).register_wh) for content in contents}


async def _dumped(living: Living, dump: Path) -> None:
    """Copy the running operator's directory and logs, and have a backup made and unpacked beside them."""
    scene = living.world.scene
    shutil.copytree(scene.home("cpo"), dump / "disk")
    shutil.copy(scene.root / "logs" / "cpo.log", dump / "cpo.log")
    backup = dump / "backup.tar"
    code, _ = await output(["backup", "--data", scene.home("cpo"), "--out", backup, "--no-keys"])
    if code:
        raise LabError("no backup was made", subject=str(backup))


ATTACK = Attack(
    line="T02",
    title="the operator's whole disk and memory are searched for who charged and how much",
    steps=(
        f"have a driver charge {CHARGES} times behind an edge, and the eMSP settle it",
        "copy the operator's running directory with its write-ahead log, what it printed, and a backup of it",
        "copy the memory of its running process, where the system lets its owner read that",
        "search all of it for every register and the token, as text, binary, CBOR, hex and base64",
    ),
    defence="the edge seals meter values and identity for the eMSP and the arbiter before they reach the operator",
    without="the edge signs without sealing",
    residual="the eMSP's settlement tells the operator the energy it pays for; when and how long is seen in any case",
    expected=Outcome.PREVENTED,
    ground=Ground.OWN,
    perform=_perform,
    control=_control,
    within_s=180,
)
