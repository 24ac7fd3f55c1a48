"""The edge's part: charges at a station behind it, and what must hold of its journal after a power cut."""

from pathlib import Path
from random import Random

from tests.edge.edge_bench import TENANT, Bench, bench
from tests.edge.edge_world import ORIGIN, site
from tests.edge.test_edge_sides import START, meter_values
from tests.torn.hold import PAGE, TornError, records
from tests.torn.machine import Image, Machine

from wattseal.base.ids import Origin
from wattseal.seal.chain import check_chain
from wattseal.seal.item import parse_item


async def work_at_edge(machine: Machine, dice: Random) -> None:
    """Charge a few times."""
    machine.folder.mkdir()
    with machine.running():
        async with bench(machine.folder, site()) as edge:
            for _ in range(3):
                await _charge(edge, dice)
            await edge.settle()


async def _charge(edge: Bench, dice: Random) -> None:
    number = (await edge.say("StartTransaction", START))["transactionId"]
    for reading in range(dice.randint(1, 6)):
        await edge.say("MeterValues", meter_values(number, 2000 + reading + edge.clock.ms % 1000))
        edge.clock.ms += 60_001
    stop = {"transactionId": number, "meterStop": 17345, "timestamp": START["timestamp"], "reason": "Local"}
    await edge.say("StopTransaction", stop)


async def hold_edge(image: Image, machine: Machine, folder: Path) -> None:
    """Start on an image and charge once more: one chain, nothing missing that a station was thanked for."""
    image.write(folder)
    async with bench(folder, site()) as edge:
        await _charge(edge, Random(0))  # noqa: S311 - it draws nothing secret
        written = await records(edge.memory._journal, TENANT)
        kept = await edge.memory._journal.items(TENANT, Origin(ORIGIN), 1, limit=PAGE)
    if written[: image.durable] != machine.records[: image.durable]:
        raise TornError(f"{image.where}: what the edge had recorded is missing, or in another order")
    places = [(one.item.epoch, one.item.seq) for one in kept]
    found = [one.code for one in check_chain([parse_item(one.item.item) for one in kept])]
    if len(set(places)) != len(places) or set(found) - {"unsigned_tail"}:
        raise TornError(f"{image.where}: the edge's chain is not one: {found}")
