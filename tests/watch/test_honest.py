"""Thousands of honest sessions: none is kept from being billed, and nobody is woken; ten thousand in `make honest`."""

import random
from datetime import timedelta

import pytest
from tests.support.cpo_world import transactions
from tests.support.examples import examples
from tests.support.proving import troubles
from tests.watch.honest import AUTUMN, SPRING, HonestStation

from wattseal.model.transaction import Billing
from wattseal.wire.ocpp.version import Version

BATCHES, STATIONS, EACH = 40, examples(25, usual=24), 10
"""Batches; stations of each batch; sessions of each station."""
BY_POLICY = {"offline_cap_exceeded"}
"""What is not billed for having been begun while nobody could be asked: no fault of the session."""
HONEST = {None, "no_energy"} | BY_POLICY


@pytest.mark.parametrize("batch", range(BATCHES))
async def test_honest_sessions_raise_no_alarm_and_are_billed(batch: int) -> None:
    dice = random.Random(f"honest {batch}")  # noqa: S311 - a story told alike each time
    for _ in range(STATIONS):
        began = dice.choice((SPRING, AUTUMN)) + timedelta(hours=dice.randint(0, 24 * 100))
        station = HonestStation(dice, dice.choice(tuple(Version)), began)
        await station.enrol()
        for _ in range(EACH):
            await station.deliver(station.messages(station.session()))
        found = await transactions(station.world)
        assert len(found) == EACH
        assert [(t.id, t.alarms, t.reason) for t in found if t.alarms or t.reason not in HONEST] == []
        assert all(t.billing is not Billing.QUARANTINED or t.reason in BY_POLICY for t in found)
        assert await troubles(station.world) == []
