"""An evil CPO with the whole bundle in its hands: whatever it changes, the provider does not pay."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from tests.emsp.emsp_world import CONTRACT, bundled, open_world, read_settlement
from tests.support.mutants import MUTATIONS
from tests.support.worlds import tariff_record

from wattseal.base.errors import InputError
from wattseal.bundle.build import openings_of
from wattseal.seal.fields import SettlementVerdict
from wattseal.seal.groups import unwrap
from wattseal.seal.item import Group, parse_item

MUTANTS_EACH = 40


@pytest.mark.parametrize("kind", list(MUTATIONS))
async def test_no_mutant_of_a_bundle_is_paid_and_the_honest_one_still_is(tmp_path: Path, kind: str) -> None:
    async with open_world(tmp_path) as world:
        request, decision = await world.authorised()
        items = world.charged(decision)
        secret = unwrap(items[0], Group.METER, world.emsp.desk.keys.seal)
        assert secret is not None
        honest_bundle = bundled(items, [request, decision, tariff_record()])
        shown = openings_of(items, [Group.METER], {Group.METER: secret})
        honest = replace(honest_bundle, openings=shown).encode()
        dice = random.Random(kind)  # noqa: S311 - repeatable on purpose
        for _ in range(MUTANTS_EACH):
            mutant = MUTATIONS[kind](honest, dice)
            if mutant == honest:
                continue
            try:
                answer = await world.emsp.receive_bundle(CONTRACT, mutant)
            except InputError:
                continue
            said = read_settlement(parse_item(answer))
            assert said.verdict is SettlementVerdict.DISPUTED, mutant.hex()
            assert said.reason
        assert (await world.account()).captured == 0
        said = read_settlement(parse_item(await world.emsp.receive_bundle(CONTRACT, honest)))
        assert said.verdict is SettlementVerdict.ACCEPTED
        await world.emsp.start()
