"""Everything as processes: CPO, eMSP, two witnesses, an edge, stock stations. The CPO's disk and logs are searched."""

from pathlib import Path

import aiohttp
from tests.edge.edge_deployment import PASSWORD
from tests.edge.leaks import found_under
from tests.edge.test_edge_leaks import NUMBERS, STOP_WH, TOKEN, TOKENS
from tests.edge.test_edge_process import charge_16, charge_201
from tests.support.forking import wattseal_command

from wattseal.bundle.check import check_bundle
from wattseal.bundle.report import Outcome
from wattseal.bundle.trust import Trust
from wattseal.crypto.hpke import SealPrivateKey
from wattseal.lab.crew import Crew
from wattseal.lab.scene import Scene, Stations, prepare
from wattseal.lab.world import World
from wattseal.model.verdict import Grade, Source

ENERGY_WH = 46154
STATION = "ST1"


async def charged(world: World, ocpp: str, connector: int = 1) -> str:
    """Let a stock station charge through the edge; return the transaction once the eMSP has settled it."""
    before = await world.transactions(STATION)
    port = world.scene.ports.edge
    await (charge_16(port, connector) if ocpp == "1.6" else charge_201(port))
    ended = await world.newest(STATION, before)
    settled = await world.settled(ended["id"])
    assert (settled["verdict"], settled["energy_wh"].split(".")[0]) == ("accepted", str(ENERGY_WH))
    assert (ended["sealed"], ended["energy_wh"]) in {(True, None), (False, str(ENERGY_WH))}
    subject: str = ended["id"]
    return subject


async def verify(world: World, subject: str, grade: Grade) -> None:
    """Check the CPO's bundle as the eMSP would, with nothing but the trust file and the eMSP's key."""
    scene = world.scene
    key = SealPrivateKey.from_pem((scene.home("emsp") / "keys" / "emsp-seal.pem").read_bytes())
    report = check_bundle(await world.cpo_bundle(subject), Trust.parse(scene.trust.read_bytes()), [key])
    assert (report.verdict, report.grade, report.source) == (Outcome.VALID, grade, Source.EDGE)
    assert report.energy_wh == ENERGY_WH


def leaks(scene: Scene) -> dict[str, set[str]]:
    """Return what the CPO's directory (database, write-ahead log, tiles) and everybody's diagnostics tell."""
    searched = {"cpo": scene.home("cpo"), "logs": scene.root / "logs"}
    found = {name: found_under(folder, NUMBERS | TOKENS) for name, folder in searched.items()}
    return {f"{name}/{file}": names for name, files in found.items() for file, names in files.items()}


async def test_sealed_charges_are_settled_at_g4_and_the_cpo_knows_no_register_and_no_token(tmp_path: Path) -> None:
    scene = prepare(tmp_path, Stations("SIG1", STATION, "STK1"), "M-1")
    scene.passwords[STATION] = PASSWORD
    async with Crew(tmp_path / "logs", wattseal_command()) as crew, aiohttp.ClientSession() as session:
        world = World(scene, crew, session)
        await world.start()
        await world.enrol("AA112233", TOKEN)
        await world.start_edge(world.ocpp_url)
        for ocpp in ("1.6", "2.0.1"):
            await verify(world, await charged(world, ocpp), Grade.G4)
        assert leaks(scene) == {}
        await world.stop_cpo()
        assert leaks(scene) == {}
        await world.start_cpo()
        await world.stop_edge()
        options = ("--data", scene.home("edge"), "--trust", scene.trust, "--mode", "signed", "--password", PASSWORD)
        listen = f"ws://127.0.0.1:{scene.ports.edge}/"
        await crew.start(
            "edge", "edge", "--listen", listen, "--upstream", world.ocpp_url, "--station", STATION, *options
        )
        await crew.until("edge", lambda: world_listens(session, scene.ports.edge))
        await verify(world, await charged(world, "1.6", connector=2), Grade.G3)
        told = set().union(*leaks(scene).values())
        assert any(name.startswith(f"{STOP_WH} ") for name in told), "negative control: an open site's registers show"
        assert told & TOKENS.keys(), "negative control: an open site's tokens show"


async def world_listens(session: aiohttp.ClientSession, port: int) -> bool:
    """Return whether somebody answers at a port."""
    try:
        async with session.get(f"http://127.0.0.1:{port}/"):
            return True
    except aiohttp.ClientError:
        return False
