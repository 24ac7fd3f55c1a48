"""Templates against stations over real sockets: drift is shown, rollouts put it right, failures stop them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from tests.conformance.wire import Station, Wire
from tests.support.csms import Csms, serving

KEY = "MeterValueSampleInterval"
COMPONENT, VARIABLE = "SampledDataCtrlr", "TxUpdatedInterval"


@pytest.fixture(scope="module")
def csms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Csms]:
    with serving(tmp_path_factory.mktemp("rollouts"), settings="[people]\nalone_stations = 100\n") as running:
        yield running


@pytest.fixture
async def wire(csms: Csms) -> AsyncIterator[Wire]:
    made = Wire(csms)
    yield made
    await made.close()


class Site:
    """Stations of one model of 1.6, with one configuration key each."""

    def __init__(self, wire: Wire, model: str) -> None:
        self.wire, self.model = wire, model
        self.values: dict[str, str] = {}
        self.refusing: set[str] = set()
        self.stations: dict[str, Station] = {}
        self.tasks: list[asyncio.Task[None]] = []

    async def add(self, value: str = "60", *, refuses: bool = False) -> str:
        """Connect one more station."""
        station = await self.wire.station("1.6", boot=False)
        self.values[station.name], self.stations[station.name] = value, station
        if refuses:
            self.refusing.add(station.name)
        station.replies["GetConfiguration"] = lambda _: self._told(station.name)
        station.replies["ChangeConfiguration"] = lambda asked: self._change(station.name, asked)
        self.tasks.append(asyncio.create_task(station.serve()))
        await station.call("BootNotification", {"chargePointVendor": "Vendor", "chargePointModel": self.model})
        return station.name

    def _told(self, name: str) -> dict[str, Any]:
        return {"configurationKey": [{"key": KEY, "readonly": False, "value": self.values[name]}]}

    def _change(self, name: str, asked: dict[str, Any]) -> dict[str, Any]:
        if name in self.refusing:
            return {"status": "Rejected"}
        self.values[name] = asked["value"]
        return {"status": "Accepted"}

    async def template(self, value: str, **more: Any) -> None:
        """Say what the key should be."""
        wanted = {"component": COMPONENT, "variable": VARIABLE, "value": value}
        body = {"model": self.model, "variables": [wanted], **more}
        answer = await self.wire.api("PUT", f"/templates/{self.model}", body)
        assert answer.status_code == 200, answer.text

    async def roll_out(self, **body: Any) -> str:
        """Begin a rollout on all of the model."""
        answer = await self.wire.api("POST", f"/templates/{self.model}/rollouts", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def ended(self, rollout: str) -> dict[str, Any]:
        """Wait until a rollout runs no more."""
        async with asyncio.timeout(20):
            while True:
                told: dict[str, Any] = (await self.wire.api("GET", f"/rollouts/{rollout}")).json()
                if told["state"] not in {"running", "paused"}:
                    return told
                await asyncio.sleep(0.2)

    async def drift(self, name: str) -> list[tuple[str, str | None]]:
        """Return how a station stands."""
        told = (await self.wire.api("GET", f"/stations/{name}/drift")).json()
        return [(one["drift"], one["actual"]) for one in told]


async def test_a_template_is_put_on_all_of_its_model_and_drift_ends(wire: Wire) -> None:
    site = Site(wire, "M1")
    first, second = await site.add("60"), await site.add("30")
    await site.template("30")
    assert await site.drift(first) == [("unknown", None)]
    told = await site.ended(await site.roll_out(plan={"phases": [50, 100]}))
    assert told["state"] == "done", told
    assert site.values == {first: "30", second: "30"}
    whys = {one["station_id"]: (one["state"], one["why"]) for one in told["stations"]}
    assert whys == {first: ("done", ""), second: ("done", "nothing differed")}
    assert await site.drift(first) == [("same", "30")]
    await site.template("45")
    assert await site.drift(first) == [("differs", "30")]


async def test_failures_stop_a_rollout_before_it_reaches_the_others(wire: Wire) -> None:
    site = Site(wire, "M2")
    names = [await site.add(refuses=True), *[await site.add() for _ in range(3)]]
    await site.template("10")
    told = await site.ended(await site.roll_out(plan={"phases": [25, 100], "max_failed_percent": 0}))
    assert (told["state"], told["why"]) == ("stopped", "1 of 1 stations failed")
    assert [one["state"] for one in told["stations"]] == ["failed", "pending", "pending", "pending"]
    assert told["stations"][0]["why"] == f"{VARIABLE}: Rejected"
    assert site.values == dict.fromkeys(names, "60")


async def test_a_station_without_a_connection_keeps_its_turn_until_it_is_back(wire: Wire) -> None:
    site = Site(wire, "M3")
    name = await site.add()
    await site.template("15")
    await site.stations[name].close()
    rollout = await site.roll_out(station_ids=[name], plan={"phases": [100]})
    await asyncio.sleep(2.5)
    assert (await wire.api("GET", f"/rollouts/{rollout}")).json()["state"] == "running"
    again = await wire.dial(name, "1.6")
    site.stations[name] = again
    again.replies = {"GetConfiguration": site._told(name), "ChangeConfiguration": lambda a: site._change(name, a)}
    task = asyncio.create_task(again.serve())
    assert (await site.ended(rollout))["state"] == "done"
    assert site.values[name] == "15"
    await again.close()
    await task


async def test_a_rollout_is_paused_and_cancelled_by_a_person(wire: Wire) -> None:
    site = Site(wire, "M4")
    name = await site.add()
    await site.template("20")
    await site.stations[name].close()
    rollout = await site.roll_out(plan={"phases": [100]})
    assert (await wire.api("POST", f"/rollouts/{rollout}/pause")).json()["state"] == "paused"
    assert (await wire.api("POST", f"/rollouts/{rollout}/resume")).json()["state"] == "running"
    assert (await wire.api("POST", f"/rollouts/{rollout}/cancel")).json()["state"] == "cancelled"
    over = await wire.api("POST", f"/rollouts/{rollout}/resume")
    assert (over.status_code, over.json()["code"]) == (422, "rollout_over")
    assert site.values[name] == "60"


async def test_the_template_of_higher_priority_counts(wire: Wire) -> None:
    site = Site(wire, "M5")
    name = await site.add()
    await site.template("20")
    wanted = {"component": COMPONENT, "variable": VARIABLE, "value": "99"}
    answer = await wire.api("PUT", "/templates/M5-special", {"model": "m?", "priority": 1, "variables": [wanted]})
    assert answer.status_code == 200
    (told,) = (await wire.api("GET", f"/stations/{name}/drift")).json()
    assert (told["template"], told["value"]) == ("M5-special", "99")
    assert (await wire.api("DELETE", "/templates/M5-special")).status_code == 204
    assert (await wire.api("DELETE", "/templates/M5-special")).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"variables": []}, "bad_input"),
        (
            {"variables": [{"component": "SecurityCtrlr", "variable": "BasicAuthPassword", "value": "x"}]},
            "bad_template",
        ),
        ({"variables": [{"component": "A", "variable": "B", "value": "x"}] * 2}, "bad_template"),
    ],
)
async def test_a_template_that_cannot_be_is_refused(wire: Wire, body: dict[str, Any], code: str) -> None:
    answer = await wire.api("PUT", "/templates/bad", body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_rollout_of_nothing_or_on_nobody_is_refused(wire: Wire) -> None:
    assert (await wire.api("POST", "/templates/nothing/rollouts", {})).status_code == 404
    site = Site(wire, "NOBODY HAS IT")
    await site.template("1")
    answer = await wire.api("POST", "/templates/NOBODY HAS IT/rollouts", {})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_plan")
    answer = await wire.api("POST", "/templates/NOBODY HAS IT/rollouts", {"station_ids": ["NOT ENROLLED"]})
    assert (answer.status_code, answer.json()["code"]) == (422, "not_enrolled")


VERDICTS = {"good": "Installed", "bad": "InstallationFailed"}


async def updating(wire: Wire, version: str, fate: str) -> Station:
    """Connect a station that takes an update and says at once what came of it."""
    station = await wire.station(version)

    async def obey() -> None:
        asked = await station.next_call("UpdateFirmware")
        await asked.answer({} if version == "1.6" else {"status": "Accepted"})
        number = {} if version == "1.6" else {"requestId": asked.payload["requestId"]}
        for word in ("Downloading", "Downloaded", "Installing", VERDICTS[fate]):
            await station.call("FirmwareStatusNotification", {"status": word} | number)

    station.obeying = asyncio.create_task(obey())  # type: ignore[attr-defined]
    return station


async def campaign(wire: Wire, stations: list[Station], **more: Any) -> dict[str, Any]:
    body = {
        "version": "2.0",
        "location": "https://firmware.example/2.0.bin",
        "station_ids": [station.name for station in stations],
        **more,
    }
    answer = await wire.api("POST", "/firmware-campaigns", body)
    assert answer.status_code == 201, answer.text
    return await Site(wire, "firmware").ended(answer.json()["id"])


async def test_a_campaign_updates_stations_of_every_version(wire: Wire) -> None:
    stations = [await updating(wire, version, "good") for version in ("1.6", "2.0.1", "2.1")]
    told = await campaign(wire, stations, plan={"phases": [34, 100]})
    assert told["state"] == "done", told
    assert [one["state"] for one in told["stations"]] == ["done"] * 3
    assert stations[1].asked("UpdateFirmware")["firmware"]["location"] == "https://firmware.example/2.0.bin"


async def test_a_campaign_stops_where_the_first_station_fails(wire: Wire) -> None:
    stations = [await updating(wire, "2.0.1", "bad"), await wire.station("2.0.1")]
    told = await campaign(wire, stations, plan={"phases": [50, 100], "max_failed_percent": 10})
    assert told["state"] == "stopped"
    assert [(one["state"], one["why"]) for one in told["stations"]] == [
        ("failed", "InstallationFailed"),
        ("pending", ""),
    ]
    stations[1].never_asked("UpdateFirmware")


async def test_a_signature_without_its_certificate_is_refused(wire: Wire) -> None:
    station = await wire.station("2.0.1")
    body = {"version": "2", "location": "https://firmware.example/2", "station_ids": [station.name]}
    answer = await wire.api("POST", "/firmware-campaigns", body | {"signature": "AA=="})
    assert (answer.status_code, answer.json()["field"]) == (422, "signature")
