"""Acts (e) and (f): the operator edits its own database, re-signs, rebuilds, and rolls its log back."""

import json
import time
from base64 import b64encode
from dataclasses import dataclass

import aiohttp

from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import parse_bundle
from wattseal.bundle.report import Outcome as Judged
from wattseal.crypto.keys import SigningKey
from wattseal.dial.witness import Outcome, WitnessClient, WitnessPeer
from wattseal.lab.crew import output
from wattseal.lab.demo.story import Story, Tampered
from wattseal.lab.means.insider import TILES, Insider
from wattseal.lab.scene import LOG_ORIGIN
from wattseal.stores.tiles import DiskLog

SAYS = {
    Outcome.INCONSISTENT: "the new tree does not contain what it cosigned before",
    Outcome.AHEAD: "it has cosigned a larger tree already",
}


@dataclass(frozen=True, slots=True)
class Act:
    """What the insider did: to what, since when, who he is, and the bundle he shows."""

    name: str
    target: str
    began: float
    insider: Insider
    bundle: str | None
    forged: bool = True


async def edit_the_database(story: Story) -> None:
    """Play (e): three ways to change a stop value afterwards, each worse than the one before."""
    scene, dice = story.world.scene, story.dice
    story.say("(e) The operator edits its own database, from outside, with all its keys.")
    session = next(s for s in story.told.sessions if s["station"] == scene.stations.stock)
    victim, honest = session["transaction"], parse_bundle(story.kept(session["bundle"]))
    by_wh = dice.number(100, 2_000)
    await story.world.stop_cpo()
    original = scene.home("cpo")

    projection = Insider.in_copy(original, scene.root / "e1-projection")
    projection.lower_projection(victim, by_wh)
    await _name(
        story, Act("e-projection", "the projection", time.monotonic(), projection, session["bundle"], forged=False)
    )

    record = Insider.in_copy(original, scene.root / "e2-record")
    record.lower_record(victim, by_wh, None, LOG_ORIGIN)
    target = "the record, every unkeyed hash recomputed"
    bundle = story.keep("e-record.wsb", record.forged_bundle(honest, None).encode())
    await _name(story, Act("e-record", target, time.monotonic(), record, str(bundle)))

    own = Insider.in_copy(original, scene.root / "e3-resigned")
    key = SigningKey.from_pem((own.data / "keys" / "csms-sign.pem").read_bytes())
    own.lower_record(victim, by_wh, key, LOG_ORIGIN)
    log = own.rebuild_log(scene.log_key)
    target = "the record re-signed with its own key, the tree rebuilt"
    bundle = story.keep("e-resigned.wsb", own.forged_bundle(honest, log).encode())
    await _show_witnesses(story, Act("e-resigned", target, time.monotonic(), own, str(bundle)), log)


async def roll_back_the_log(story: Story) -> None:
    """Play (f): the log forgets its newest entries, as if restored from last week.

    A quarter at least: the newest entries of all may be unknown to the witnesses, and forgetting those is no crime.
    """
    scene = story.world.scene
    story.say("(f) The log is rolled back.")
    rolled = Insider.in_copy(scene.home("cpo"), scene.root / "f-rolled-back")
    size = DiskLog.open(scene.home("cpo") / TILES, scene.log_key).size
    log = rolled.rebuild_log(scene.log_key, keep=size - story.dice.number(size // 4, size // 2))
    await _show_witnesses(story, Act("f-rollback", "the log", time.monotonic(), rolled, None), log)


async def _name(story: Story, act: Act) -> None:
    """Let `wattseal fsck` name what was edited."""
    trust = story.world.scene.trust
    code, printed = await output(["fsck", "--data", act.insider.data, "--trust", trust, "--json"])
    found = json.loads(printed)["findings"] if printed else []
    where = f"fsck, {found[0]['code']}: {found[0]['field']} {found[0]['detail']}" if found else ""
    story.told.expect(held=code == 1 and bool(found), what=f"({act.name}) fsck names the edit, exit code {code}")
    _tell(story, act, where)


async def _show_witnesses(story: Story, act: Act, log: DiskLog) -> None:
    """Offer the new tree to the witnesses; they refuse, so nobody will ever accept a bundle from it."""
    signed = log.latest
    trusted = list(zip(story.trust.witnesses, story.world.scene.ports.witnesses, strict=True))
    peers = [WitnessPeer(f"http://127.0.0.1:{port}", w.key) for w, port in trusted]
    async with aiohttp.ClientSession() as session:
        asked = await WitnessClient(session, peers).collect(signed, log.consistency) if signed else ()
    refused = [one for one in asked if one.outcome in SAYS]
    where = "; ".join(f"{one.peer.key.name} refuses: {SAYS[one.outcome]}" for one in refused)
    story.told.expect(held=len(refused) == len(peers), what=f"({act.name}) every witness refuses ({asked})")
    _tell(story, act, where)


def _tell(story: Story, act: Act, where: str) -> None:
    outcome = "detected" if where else "undetected"
    seconds = round(time.monotonic() - act.began, 3)
    if act.bundle is not None and act.forged:
        report = check_bundle(story.kept(act.bundle), story.trust)
        refused = report.verdict is not Judged.VALID
        story.told.expect(held=refused, what=f"({act.name}) no verifier accepts his bundle")
        step = f", step {report.failure.number} {report.failure.reason}" if report.failure else ""
        where += f"; the eMSP's verifier: {report.verdict.value}{step}"
    capture = story.capture(act.name)
    changes = ((b64encode(b).decode(), b64encode(a).decode()) for b, a in act.insider.changes)
    capture.write_text("".join(json.dumps({"before": b, "after": a, "encoding": "base64"}) + "\n" for b, a in changes))
    story.tell(Tampered(act.name, act.target, outcome, where, seconds, str(capture), act.bundle), "nobody noticed")
