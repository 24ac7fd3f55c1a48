"""Somebody in the CSMS's place who thanks for everything: what he was told comes to the CSMS after all, in order."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.edge.edge_bench import MemoryCsms, bench, result
from tests.edge.edge_world import CARD, site
from tests.edge.test_edge_sides import AT, START, meter_values

from wattseal.seal.chain import check_chain
from wattseal.seal.item import Kind
from wattseal.wire.ocpp.rpc import CallError, CallResult


@dataclass
class Sinkhole(MemoryCsms):
    """A CSMS whose name leads elsewhere for a while: there everything is thanked for and nothing arrives."""

    elsewhere: bool = False

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        if self.elsewhere:
            return result(action, {"status": "Accepted"} if action == "DataTransfer" else {})
        return await super().call(action, payload)


@pytest.mark.parametrize("ends_there", [True, False])
async def test_what_somebody_else_thanked_for_comes_again_in_its_order(tmp_path: Path, *, ends_there: bool) -> None:
    at = site()
    csms = Sinkhole(at)
    async with bench(tmp_path, at, csms=csms) as b:
        await b.say("Authorize", {"idTag": CARD.value})
        transaction_id = (await b.say("StartTransaction", START))["transactionId"]
        await b.settle()
        csms.elsewhere = True
        b.down.came()
        for n in range(5):
            await b.say("MeterValues", meter_values(transaction_id, 2000 + n))
        await b.settle()
        stop = {"transactionId": transaction_id, "meterStop": 17345, "timestamp": AT, "reason": "Local"}
        if ends_there:
            await b.say("StopTransaction", stop)
            await b.settle()
        csms.elsewhere = False
        b.down.came()
        if not ends_there:
            await b.say("StopTransaction", stop)
        for _ in range(3):
            b.clock.ms += at.heartbeat_ms
            await b.down.tick()
            await b.settle()
        arrived = [item for item in csms.items if item.payload.stream == 1]
        firsts = list({item.hash: item for item in arrived}.values())
        assert check_chain(firsts) == [], "nothing comes before what it follows"
        kinds = [item.payload.kind for item in firsts]
        assert kinds[:8] == [Kind.BOOT, Kind.STARTED, *[Kind.READING] * 5, Kind.ENDED]
        assert b.memory.state.charges == {}
