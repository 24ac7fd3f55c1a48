"""What the machine does until its power goes: charges, settled and published, on the real core, journal and log."""

from dataclasses import dataclass
from random import Random

from tests.torn.machine import Image, Machine

from wattseal.lab.grounds.clockwork import Clockwork, clockwork

CARD = "CARD"


@dataclass(frozen=True)
class Worked:
    """What was there just before an orderly end, and after it; at which minute the clock then stood."""

    busy: Image
    closed: Image
    minutes: float


async def work(machine: Machine, dice: Random) -> Worked:
    """Work in the machine's folder, which is new."""
    with machine.running():
        async with clockwork(machine.folder, {}) as cpo:
            await cpo.token(CARD)
            minutes = 0.0
            for station in range(3):
                line = await cpo.enrol(f"S{station}")
                for _ in range(dice.randint(1, 2)):
                    number = await line.start16(CARD, 1000, minutes + 1)
                    for reading in range(dice.randint(1, 8)):
                        await line.meter16(number, 1100 + reading, minutes + 2 + reading)
                    if dice.random() < 0.8:
                        await line.stop16(number, 5000, minutes + 12)
                    minutes += 15
                    if dice.random() < 0.7:
                        await cpo.round()
            await cpo.settle()
            busy, minutes = machine.image(), (cpo.clock.ms - cpo.began_ms) / 60_000
    return Worked(busy, machine.image(), minutes)


async def go_on(cpo: Clockwork, minutes: float) -> None:
    """Charge once more, publish and bill."""
    await cpo.token(CARD)
    line = await cpo.enrol("S0")
    number = await line.start16(CARD, 9000, minutes + 1)
    await line.stop16(number, 9900, minutes + 12)
    await cpo.settle()
