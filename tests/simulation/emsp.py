"""The eMSP of a storm: it decides on its drivers' tokens after a while, or never in time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.simulation.driver import Pause
from tests.support.cpo_world import LOG, SeededRandom, signing_key

from wattseal.model.token import TokenStatus
from wattseal.seal.chain import NO_HEAD
from wattseal.seal.fields import Decision
from wattseal.seal.item import ClockQuality, Item, Kind, parse_item
from wattseal.seal.writer import Draft, SubjectKeys, Writer

if TYPE_CHECKING:
    from tests.simulation.storm import Storm

MSP = signing_key("msp")


class Emsp:
    """It outlives the CPO's processes, and its chain with it."""

    def __init__(self, storm: "Storm") -> None:
        self.storm = storm
        self.writer = Writer.new("MSP/words", LOG, MSP, SeededRandom("msp").bytes)
        _, self.head = self.writer.append(NO_HEAD, 0, Draft(Kind.BOOT, 1, ClockQuality.SYNCHRONISED), None)

    async def decide(self, _party: str, items: Sequence[bytes]) -> tuple[bytes, ...] | None:
        """Accept whoever asks, under the tariff that was there before; None where it is silent."""
        storm = self.storm
        until = storm.steps + storm.dice.choice((0, 5, 60))
        await Pause(lambda: storm.steps >= until)
        if storm.faults.drawn(storm.weather.silent):
            storm.faults.tell("eMSP silent")
            return None
        request = parse_item(items[0])
        public = Decision(TokenStatus.ACCEPTED, b"a" * 16, 2_000_000_000_000).to_public()
        refs = (request.hash, storm.tariff)
        draft = Draft(Kind.DECISION, storm.clock.true_ms(), ClockQuality.SYNCHRONISED, refs=refs, public=public)
        return (self.write(request.payload.subject or b"", draft).encode(),)

    def write(self, subject: bytes, draft: Draft) -> Item:
        """Write a record about a transaction."""
        item, self.head = self.writer.append(self.head, 0, draft, SubjectKeys(subject, bytes(32)))
        return item
