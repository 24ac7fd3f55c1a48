"""An app whose codes begin charges: each of them once, whoever shows it again and whatever died meanwhile."""

from collections import Counter
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.support.app_codes import app_token

from wattseal.flow.documents import read
from wattseal.flow.drivers.app_code_issue import issue
from wattseal.flow.drivers.app_codes import USED_CODE, Begun, NotStarted, UsedCode, redeem
from wattseal.flow.world import World

APP = "APPTOKEN"
PLACE = ("ST0", 1)


class Codes(Actor):
    """No code begins two charges, and what it began is what it is kept as used for."""

    name = "codes"
    left = 14

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.texts: list[str] = []
        self.begun: dict[str, list[str]] = {}
        storm.lines.hears["RemoteStartTransaction"] = self._asked_to_start

    async def prepare(self, world: World) -> None:
        """Enrol the app's token."""
        await app_token(world, APP)

    def began(self) -> None:
        """Have the process reach its stations."""
        self.storm.world.lines = self.storm.lines

    def _asked_to_start(self, station: str, told: dict[str, Any]) -> dict[str, Any] | None:
        if told["idTag"] != APP:
            return None
        site = next(site for site in self.storm.sites if site.name == station)
        if self.dice.random() < 0.2:
            return {"status": "Rejected"}
        site.wanted.append(APP)
        return {"status": "Accepted"}

    def act(self) -> None:
        """Draw a code, or show one: a new one, or one that was shown before; two at once now and then."""
        if not self.idle:
            return
        if not self.texts or self.dice.random() < 0.3:
            self.left -= 1
            self.ask(issue(self.storm.world, APP, PLACE), self._issued)
            return
        text = self.dice.choice(self.texts[-3:])
        self.left -= 1
        for name in (self.name, f"{self.name} too")[: self.dice.choice((1, 2))]:
            if not self.storm.driver.busy(name):
                self.ask(redeem(self.storm.world, text, *PLACE), lambda came: self._redeemed(text, came), name)

    def _issued(self, came_to: Any) -> None:
        if isinstance(came_to, tuple):
            self.texts.append(came_to[1])

    def _redeemed(self, text: str, came_to: Any) -> None:
        if isinstance(came_to, NotStarted):
            self.did[f"code {came_to.reason}"] += 1
        if isinstance(came_to, Begun):
            self.did["code began"] += 1
            self.begun.setdefault(text, []).append(came_to.subject)

    async def hold(self, world: World) -> None:
        """Count what each began."""
        del world
        if twice := [text for text, subjects in self.begun.items() if len(subjects) > 1]:
            broken(8, f"codes {twice} began more than one charge")
        used = Counter(read(put, UsedCode).subject for put in self.storm.documents(USED_CODE))
        lost = [subject for subjects in self.begun.values() for subject in subjects if subject not in used]
        if lost and not self.storm.faults.happened["clock jumped"]:
            broken(1, f"charges {lost} were begun by codes that are not kept as used")
        heard = [one for one in self.storm.lines.heard if one.payload.get("idTag") == APP]
        if len(heard) > len(used) and not self.storm.faults.happened["clock jumped"]:
            broken(8, f"{len(heard)} starts were heard for {len(used)} codes")
