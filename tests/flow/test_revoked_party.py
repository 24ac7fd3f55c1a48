"""An eMSP's key that was stolen and revoked decides, stops and settles nothing at the CPO any more."""

from dataclasses import replace

import pytest
from tests.support.charges import ORIGIN, pen, seeded, signing_key
from tests.support.cpo_world import make_world

from wattseal.crypto.keys import Algorithm
from wattseal.flow.drivers.decisions import decision_on
from wattseal.flow.world import World
from wattseal.model.token import TokenStatus
from wattseal.seal.fields import Decision
from wattseal.seal.item import Item, Kind
from wattseal.seal.registry import Entry, Role, Use
from wattseal.seal.writer import SubjectKeys

KEY = signing_key("an eMSP's", Algorithm.ED25519)
ENTRY = Entry(1, "MSP/*", Role.EMSP, "MSP", "MSP", KEY.public.spki, Use.SIGN, 0)


def asked_and_decided(world: World, decided_ms: int) -> tuple[Item, Item]:
    subject, desk, billing = SubjectKeys.new(seeded("tx")), pen(ORIGIN, stream=0), pen("MSP/authorisation", key=KEY)
    desk.write(Kind.BOOT, decided_ms - 2)
    billing.write(Kind.BOOT, decided_ms - 2)
    request = desk.write(Kind.REQUEST, decided_ms - 1, subject)
    public = Decision(TokenStatus.ACCEPTED, bytes(16), world.now_ms() + 60_000).to_public()
    return request, billing.write(Kind.DECISION, decided_ms, subject, refs=(request.hash,), public=public)


@pytest.mark.parametrize("said_ago_ms", [0, 3_600_000, 86_400_000])
def test_a_decision_by_a_revoked_key_counts_for_nothing_whatever_time_it_states(said_ago_ms: int) -> None:
    world = make_world()
    request, decision = asked_and_decided(world, world.now_ms() - said_ago_ms)
    now_ms = world.now_ms()
    for revoked_ms, counts in ((None, True), (now_ms + 3_600_000, True), (now_ms, False)):
        world.registry.trust(replace(ENTRY, revoked_ms=revoked_ms))
        found = decision_on(world, (decision.encode(),), request, "MSP")
        assert (found is not None) is counts, f"revoked from {revoked_ms}"
