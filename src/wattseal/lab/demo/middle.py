"""Act (d): a man in the middle lowers the stop value, on four links."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import Bundle, parse_bundle
from wattseal.bundle.report import Outcome, place_text
from wattseal.lab.demo.story import Story, Tampered
from wattseal.lab.means.adversary import carried_items, lower_stop, spoil_sealed_stop
from wattseal.lab.means.tap import Alter, Tap
from wattseal.seal.item import parse_item

MOST_WH = 3_000
ENERGY_WH = (4 * MOST_WH + 500, 30_000)
"""A station draws in four equal steps: the lowered stop stays above the last reading, or the fall alone would tell."""


@dataclass(frozen=True, slots=True)
class Attack:
    """Where he sits (`target`), whose charge it is, and what must come of it."""

    name: str
    target: str
    station: str
    ocpp: str
    upstream: str
    alter: Alter
    outcome: str
    token: str


async def sit_in_the_middle(story: Story) -> None:
    """Play (d)."""
    stations, world = story.world.scene.stations, story.world
    by_wh = story.dice.number(500, MOST_WH)
    story.say(f"(d) A man in the middle lowers the stop value by {by_wh} Wh, on four links.")
    lower = lower_stop(by_wh)
    link, before = "between station and operator", "between stock station and its edge"
    drivers = story.id_token, story.private_token
    await _attack(story, Attack("d-a", link, stations.signing, "2.0.1", world.ocpp_url, lower, "detected", drivers[0]))
    await _attack_the_edge(story)
    await _attack(story, Attack("d-c", link, stations.stock, "1.6", world.ocpp_url, lower, "undetected", drivers[0]))
    await _attack(
        story, Attack("d-before-edge", before, stations.edged, "1.6", world.edge_url, lower, "undetected", drivers[1])
    )


async def _attack(story: Story, attack: Attack) -> None:
    """Charge through him, then let the offline verifier judge the bundle."""
    world = story.world
    async with _tap(story, attack.name, attack.upstream, attack.alter) as (tap, capture):
        known = await world.transactions(attack.station)
        began = time.monotonic()
        energy_wh = story.dice.number(*ENERGY_WH)
        url = tap.url_like(attack.upstream)
        await world.charge(attack.station, attack.ocpp, url, id_token=attack.token, energy_wh=energy_wh)
        subject = (await world.newest(attack.station, known))["id"]
    data = await world.cpo_bundle(subject)
    report = check_bundle(data, story.trust)
    if report.verdict is Outcome.INCOMPLETE:
        await world.settled(subject)
        data = await world.emsp_bundle(subject)
        report = check_bundle(data, story.trust)
    bundle = story.keep(f"{attack.name}.wsb", data)
    failure = report.failure
    where = f"step {failure.number}, {failure.reason}: {failure.field} of {failure.record}" if failure else ""
    outcome = "detected" if report.verdict is Outcome.INVALID else "undetected"
    seconds = round(time.monotonic() - began, 3)
    graded = report.grade.name if report.grade is not None else "no grade"
    note = f"the bundle is {report.verdict.value} at {graded}, and says no more than that"
    story.tell(Tampered(attack.name, attack.target, outcome, where, seconds, str(capture), str(bundle)), note)
    story.told.expect(held=tap.altered > 0, what=f"({attack.name}) the adversary altered a frame")
    story.told.expect(held=outcome == attack.outcome, what=f"({attack.name}) is {attack.outcome}, not {outcome}")


async def _attack_the_edge(story: Story) -> None:
    """Above the edge he cannot read the stop, so he spoils it: named, not receipted, sent again, settled as signed."""
    world, station = story.world, story.world.scene.stations.edged
    alter = once(spoil_sealed_stop(story.dice.number(0, 60)))
    async with _tap(story, "d-b", world.ocpp_url, alter) as (tap, capture):
        await world.stop_edge()
        await world.start_edge(tap.url_like(world.ocpp_url))
        known = await world.transactions(station)
        known_alarms = await _alarms(story, station)
        began = time.monotonic()
        energy_wh = story.dice.number(*ENERGY_WH)
        await world.charge(station, "1.6", world.edge_url, id_token=story.private_token, energy_wh=energy_wh)

        async def raised() -> dict[str, Any] | None:
            return next((a for a in await _alarms(story, station) if a not in known_alarms), None)

        alarm = await world.wait(raised, "no alarm on the spoilt record")
        seconds = round(time.monotonic() - began, 3)
        subject = (await world.newest(station, known))["id"]
        verdict = await world.settled(subject)
        honest = parse_bundle(await world.emsp_bundle(subject))
        await world.stop_edge()
    await world.start_edge(world.ocpp_url)
    forwarded = as_forwarded(honest, carried_items(json.loads(capture.read_text().splitlines()[0])["after"]))
    bundle = story.keep("d-b.wsb", forwarded.encode())
    report = check_bundle(bundle.read_bytes(), story.trust)
    places = {i.hash.hex(): place_text(i.payload.place) for i in honest.items}
    record = places.get(alarm["record"], alarm["record"])
    where = f"the operator on arrival, {alarm['code']}: {alarm['field']} of {record}"
    if report.failure is not None:
        where += f"; had it been forwarded: step {report.failure.number}, {report.failure.reason}"
    story.told.expect(held=report.verdict is Outcome.INVALID, what="(d-b) the spoilt record is INVALID in a bundle")
    target = "between edge and operator"
    story.tell(Tampered("d-b", target, "detected", where, seconds, str(capture), str(bundle)))
    story.say(f"        sent again by the edge: {verdict['energy_wh']} Wh {verdict['verdict']}, nothing lost")
    story.told.expect(held=tap.altered > 0, what="(d-b) the adversary altered a frame")
    whole = verdict["verdict"] == "accepted" and verdict["energy_wh"] == str(energy_wh)
    story.told.expect(held=whole, what=f"(d-b) the true stop came through after all ({verdict})")


def as_forwarded(honest: Bundle, spoilt: Sequence[bytes]) -> Bundle:
    """Return the bundle as it would be, had the operator forwarded what arrived."""
    arrived = {item.hash: item for item in map(parse_item, spoilt)}
    return replace(honest, items=tuple(arrived.get(item.hash, item) for item in honest.items))


async def _alarms(story: Story, station: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await story.world.cpo("GET", f"/api/v1/alarms?station_id={station}")
    return found


@asynccontextmanager
async def _tap(story: Story, name: str, upstream: str, alter: Alter) -> AsyncIterator[tuple[Tap, Path]]:
    capture = story.capture(name)
    async with Tap(upstream, alter, capture) as tap:
        yield tap, capture


def once(alter: Alter) -> Alter:
    """Alter the first frame that can be altered and no later one: he hopes not to be seen."""
    done = False

    def first(frame: str) -> str | None:
        nonlocal done
        changed = None if done else alter(frame)
        done = done or changed is not None
        return changed

    return first
