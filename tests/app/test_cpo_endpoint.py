"""One station over two connections: what it repeats while the first copy waits is still one record."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from tests.support.cpo_world import TestPartners, add_token, enrol, make_world, transactions
from tests.support.memory_journal import MemoryJournal

from wattseal.app.cpo.endpoint import make_endpoint
from wattseal.app.doorman import Doorman
from wattseal.app.metrics import Traffic
from wattseal.base.ids import StationId
from wattseal.seal.item import Kind
from wattseal.serve.ocpp_ws import StationConnection
from wattseal.wire.ocpp.rpc import Call, Connection
from wattseal.wire.ocpp.version import Version


@dataclass
class Connected:
    station_id: StationId
    version: Version = Version.V16


async def test_a_start_repeated_over_a_new_connection_while_the_provider_thinks_is_one_start() -> None:
    world = make_world()
    await enrol(world, "ST1")
    await add_token(world, "CARD", party="MSP")
    thinking, decided = asyncio.Event(), asyncio.Event()

    async def slow(party: str, items: Sequence[bytes]) -> tuple[bytes, ...] | None:
        del party, items
        thinking.set()
        await decided.wait()
        return None

    partners = world.partners
    assert isinstance(partners, TestPartners)
    partners.parties_by_name["MSP"] = slow
    endpoint = make_endpoint(world, Doorman(world), Traffic())
    start = {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": "2027-01-15T08:00:00Z"}

    async def tell(message_id: str) -> bytes:
        frame = json.dumps([2, message_id, "StartTransaction", start]).encode()
        call = Connection(Version.V16).receive(frame, world.clock.now())
        assert isinstance(call, Call)
        answer = await endpoint.handle(cast("StationConnection", Connected(StationId("ST1"))), call)
        assert isinstance(answer, bytes)
        return answer

    first = asyncio.create_task(tell("old"))
    await thinking.wait()
    second = asyncio.create_task(tell("new"))
    await asyncio.sleep(0)
    decided.set()
    assert json.loads(await first)["transactionId"] == json.loads(await second)["transactionId"]
    assert len(await transactions(world)) == 1
    assert isinstance(world.journal, MemoryJournal)
    assert sum(kept.item.kind == Kind.STARTED for kept in world.journal.kept) == 1
