"""T40: the CSMS is killed in the middle of charges, right after it has acknowledged something."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.grounds.alone import Alone
from wattseal.lab.lab import Lab
from wattseal.lab.means.dialler import Line, now_text
from wattseal.lab.null import take_out
from wattseal.stores import sqlite_writer
from wattseal.stores.sqlite_writer import Writer

STATIONS, CARD = ("ST1", "ST2", "ST3"), "CARD0001"
LISTED, BLOCKED = "ST4", "CARD0002"
"""A station with a local list, and a card that was on it and is blocked before the process is killed."""
TARIFF = {
    "country_code": "ZZ",
    "party_id": "CPO",
    "id": "T1",
    "currency": "EUR",
    "last_updated": "2026-01-01T00:00:00Z",
    "elements": [{"price_components": [{"type": "ENERGY", "price": 0.5, "vat": 19, "step_size": 1}]}],
}
BILLED_WITHIN_S = 60.0
STOPS = frozenset({"RemoteStopTransaction", "Reset", "ChangeAvailability", "UnlockConnector"})
OFFLINE_WH = 3_000


async def _perform(lab: Lab) -> Found:
    return await _kill(lab)


async def _control(lab: Lab) -> Found:
    return await _kill(lab, undefend="csms_killed")


def undefend() -> None:
    """Acknowledge what is in memory, and write it down some time later."""
    append, apply, held = Writer._append, Writer._apply, list[tuple[str, bytes]]()  # noqa: SLF001 - what is taken out

    def remember(_writer: Writer, blobs: list[tuple[str, bytes]]) -> None:
        held.extend(blobs)

    def write_late(writer: Writer) -> None:
        if held:
            append(writer, held)
            held.clear()
        apply(writer)

    take_out(Writer, "_append", remember)
    take_out(Writer, "_apply", write_late)
    take_out(sqlite_writer, "IDLE_S", 30.0)


@dataclass(slots=True)
class _Station:
    """One that charges: what was acknowledged to it, and what waits to be told."""

    name: str
    register: int = 1_000
    number: int = 0
    acknowledged: dict[int, int | None] = field(default_factory=dict)
    waiting: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    told_to_stop: int = 0

    async def start(self, line: Line, at: str | None = None) -> None:
        """Tell of a start, at a time that is past where nobody could be told then."""
        told = {"connectorId": 1, "idTag": CARD, "meterStart": self.register, "timestamp": at or now_text()}
        self.number = (await line.call("StartTransaction", told))["transactionId"]
        self.acknowledged[self.number] = None

    def draw(self, wh: int) -> None:
        """Charge on, and note what is to be told of it."""
        self.register += wh
        values = [{"timestamp": now_text(), "sampledValue": [{"value": str(self.register)}]}]
        self.waiting.append(("MeterValues", {"connectorId": 1, "transactionId": self.number, "meterValue": values}))

    def stop(self) -> None:
        """End the charge, and note that it is to be told."""
        told = {"transactionId": self.number, "meterStop": self.register, "timestamp": now_text(), "reason": "Local"}
        self.waiting.append(("StopTransaction", told))

    async def deliver(self, line: Line) -> None:
        """Tell what waits; what is answered waits no more."""
        while self.waiting:
            action, told = self.waiting[0]
            await line.call(action, told)
            if action == "StopTransaction":
                self.acknowledged[int(told["transactionId"])] = int(told["meterStop"])
            del self.waiting[0]
        self.told_to_stop += sum(call[2] in STOPS for call in line.asked)


@dataclass(slots=True)
class _Listed:
    """A station that decides by its local list while nobody can be asked."""

    charge: _Station
    held: set[str] = field(default_factory=set)
    version: int = 0
    let_in: list[str] = field(default_factory=list)
    began: str = ""

    @staticmethod
    async def enrolled(cpo: Alone) -> "_Listed":
        """Return one that has taken its list, and then that a card on it is good no more."""
        made = _Listed(_Station(LISTED))
        await cpo.enrol(LISTED)
        async with cpo.station(LISTED) as line:
            await line.boot()
            await cpo.api("PUT", f"/api/v1/stations/{LISTED}/local-list", {"policy": "own"})
            await made.follow(line, {CARD, BLOCKED})
            await cpo.token(BLOCKED, status="Blocked")
            await made.follow(line, {CARD})
        return made

    async def follow(self, line: Line, until: set[str]) -> None:
        """Answer the CSMS until the list has these cards."""
        while self.held != until:
            match await line.receive():
                case [2, number, "SendLocalList", told]:
                    self._take(told)
                    answer: dict[str, Any] = {"status": "Accepted"}
                case [2, number, "GetLocalListVersion", _]:
                    answer = {"listVersion": self.version}
                case [2, number, "GetConfiguration", _]:
                    answer = {"configurationKey": [], "unknownKey": []}
                case _:
                    continue
            await line.send(json.dumps([3, number, answer]))

    def _take(self, told: dict[str, Any]) -> None:
        self.version = told["listVersion"]
        if told["updateType"] == "Full":
            self.held = set()
        for entry in told.get("localAuthorizationList", []):
            (self.held.add if "idTagInfo" in entry else self.held.discard)(entry["idTag"])

    def charge_alone(self) -> None:
        """Let in who is on the list, charge, end."""
        self.let_in = [card for card in (BLOCKED, CARD) if card in self.held]
        self.began = now_text()
        self.charge.draw(OFFLINE_WH)
        self.charge.stop()

    async def tell(self, cpo: Alone) -> None:
        """Tell all of it, late."""
        async with cpo.station(LISTED) as line:
            await line.boot()
            waiting, self.charge.waiting = self.charge.waiting, []
            register, self.charge.register = self.charge.register, self.charge.register - OFFLINE_WH
            await self.charge.start(line, self.began)
            self.charge.register = register
            for _action, told in waiting:
                told["transactionId"] = self.charge.number
            self.charge.waiting = waiting
            await self.charge.deliver(line)

    async def billed_wh(self, cpo: Alone) -> float | None:
        """Return what was billed of it, once that is."""
        async with asyncio.timeout(BILLED_WITHIN_S):
            while True:
                for bill in await cpo.api("GET", "/api/v1/bills"):
                    if bill["station_id"] == LISTED:
                        return float(bill["energy_wh"])
                await asyncio.sleep(0.2)


async def _kill(lab: Lab, undefend: str | None = None) -> Found:
    stations = [_Station(name) for name in STATIONS]
    async with lab.alone("[billing]\nwait_s = 0\n", undefend) as cpo:
        await cpo.token(CARD)
        await cpo.token(BLOCKED)
        await cpo.api("PUT", "/api/v1/tariffs/T1", TARIFF)
        for station in stations:
            await cpo.enrol(station.name)
        listed = await _Listed.enrolled(cpo)
        await _charge_until_killed(cpo, stations)
        for station in stations[1:]:
            station.draw(OFFLINE_WH)
        listed.charge_alone()
        began = asyncio.get_running_loop().time()
        await cpo.start()
        back_s = asyncio.get_running_loop().time() - began
        try:
            await _go_on(cpo, stations)
            await listed.tell(cpo)
        except LabError as error:
            return Found(Outcome.MISSED, f"a station cannot tell what it has: {error}")
        found = await cpo.api("GET", "/api/v1/transactions?limit=100")
        billed_wh = await listed.billed_wh(cpo) if listed.charge.acknowledged else None
    if billed_wh != OFFLINE_WH or listed.let_in != [CARD]:
        text = f"begun by the local list meanwhile: by {listed.let_in}, {billed_wh} of {OFFLINE_WH} Wh billed"
        return Found(Outcome.MISSED, text)
    return _judge([*stations, listed.charge], found, back_s)


async def _charge_until_killed(cpo: Alone, stations: list[_Station]) -> None:
    """All charge; one more start is acknowledged, and in the same moment the process is gone."""
    async with AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(cpo.station(station.name)) for station in stations]
        for station, line in zip(stations[:-1], lines, strict=False):
            await line.boot()
            await station.start(line)
            station.draw(500)
            await station.deliver(line)
        await lines[-1].boot()
        stations[0].stop()
        await stations[0].deliver(lines[0])
        await stations[-1].start(lines[-1])
        await cpo.kill()
    await asyncio.sleep(0)
    stations[0].number = 0


async def _go_on(cpo: Alone, stations: list[_Station]) -> None:
    """Come back, tell what happened meanwhile, charge on and end."""
    for station in stations:
        async with cpo.station(station.name) as line:
            await line.boot()
            if not station.number:
                await station.start(line)
            station.draw(500)
            station.stop()
            await station.deliver(line)


def _judge(stations: list[_Station], found: list[dict[str, Any]], back_s: float) -> Found:
    kept = {(each["station_id"], each["transaction_id"]): each for each in found}
    acknowledged = {(s.name, str(number)): wh for s in stations for number, wh in s.acknowledged.items()}
    lost = [
        f"{name} {number}" for (name, number), wh in acknowledged.items() if not _is_kept(kept.get((name, number)), wh)
    ]
    stopped = sum(station.told_to_stop for station in stations)
    more = len(found) - len(acknowledged)
    if lost or more or stopped:
        text = (
            f"acknowledged and lost: {', '.join(lost) or 'nothing'}; {more} sessions too many; {stopped} told to stop"
        )
        return Found(Outcome.MISSED, text)
    text = (
        f"all {len(acknowledged)} acknowledged sessions are there once and whole, also the one acknowledged in the "
        f"moment of the kill; no station was told to stop, the {OFFLINE_WH} Wh that each drew meanwhile came later; "
        "what one began by its local list is billed whole"
    )
    return Found(Outcome.PREVENTED, text, figures=(Figure("CSMS back after the kill", back_s, "s"),))


def _is_kept(session: dict[str, Any] | None, wh: int | None) -> bool:
    if session is None or session["active"] or wh is None:
        return False
    return float(session["end_wh"]) == wh and not session["billing"].startswith("quarantin")


ATTACK = Attack(
    line="T40",
    title="the CSMS is killed while cars charge",
    steps=(
        "two stations charge, one of them ends; a third begins, and its start is acknowledged",
        "in that moment the process is killed (SIGKILL)",
        f"those that charge go on, {OFFLINE_WH} Wh each, and keep what they have to tell",
        "a fourth one, which has a local list, begins a charge by it while the process is dead, and ends it",
        "start the CSMS again; they come back, tell it, charge on and end",
        "hold what the CSMS has against all that was acknowledged",
    ),
    defence="nothing is acknowledged before it is on disk; a charge belongs to the station, which goes on by itself",
    without="what is in memory is acknowledged, and written down some time later",
    residual="while the CSMS is down, stations decide by their local lists and caches who may charge",
    expected=Outcome.PREVENTED,
    ground=Ground.ALONE,
    perform=_perform,
    control=_control,
)
