"""The story's thread: who plays, what was told, and acts (a) to (c), three honest charges."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from wattseal.bundle.check import check_bundle
from wattseal.bundle.format import parse_bundle
from wattseal.bundle.report import Outcome
from wattseal.bundle.trust import Trust
from wattseal.lab.dice import Dice
from wattseal.lab.means.leaks import find_leaks
from wattseal.lab.world import World
from wattseal.seal.fields import Meter
from wattseal.seal.groups import Content
from wattseal.seal.item import Group

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Charge:
    """A charge to play: `path` is "direct" or "edge", `grade` and `source` what the eMSP must come to."""

    station: str
    ocpp: str
    path: str
    url: str
    grade: str
    source: str


@dataclass(frozen=True, slots=True)
class Tampered:
    """What came of one adversary: `outcome` is prevented, detected or undetected, `where` names field and record.

    `capture` holds the bytes before and after him, `bundle` what a stranger can check, if there is one.
    """

    name: str
    target: str
    outcome: str
    where: str
    seconds: float
    capture: str
    bundle: str | None


@dataclass(slots=True)
class Outcomes:
    """What happened, as JSON objects, and every expectation that did not hold."""

    sessions: list[dict[str, Any]] = field(default_factory=list)
    tampering: list[dict[str, Any]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    money: dict[str, Any] = field(default_factory=dict)
    """The invoice, the session not billed, the dispute."""
    shown: dict[str, str] = field(default_factory=dict)
    """Where pages are, and the session that is red there."""

    def expect(self, *, held: bool, what: str) -> None:
        """Note an expectation that does not hold."""
        if not held:
            self.broken.append(what)


@dataclass(slots=True)
class Story:
    """A living world and what was told of it; `private_token` belongs to a driver the operator never hears of."""

    world: World
    dice: Dice
    id_token: str
    private_token: str
    say: Say
    told: Outcomes = field(default_factory=Outcomes)

    @property
    def trust(self) -> Trust:
        """What every verifier here believes."""
        return Trust.parse(self.world.scene.trust.read_bytes())

    def keep(self, name: str, data: bytes) -> Path:
        """Keep a bundle for later and return its path."""
        path = self.world.scene.root / "bundles" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        return path

    def capture(self, name: str) -> Path:
        """Return where an adversary's bytes are kept, one JSON line a change: before and after him."""
        path = self.world.scene.root / "captures" / f"{name}.jsonl"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return path

    @staticmethod
    def kept(path: str) -> bytes:
        """Return a bundle kept before."""
        return Path(path).read_bytes()

    def tell(self, tampered: Tampered, note: str = "") -> None:
        """Write down what came of an adversary and say it."""
        self.told.tampering.append(asdict(tampered))
        self.say(f"    ({tampered.name}) {tampered.outcome}: {tampered.where or note}")


async def charge_honestly(story: Story) -> None:
    """Play (a), (b) and (c): the same car at three stations."""
    stations, world = story.world.scene.stations, story.world
    story.say("(a) A 2.0.1 station with a signing meter, dialled directly.")
    await _charge(story, Charge(stations.signing, "2.0.1", "direct", world.ocpp_url, "G3", "meter"))
    story.say("(b) A stock 1.6 station behind an edge: sealed from the operator.")
    await world.start_edge(world.ocpp_url)
    await _charge(story, Charge(stations.edged, "1.6", "edge", world.edge_url, "G4", "edge"))
    _search_the_operators_disk(story)
    story.say("(c) The same stock 1.6 station, dialled directly: the operator's word, logged.")
    await _charge(story, Charge(stations.stock, "1.6", "direct", world.ocpp_url, "G1", "csms"))


async def _charge(story: Story, charge: Charge) -> None:
    world, expect = story.world, story.told.expect
    energy_wh = story.dice.number(4_000, 40_000)
    known = await world.transactions(charge.station)
    token = story.private_token if charge.path == "edge" else story.id_token
    await world.charge(charge.station, charge.ocpp, charge.url, id_token=token, energy_wh=energy_wh)
    transaction = await world.newest(charge.station, known)
    verdict = await world.settled(transaction["id"])
    bundle = story.keep(f"{charge.station}.wsb", await world.emsp_bundle(transaction["id"]))
    report = check_bundle(bundle.read_bytes(), story.trust)
    found = {key: verdict[key] for key in ("energy_wh", "grade", "source")}
    told = {"station": charge.station, "ocpp": charge.ocpp, "path": charge.path, "transaction": transaction["id"]}
    story.told.sessions.append({**told, **found, "emsp_verdict": verdict["verdict"], "bundle": str(bundle)})
    story.say(
        f"    {verdict['energy_wh']} Wh; eMSP: {verdict['verdict']} at {verdict['grade']} ({verdict['source']}); "
        f"bundle checked offline: {report.verdict.value}"
    )
    who = charge.station
    expect(held=verdict["verdict"] == "accepted", what=f"{who}: the eMSP accepts ({verdict['dispute']})")
    graded = (verdict["grade"], verdict["source"])
    expect(held=graded == (charge.grade, charge.source), what=f"{who}: {charge.grade} ({charge.source}), not {graded}")
    expect(held=report.verdict is Outcome.VALID, what=f"{who}: the bundle is VALID offline ({report.failure})")
    expect(held=report.energy_wh == energy_wh, what=f"{who}: {energy_wh} Wh were drawn, not {report.energy_wh}")
    if charge.path == "edge":
        hidden = transaction["energy_wh"] is None and transaction["sealed"]
        expect(held=hidden, what=f"{who}: the operator's API shows no energy")


def _search_the_operators_disk(story: Story) -> None:
    """Look for the sealed charge's registers and token in every file of the operator.

    Not for its energy: the eMSP's settlement tells the operator what it pays for, sooner or later than this.
    """
    session = story.told.sessions[-1]
    bundle = parse_bundle(Path(session["bundle"]).read_bytes())
    contents = [Content.decode(o.content) for o in bundle.openings if o.gid == Group.METER]
    registers = {int(Meter.read(content.fields).register_wh) for content in contents}
    secrets = sorted(registers - {0, int(session["energy_wh"])})
    leaks = find_leaks(story.world.scene.home("cpo"), secrets, [story.private_token])
    story.told.expect(held=not leaks, what=f"the operator's disk shows nothing of the sealed charge ({leaks})")
    story.say(f"    the operator's disk searched for {len(secrets)} registers and the token: {len(leaks)} found")
