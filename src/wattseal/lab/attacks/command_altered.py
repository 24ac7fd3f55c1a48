"""T21: whoever ends TLS between CPO and edge alters, strips, repeats, keeps and invents commands to the station."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import aiohttp

from wattseal.app.edge.commands import CommandGate
from wattseal.app.edge.trust import read_trust
from wattseal.app.system import SystemClock
from wattseal.lab.attack import Attack, Figure, Found, Ground, Outcome
from wattseal.lab.crew import LabError
from wattseal.lab.lab import Lab, Living
from wattseal.lab.means.commanded import RAISED_A, STARTS, THIEF, Commanded
from wattseal.lab.means.dialler import FOREVER_S, ClosedError, Line, dial
from wattseal.lab.means.forged_tls import forge
from wattseal.lab.means.tap import Tap
from wattseal.lab.null import take_out
from wattseal.lab.scene import LOG_ORIGIN
from wattseal.parties.edge.commands import Refused, checked, opened
from wattseal.parties.edge.state import EdgeState, Site
from wattseal.wire.ocpp.signed_commands import command_beside

VERSIONS = ("2.0.1", "1.6")
SENT_A, SETTLED_S, LATE_MS = 16, 1.0, 95_000
ALARM = "command_mismatch"


async def _perform(lab: Lab) -> Found:
    return await _play(lab)


async def _control(lab: Lab) -> Found:
    return await _play(lab, "command_altered")


def undefend() -> None:
    """Let an edge pass whatever comes down its link."""

    async def anything(_gate: CommandGate, _action: str, _payload: dict[str, Any]) -> bool:
        return True

    take_out(CommandGate, "passes", anything)


@dataclass(slots=True)
class _Station:
    """The stock station: it does as it is told, and remembers."""

    line: Line
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def obey(self) -> None:
        """Accept every call."""
        while True:
            try:
                frame = await self.line.receive(FOREVER_S)
                if frame[0] == 2:
                    self.asked.append((frame[2], frame[3]))
                    await self.line.send(json.dumps([3, frame[1], {"status": "Accepted"}]))
            except ClosedError:
                return

    def gained(self, does: str, before: int) -> list[str]:
        """Return what he got out of the station since it had been asked `before` calls."""
        news = self.asked[before:]
        found = [f"{RAISED_A} A" for _, payload in news if f'"limit": {RAISED_A}' in json.dumps(payload)]
        found += ["a start with his token" for action, payload in news if action in STARTS and THIEF in str(payload)]
        if does == "repeat" and len(news) > 1:
            found.append("an old command again")
        if does == "invent" and any(action == "Reset" for action, _ in news):
            found.append("a restart that nobody ordered")
        if does == "strip" and news:
            found.append("an unsigned command")
        return found


async def _play(lab: Lab, undefend: str | None = None) -> Found:
    living = await lab.living()
    world = living.world
    forged, man = forge(lab.fresh("tls")), Commanded()
    began = time.monotonic()
    gained: list[str] = []
    tried = 0
    await world.stop_edge()
    async with Tap(world.ocpp_url, down=man.plan, tls=forged.serves) as tap:
        await world.start_edge(tap.url_like(world.ocpp_url), undefend=undefend, trusts=forged.root)
        try:
            for version in VERSIONS:
                async with _station(living, version) as station:
                    await _passes(living, station, version)
                    for does in ("strip", "repeat", "invent", "alter"):
                        man.does, before = does, len(station.asked)
                        await _command(living, *_limit(version))
                        if does == "alter":
                            await _command(living, *_start(version))
                        await asyncio.sleep(SETTLED_S)
                        gained += [f"{version}: {what}" for what in station.gained(does, before)]
                        tried += 2 if does == "alter" else 1
                    man.does = "keep"
                    await _command(living, *_limit(version), deadline_s=1.0)
                    man.does = "nothing"
            if undefend is None:
                gained += _late(living, man)
            told = await _told(living) if undefend is None else ""
        finally:
            await world.stop_edge()
    seconds = round(time.monotonic() - began, 1)
    if gained:
        return Found(Outcome.MISSED, f"the station was made to take: {'; '.join(gained)}")
    if not told:
        return Found(Outcome.MISSED, "nothing reached the station, and the operator was told nothing")
    figure = Figure("commands meddled with", tried + 1, "commands")
    text = (
        f"{tried + 1} commands meddled with in OCPP {' and '.join(VERSIONS)}, none reached the station: SecurityError; "
    )
    return Found(Outcome.PREVENTED, f"{text}alarm {ALARM}: {told}", seconds, figures=(figure,))


@asynccontextmanager
async def _station(living: Living, version: str) -> AsyncIterator[_Station]:
    world = living.world
    name = world.scene.stations.edged
    async with (
        aiohttp.ClientSession() as session,
        dial(session, world.edge_url, name, world.scene.passwords[name], version) as line,
    ):
        await line.boot()
        station = _Station(line)
        obeying = asyncio.create_task(station.obey())
        try:
            yield station
        finally:
            obeying.cancel()


async def _passes(living: Living, station: _Station, version: str) -> None:
    """See that a command that nobody touches reaches the station, once the edge is connected in this version."""

    async def look() -> bool:
        await _command(living, *_limit(version))
        return any(action == "SetChargingProfile" for action, _ in station.asked)

    await living.world.wait(look, "no command reaches the station behind the edge")


async def _command(living: Living, action: str, payload: dict[str, Any], deadline_s: float = 10.0) -> str:
    """Send a command as the operator; return why it failed, "" where it did not."""
    path = f"/api/v1/stations/{living.world.scene.stations.edged}/commands/{action}?deadline_s={deadline_s}"
    try:
        await living.world.cpo("POST", path, payload)
    except LabError as error:
        return str(error)
    return ""


def _late(living: Living, man: Commanded) -> list[str]:
    """Show the command that he kept to the edge's own check as it is some time later."""
    scene = living.world.scene
    origin = f"CPO/{scene.stations.edged}"
    site = cast("Site", SimpleNamespace(origin=origin, log_origin=LOG_ORIGIN, registry=read_trust(scene.trust)))
    kept = next(call for call in man.kept if "customData" in call[3])
    said = opened(site, command_beside(kept[3]) or b"")
    if isinstance(said, Refused):
        raise LabError(f"the command that he kept is none: {said.why}", subject=kept[2])
    now_ms = int(SystemClock().now().timestamp() * 1000) + LATE_MS
    outcome = checked(EdgeState(), site, said, (kept[2], kept[3]), now_ms)
    return [] if isinstance(outcome, Refused) and "after its time" in outcome.why else ["a command kept for long"]


