"""An operator who commands stations: starts, stops, availability, limits; stations answer late, or never."""

from decimal import Decimal
from typing import Any

from tests.simulation.actors.actor import Actor
from tests.simulation.broken import broken
from tests.support.cpo_world import TENANT

from wattseal.base.ids import EvseId, StationId
from wattseal.flow.command_log import COMMAND, CommandKept
from wattseal.flow.commands import Declined, Done, Unanswered, send
from wattseal.flow.documents import TRANSACTION, read
from wattseal.flow.verbs import Ask, Start, remote_start, remote_stop
from wattseal.flow.world import World
from wattseal.model.charging import RateUnit
from wattseal.model.principal import Principal
from wattseal.model.remote import AvailabilityRequested
from wattseal.model.transaction import Transaction
from wattseal.rules.charging_policy import StartLimit

WHO = Principal(TENANT, "till 4", frozenset(), frozenset({"*"}))
TOKENS = ("CARD", "COINS", "GUEST", "BLOCKED")


class Operator(Actor):
    """No station hears a command that is not on record; what he was told came of one is on record."""

    name = "operator"

    def __init__(self, storm: Any) -> None:
        super().__init__(storm)
        self.outcomes: list[tuple[bytes, str]] = []

    def began(self) -> None:
        """Have the process reach its stations."""
        self.storm.world.lines = self.storm.lines

    def act(self) -> None:
        """Command something."""
        if self.idle and self.dice.random() < 0.3:
            self.left -= 1
            self.ask(self.dice.choice((self._start, self._stop, self._available))(), self._told)

    def _told(self, came_to: Any) -> None:
        outcome = came_to[0] if isinstance(came_to, tuple) else came_to
        if isinstance(outcome, Done | Declined | Unanswered) and outcome.record is not None:
            self.did[f"command {type(outcome).__name__.lower()}"] += 1
            self.outcomes.append((outcome.record, outcome.action))

    def _ask(self) -> Ask:
        return Ask(self.storm.world, WHO, StationId(self.dice.choice(self.storm.sites).name))

    async def _start(self) -> Any:
        limit = self.dice.choice((None, StartLimit(Decimal(11_000), RateUnit.W)))
        return await remote_start(self._ask(), Start(self.dice.choice(TOKENS), evse_id=1, limit=limit))

    async def _stop(self) -> Any:
        running = [read(d, Transaction) for d in self.storm.documents(TRANSACTION) if d.active]
        if not running:
            return None
        one = self.dice.choice(running)
        return await remote_stop(Ask(self.storm.world, WHO, StationId(one.station_id)), one.id)

    async def _available(self) -> Any:
        ask, command = self._ask(), AvailabilityRequested(self.dice.random() < 0.5, EvseId(0))
        return await send(self.storm.world, WHO, ask.station_id, command, 20.0)

    async def hold(self, world: World) -> None:
        """Find what he was told on record."""
        del world
        kept = {one.record: one for one in (read(d, CommandKept) for d in self.storm.documents(COMMAND))}
        hashes = {one.item.payload_hash.hex() for one in self.storm.disk.kept}
        for record, action in self.outcomes:
            one = kept.get(record.hex())
            if one is None or one.outcome is None or one.action != action:
                broken(1, f"{action} came to something, and is kept as {one}")
            if not {one.record, one.outcome_record} <= hashes:
                broken(1, f"{action} is a document, and not on record")
        heard = len(self.storm.lines.heard)
        if len(kept) < heard:
            broken(1, f"stations heard {heard} commands, {len(kept)} are kept")
