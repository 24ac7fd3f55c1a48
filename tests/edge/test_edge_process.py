"""Stock stations of another implementation charge through an edge process; the wire is searched, the edge killed."""

import asyncio
import base64
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import websockets
from ocpp.routing import on  # type: ignore[import-untyped] # the library has no stubs
from ocpp.v16 import ChargePoint as Station16  # type: ignore[import-untyped] # the library has no stubs
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Station201  # type: ignore[import-untyped] # the library has no stubs
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201
from tests.edge.edge_deployment import PASSWORD, Deployment, deployment
from tests.edge.edge_world import STATION
from tests.edge.leaks import found_in, found_under
from tests.edge.test_edge_leaks import MIDDLE_WH, NUMBERS, START_WH, STOP_WH, TOKEN, TOKENS

from wattseal.model.token import IdToken
from wattseal.seal.chain import check_chain
from wattseal.seal.item import Kind


class Old(Station16):  # type: ignore[misc] # the library is untyped
    """A stock 1.6 station; remembers how it was set up."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.settings: dict[str, str] = {}
        self.set_up = asyncio.Event()

    @on("ChangeConfiguration")  # type: ignore[untyped-decorator] # same
    def configure(self, key: str, value: str) -> Any:
        self.settings[key] = value
        if len(self.settings) == 5:
            self.set_up.set()
        return result16.ChangeConfiguration(status="Accepted")


class New(Station201):  # type: ignore[misc] # same
    """A stock 2.0.1 station."""

    @on("SetVariables")  # type: ignore[untyped-decorator] # same
    def configure(self, set_variable_data: list[dict[str, Any]]) -> Any:
        results = [
            {"attribute_status": "Accepted", "component": one["component"], "variable": one["variable"]}
            for one in set_variable_data
        ]
        return result201.SetVariables(set_variable_result=results)


@asynccontextmanager
async def connected(kind: Any, subprotocol: str, port: int) -> AsyncIterator[Any]:
    """Connect a stock station to whatever listens at `port`."""
    basic = base64.b64encode(f"{STATION}:{PASSWORD}".encode()).decode()
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/{STATION}",
        subprotocols=[websockets.Subprotocol(subprotocol)],
        additional_headers={"Authorization": f"Basic {basic}"},
    ) as socket:
        station = kind(STATION, socket)
        task = asyncio.create_task(station.start())
        try:
            yield station
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, websockets.ConnectionClosed):
                await task


def now(ago_s: int = 0) -> str:
    return (datetime.now(UTC) - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%SZ")


async def charge_16(port: int, connector: int = 1) -> None:
    """Charge for four minutes, which have just passed."""
    async with connected(Old, "ocpp1.6", port) as station:
        boot = await station.call(call16.BootNotification(charge_point_model="m", charge_point_vendor="v"))
        assert boot.status == "Accepted"
        told = await station.call(call16.Authorize(id_tag=TOKEN))
        assert told.id_tag_info["status"] == "Accepted"
        start = call16.StartTransaction(
            connector_id=connector, id_tag=TOKEN, meter_start=int(START_WH), timestamp=now(240)
        )
        told = await station.call(start)
        await meter_16(station, told.transaction_id, connector)
        stop = call16.StopTransaction(meter_stop=int(STOP_WH), timestamp=now(), transaction_id=told.transaction_id)
        await station.call(stop)
        async with asyncio.timeout(10):
            await station.set_up.wait()
        assert station.settings["AuthorizationCacheEnabled"] == "false"


async def meter_16(station: Any, transaction_id: int, connector: int = 1) -> None:
    sampled = [{"value": str(MIDDLE_WH), "measurand": "Energy.Active.Import.Register"}]
    values = [{"timestamp": now(120), "sampled_value": sampled}]
    await station.call(call16.MeterValues(connector_id=connector, transaction_id=transaction_id, meter_value=values))


async def charge_201(port: int) -> None:
    async with connected(New, "ocpp2.0.1", port) as station:
        model = {"model": "m", "vendor_name": "v"}
        await station.call(call201.BootNotification(charging_station=model, reason="PowerUp"))
        token = {"id_token": TOKEN, "type": "ISO14443"}
        told = await station.call(call201.Authorize(id_token=token))
        assert told.id_token_info["status"] == "Accepted"
        for seq, (kind, wh) in enumerate((("Started", START_WH), ("Updated", MIDDLE_WH), ("Ended", STOP_WH))):
            event = call201.TransactionEvent(
                event_type=kind,
                timestamp=now(240 - 120 * seq),
                trigger_reason="MeterValuePeriodic",
                seq_no=seq,
                transaction_info={"transaction_id": "tx-1"},
                evse={"id": 1},
                id_token=token if kind == "Started" else None,
                meter_value=[{"timestamp": now(240 - 120 * seq), "sampled_value": [{"value": float(wh)}]}],
            )
            told = await station.call(event)
            assert kind != "Started" or told.id_token_info["status"] == "Accepted"


async def until_ended(world: Deployment) -> None:
    """Wait until the CSMS holds the end of the charge."""
    async with asyncio.timeout(20):
        while not any(item.payload.kind == Kind.ENDED for item in world.csms.inner.items):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)


CHARGES = {"1.6": charge_16, "2.0.1": charge_201}


@pytest.mark.parametrize("version", sorted(CHARGES))
async def test_a_stock_station_charges_sealed_and_the_wire_tells_nothing(tmp_path: Path, version: str) -> None:
    async with deployment(tmp_path, version) as world:
        await CHARGES[version](world.edge.port)
        await until_ended(world)
        for stream in (0, 1):
            chain = [item for item in world.csms.inner.items if item.payload.stream == stream]
            assert check_chain(chain) == []
        start = next(item for item in world.csms.inner.items if item.payload.kind == Kind.STARTED)
        assert len(start.payload.refs) == 1
        assert found_in(b"\n".join(world.csms.frames), NUMBERS | TOKENS) == set()
        assert await world.edge.end() == 0
        assert found_under(tmp_path / "edge", TOKENS) == {}


@pytest.mark.parametrize("version", sorted(CHARGES))
async def test_negative_control_signed_mode_shows_both_on_the_wire(tmp_path: Path, version: str) -> None:
    async with deployment(tmp_path, version, "--mode", "signed") as world:
        await CHARGES[version](world.edge.port)
        await until_ended(world)
        wire = b"\n".join(world.csms.frames)
        assert found_in(wire, TOKENS)
        assert any(name.startswith(f"{STOP_WH} ") for name in found_in(wire, NUMBERS))


async def test_killed_in_the_middle_of_a_charge_and_cut_off_nothing_is_lost(tmp_path: Path) -> None:
    async with deployment(tmp_path, "1.6", program=(sys.executable, "-m", "wattseal")) as world:
        async with connected(Old, "ocpp1.6", world.edge.port) as station:
            await station.call(call16.BootNotification(charge_point_model="m", charge_point_vendor="v"))
            start = call16.StartTransaction(connector_id=1, id_tag=TOKEN, meter_start=int(START_WH), timestamp=now())
            transaction_id = (await station.call(start)).transaction_id
            await world.csms.stop()
            await meter_16(station, transaction_id)
        await world.edge.end(signal.SIGKILL)
        await world.edge.start()
        async with connected(Old, "ocpp1.6", world.edge.port) as station:
            stop = call16.StopTransaction(meter_stop=int(STOP_WH), timestamp=now(), transaction_id=transaction_id)
            await station.call(stop)
        await world.csms.start()
        await until_ended(world)
        chain = {item.payload.seq: item for item in world.csms.inner.items if item.payload.stream == 1}
        kinds = [chain[seq].payload.kind for seq in sorted(chain)]
        assert kinds == [Kind.BOOT, Kind.STARTED, Kind.READING, Kind.ENDED]
        assert check_chain([chain[seq] for seq in sorted(chain)]) == []


async def test_cut_off_the_emsps_directory_lets_its_customers_charge(tmp_path: Path) -> None:
    async with deployment(tmp_path, "1.6", directory=(IdToken(TOKEN, "ISO14443"),)) as world:
        await world.csms.stop()
        async with connected(Old, "ocpp1.6", world.edge.port) as station:
            told = await station.call(call16.Authorize(id_tag="STRANGER"))
            assert told.id_tag_info["status"] == "Invalid"
            told = await station.call(call16.Authorize(id_tag=TOKEN))
            assert told.id_tag_info["status"] == "Accepted"
            start = call16.StartTransaction(connector_id=1, id_tag=TOKEN, meter_start=int(START_WH), timestamp=now())
            started = await station.call(start)
            await station.call(
                call16.StopTransaction(meter_stop=int(STOP_WH), timestamp=now(), transaction_id=started.transaction_id)
            )
        await world.csms.start()
        await until_ended(world)
        requests = [item for item in world.csms.inner.items if item.payload.kind == Kind.REQUEST]
        assert len({item.hash for item in requests}) == 1
        assert found_in(b"\n".join(world.csms.frames), NUMBERS | TOKENS) == set()


async def test_a_station_with_another_password_or_name_is_refused(tmp_path: Path) -> None:
    async with deployment(tmp_path, "1.6") as world:
        for path, password in ((STATION, "wrong"), ("ST2", PASSWORD)):
            basic = base64.b64encode(f"{path}:{password}".encode()).decode()
            with pytest.raises(websockets.InvalidStatus, match="401"):
                await websockets.connect(
                    f"ws://127.0.0.1:{world.edge.port}/{path}",
                    subprotocols=[websockets.Subprotocol("ocpp1.6")],
                    additional_headers={"Authorization": f"Basic {basic}"},
                )


async def test_an_edge_does_not_seal_to_a_party_without_a_root_signed_key(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="78"):
        async with deployment(tmp_path, "1.6", seal_for="MSP,NOBODY"):
            pass