async def _told(living: Living) -> str:
    """Return the alarm about the limit that he raised."""

    async def look() -> str | None:
        alarms = await living.world.cpo("GET", "/api/v1/alarms?stands=true&limit=1000")
        words = f"limit: {SENT_A} was sent, {RAISED_A} came"
        return next(
            (f"{a['field']}: {a['detail']}" for a in alarms if a["code"] == ALARM and words in a["detail"]), None
        )

    try:
        return str(await living.world.wait(look, "no alarm"))
    except LabError:
        return ""


def _limit(version: str) -> tuple[str, dict[str, Any]]:
    period = {"startPeriod": 0, "limit": SENT_A}
    schedule: dict[str, Any] = {"chargingRateUnit": "A", "chargingSchedulePeriod": [period]}
    schedule["startSchedule"] = "2026-01-01T00:00:00Z"
    of: dict[str, Any] = {"stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile"}
    of["chargingProfileKind"] = "Absolute"
    if version == "1.6":
        profile = {"chargingProfileId": 7, **of, "chargingSchedule": schedule}
        return "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile}
    profile = {"id": 7, **of, "chargingSchedule": [{"id": 1, **schedule}]}
    return "SetChargingProfile", {"evseId": 1, "chargingProfile": profile}


def _start(version: str) -> tuple[str, dict[str, Any]]:
    if version == "1.6":
        return "RemoteStartTransaction", {"connectorId": 1, "idTag": "ALIAS"}
    token = {"idToken": "ALIAS", "type": "Central"}
    return "RequestStartTransaction", {"evseId": 1, "remoteStartId": 5, "idToken": token}


ATTACK = Attack(
    line="T21",
    title="commands are altered, stripped of their signature, repeated, kept and invented on the way to an edge",
    steps=(
        "end TLS between CPO and edge with a certificate that the edge believes",
        "raise the limit of a charging profile, and put another token into a remote start",
        "take the signature away; repeat a command; order a restart of one's own; keep a command for later",
        "do all of it in OCPP 2.0.1 and in 1.6, and look at what the station is asked",
    ),
    defence="the CPO signs each command for its station, once and until it stops waiting; an edge passes nothing else, "
    "and its signed word about what it refused becomes an alarm that says what was sent and what came",
    without="the edge passes whatever comes down its link",
    residual="a command kept back for less than a minute beyond its time passes, once; of the CPO's answers only "
    "limits are signed, so that a station's clock can be moved by a minute on the link, and no more; whoever can make "
    "the CPO sign commands the station; a station without an edge takes whatever comes",
    expected=Outcome.PREVENTED,
    ground=Ground.LIVING,
    perform=_perform,
    control=_control,
    within_s=150.0,
)
