"""An eMSP is asked, and the process dies before its answer: what is asked again is what counts, for everybody."""

from collections.abc import Sequence

from tests.flow.test_disorder import charge
from tests.support.cpo_world import Talker, TestPartners, add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal
from tests.support.proving import troubles

from wattseal.base.errors import StoreError
from wattseal.flow.world import World
from wattseal.seal.item import Kind
from wattseal.wire.ocpp.version import Version


async def asked_world(dies: int) -> World:
    """Return a CPO with an eMSP, that dies so many times while this is asked, and is silent after that."""
    world = make_world()
    left = dies

    async def ask(party: str, items: Sequence[bytes]) -> tuple[bytes, ...] | None:
        nonlocal left
        del party, items
        left -= 1
        if left >= 0:
            raise StoreError("the process died", code="died")
        return None

    assert isinstance(world.partners, TestPartners)
    world.partners.parties_by_name["MSP"] = ask
    await enrol(world, "ST1")
    await add_token(world, "CARD", party="MSP")
    return world


async def test_what_died_while_an_emsp_was_asked_about_a_charge_under_way_is_as_its_records_say() -> None:
    world = await asked_world(dies=2)
    station = Talker(world, "ST1", Version.V201)
    start, reading, end = charge([2000], token_at=0)
    await station.call("TransactionEvent", reading)
    for _ in range(2):
        try:
            await station.call("TransactionEvent", start)
        except StoreError:
            world.forget()
        assert await troubles(world) == []
    for event in (start, end):
        await station.call("TransactionEvent", event)
    (found,) = await transactions(world)
    assert await troubles(world) == []
    assert isinstance(world.journal, MemoryJournal)
    requests = [kept.item.payload_hash.hex() for kept in world.journal.kept if kept.item.kind == Kind.REQUEST]
    assert len(requests) == 3
    assert found.request == requests[-1]
