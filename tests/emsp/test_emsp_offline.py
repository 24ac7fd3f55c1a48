from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.emsp.emsp_world import TOKEN, World, bundled, open_world
from tests.support.charges import EMSP, START_MS, charge, meter, pen, seeded
from tests.support.worlds import EDGE_KEY, enrolled, entries, entry, tariff_record, trust

from wattseal.crypto.hpke import SealPrivateKey
from wattseal.model.token import IdToken
from wattseal.seal.fields import Identity, Ops, SettlementVerdict
from wattseal.seal.item import Group, Item, Kind
from wattseal.seal.registry import Role, Use
from wattseal.seal.writer import GroupDraft, Reader, SubjectKeys

EDGE_SEAL = SealPrivateKey.from_seed(b"E" * 32)


async def with_directory(world: World, *, cap_wh: int = 5_000, days: int = 3) -> None:
    seal = entry(Role.EDGE, "SITE", EDGE_SEAL.public.spki, "CPO/CS001", use=Use.SEAL)
    world.emsp.desk.trust = trust(entries=(*entries(), enrolled(seal)))
    await world.emsp.make_directory(EDGE_SEAL.public.spki, days=days, cap_wh=cap_wh)


def offline(token: IdToken = TOKEN, *, at_ms: int = START_MS, step_wh: int = 500, **more: Any) -> list[Item]:
    """Write a charge that started with nobody to ask: no refs, the driver's token sealed to the eMSP."""
    keys = SubjectKeys.new(seeded("offline"))
    edge = pen(key=EDGE_KEY)
    edge.write(Kind.BOOT, at_ms - 1000)
    identity = GroupDraft(Identity(token.value, token.type).to_fields(), (Reader("MSP", EMSP.public),))
    ops = GroupDraft(Ops(transaction_id="7", offline=True).to_fields(), (Reader("MSP", EMSP.public),))
    start = {Group.METER: meter("1000"), Group.IDENTITY: identity, Group.OPS: ops}
    items = [edge.write(Kind.STARTED, at_ms, keys, groups=start, **more)]
    items.append(edge.write(Kind.READING, at_ms + 30_000, keys, groups={Group.METER: meter(str(1000 + step_wh))}))
    end = {Group.METER: meter(str(1000 + 2 * step_wh)), Group.OPS: ops}
    items.append(edge.write(Kind.ENDED, at_ms + 60_000, keys, groups=end))
    return items


async def test_a_charge_on_our_directory_is_paid_though_nobody_was_asked(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await with_directory(world)
        said = await world.billed(bundled(offline(), [tariff_record()], energy_wh=None))
        assert (said.verdict, said.energy_wh) == (SettlementVerdict.ACCEPTED, Decimal(1000))
        assert (await world.account()).captured == said.total_incl_vat
        await world.emsp.start()


async def test_without_a_directory_nobody_promised_to_pay(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        said = await world.billed(bundled(offline(), [tariff_record()], energy_wh=None))
        assert (said.step, said.reason) == (10, "not_authorised_here")
        assert (await world.account()).captured == 0


async def test_a_token_outside_the_directory_is_not_paid_for(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await with_directory(world)
        late = IdToken("LATER", "ISO14443")
        await world.customer(late)
        said = await world.billed(bundled(offline(late), [tariff_record()], energy_wh=None))
        assert said.reason == "not_authorised_here"


async def test_after_its_time_a_directory_promises_nothing(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await with_directory(world, days=1)
        late = offline(at_ms=START_MS + 90_000_000)
        said = await world.billed(bundled(late, [tariff_record()], energy_wh=None, at_s=START_MS // 1000 + 93_600))
        assert said.reason == "not_authorised_here"


async def test_beyond_the_directorys_cap_it_is_disputed(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await with_directory(world, cap_wh=900)
        said = await world.billed(bundled(offline(), [tariff_record()], energy_wh=None))
        assert said.reason == "cap_exceeded"


async def test_a_charge_that_was_asked_for_cannot_hide_behind_the_directory(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await with_directory(world)
        await world.customer(limit="1")
        request, decision = await world.authorised("offline")
        items = charge(pen(key=EDGE_KEY), refs=(decision.hash,), seed="offline")
        said = await world.billed(bundled(items, [request, decision, tariff_record()], energy_wh=None))
        assert (said.verdict, said.reason) == (SettlementVerdict.DISPUTED, "started_against_decision")


def unheard(at_ms: int = START_MS) -> list[Item]:
    """Write a charge whose start tells no token: its request goes up once the way is there again."""
    keys, edge = SubjectKeys.new(seeded("tx")), pen(key=EDGE_KEY)
    edge.write(Kind.BOOT, at_ms - 1000)
    ops = GroupDraft(Ops(transaction_id="7", offline=True).to_fields(), (Reader("MSP", EMSP.public),))
    return [
        edge.write(kind, at_ms + 60_000 * n, keys, groups={Group.METER: meter(str(1000 + 1000 * n)), Group.OPS: ops})
        for n, kind in enumerate((Kind.STARTED, Kind.ENDED))
    ]


@pytest.mark.parametrize("away_ms", [60_000, 3_600_000])
async def test_what_an_edge_let_charge_while_cut_off_is_paid_though_its_request_came_later(
    tmp_path: Path, away_ms: int
) -> None:
    async with open_world(tmp_path) as world:
        await with_directory(world)
        request = world.request()
        world.clock.ms = START_MS + away_ms
        await world.send(request)
        said = await world.billed(bundled(unheard(), [request, tariff_record()], energy_wh=None))
        assert said.verdict is SettlementVerdict.ACCEPTED, said.reason
        account = await world.account()
        assert account.captured == said.total_incl_vat
        assert account.held == 0
        assert (await world.charge_of()).by_directory
        await world.emsp.start()


async def test_what_was_refused_in_time_does_not_come_back_by_the_directory(tmp_path: Path) -> None:
    async with open_world(tmp_path) as world:
        await with_directory(world)
        await world.customer(limit="1")
        request, _ = await world.authorised()
        said = await world.billed(bundled(unheard(), [request, tariff_record()], energy_wh=None))
        assert (said.verdict, said.reason) == (SettlementVerdict.DISPUTED, "started_against_decision")
