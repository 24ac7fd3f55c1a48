"""T44: somebody photographs the code on a driver's phone and charges with it, again, later, elsewhere, and edited."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import count

from wattseal.crypto.keys import Algorithm, SigningKey
from wattseal.flow.drivers import app_codes
from wattseal.flow.drivers.app_code_issue import issue
from wattseal.flow.drivers.app_codes import REPLAYED, Begun, redeem
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.grounds.accepting import Accepting
from wattseal.lab.grounds.clockwork import Clockwork, Line
from wattseal.lab.lab import Lab
from wattseal.lab.null import swapped
from wattseal.seal.app_code import ID_BYTES, read_text, text_of

APP, SCREEN_S = "APP-OF-THE-OWNER", 300
OWNERS, HIS = "ST1", "ST2"
STOLEN_WH, OWN_WH = 30_000, 8_000


async def _perform(lab: Lab) -> Found:
    return await _photograph(lab)


async def _control(lab: Lab) -> Found:
    numbers = count()
    with (
        swapped(app_codes, "fault_of", lambda *_: None),
        swapped(app_codes, "_used_key", lambda _code: f"{next(numbers):013d}"),
    ):
        return await _photograph(lab)


@dataclass(slots=True)
class _Scene:
    """The CPO, its stations, and what everybody who showed a code got: a charge, or why none."""

    cpo: Clockwork
    stations: Accepting
    lines: dict[str, Line]
    minutes: float = 0
    registers: dict[str, int] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    async def code(self) -> str:
        """Return what the owner's app shows at his station."""
        return (await issue(self.cpo.world, APP, (OWNERS, 1), SCREEN_S))[1]

    async def show(self, code: str, station: str, energy_wh: int) -> bool:
        """Show a code at a station; where the charge begins, take energy and drive away."""
        told = await redeem(self.cpo.world, code, station, 1)
        if not isinstance(told, Begun):
            self.told.append(told.reason)
            return False
        id_tag = json.loads(self.stations.asked[-1][2])["idTag"]
        place = read_text(code).code.station_id
        begin = self.registers.get(place, 0)
        self.registers[place] = begin + energy_wh
        self.begun.append(told.subject)
        line = self.lines[place]
        await line.stop16(await line.start16(id_tag, begin, self.minutes), begin + energy_wh, self.minutes + 1)
        self.wait(1)
        return True

    def wait(self, minutes: float) -> None:
        """Let time go by."""
        self.minutes += minutes
        self.cpo.move_to(self.minutes)


async def _photograph(lab: Lab) -> Found:
    async with _scene(lab) as scene:
        first = await scene.code()
        owner_charged = await scene.show(first, OWNERS, OWN_WH)
        his = scene.begun[:]
        await _steal(scene, lab, first)
        stolen = [one for one in scene.begun if one not in his]
        for _ in range(3):
            await scene.cpo.settle()
        bills = {bill.id[:32]: bill for bill in await scene.cpo.bills()}
        billed = sum((bill.total.before_tax for one in stolen if (bill := bills.get(one))), start=Decimal(0))
        alarms = [alarm for alarm in await scene.cpo.alarms() if alarm.code == REPLAYED]
        session = await scene.cpo.transaction(his[0])
    if stolen or not owner_charged:
        began = f"{len(stolen)} charges of {STOLEN_WH // 1000} kWh began for the thief"
        text = f"{began}; {billed:.2f} EUR of them are on the owner's bill"
        return Found(Outcome.MISSED, text)
    if not alarms or session.identified != read_text(first).code.reference.hex():
        return Found(Outcome.MISSED, f"{len(alarms)} alarms; the session names {session.identified}")
    text = (
        f"nothing began for the thief: {', '.join(scene.told)}; the owner's charge is {session.identity_level} and "
        f"names the code by its hash, as the alarm {REPLAYED} does"
    )
    tried = Figure("tries with photographed codes that began nothing", len(scene.told), "tries")
    return Found(Outcome.PREVENTED, text, records=0, figures=(tried,))


@asynccontextmanager
async def _scene(lab: Lab) -> AsyncIterator[_Scene]:
    async with lab.clockwork() as cpo:
        stations = Accepting(cpo)
        cpo.world.lines = stations
        lines = {name: await cpo.enrol(name) for name in (OWNERS, HIS)}
        await cpo.token(APP, kind="Central")
        yield _Scene(cpo, stations, lines)


async def _steal(scene: _Scene, lab: Lab, used: str) -> None:
    """Try the photograph of a used code, and of one that its owner has not used."""
    await scene.show(used, OWNERS, STOLEN_WH)
    scene.wait(2)
    await scene.cpo.restart()
    await scene.show(used, OWNERS, STOLEN_WH)
    fresh = await scene.code()
    await scene.show(fresh, HIS, STOLEN_WH)
    for edited in _edited(lab, fresh):
        await scene.show(edited, read_text(edited).code.station_id, STOLEN_WH)
    scene.wait(SCREEN_S / 60 + 1)
    await scene.show(fresh, OWNERS, STOLEN_WH)


def _edited(lab: Lab, text: str) -> tuple[str, ...]:
    """Return the code for his own station and for a year: with its own signature, and signed with a key of his."""
    shown = read_text(text)
    wanted = replace(shown.code, station_id=HIS, expires_s=shown.code.expires_s + 365 * 86_400)
    own = SigningKey.from_seed(Algorithm.ED25519, lab.dice.word(32).encode())
    resigned = wanted.sign(own, "CPO")
    kept = replace(resigned, signature=shown.statement.signature)
    unheard = replace(wanted, id=bytes(ID_BYTES)).sign(own, "CPO")
    return text_of(kept), text_of(resigned), text_of(unheard)


ATTACK = Attack(
    line="T44",
    title="the code on a driver's phone is photographed and used by somebody else",
    steps=(
        "the owner shows a code and charges; use the photograph there at once, and after a restart of the CSMS",
        "photograph a code that its owner has not used yet, and show it at another station",
        "edit it for one's own station and a year: with its old signature, one's own, and under a fresh number",
        f"show the unused one at the right station once its {SCREEN_S} s are over",
        "see what began, and what is on the owner's bill",
    ),
    defence="a code is signed for one EVSE and some minutes; that it was used is durable with the decision on it",
    without="whatever a code says is believed, and nothing remembers that it was used",
    residual="who is first with an unused code, at the very EVSE it is for and within its minutes, charges with it; "
    "the owner is told that it was used",
    expected=Outcome.PREVENTED,
    ground=Ground.CLOCKWORK,
    perform=_perform,
    control=_control,
)
