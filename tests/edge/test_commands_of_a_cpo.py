"""A CPO's commands through a real edge: what somebody on the link does to them is refused, and the operator is told."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.edge.edge_bench import Bench, MemoryCsms, bench, call
from tests.edge.edge_world import STATION, key, site
from tests.support.cpo_world import AT, TENANT, Talker, enrol, make_world

from wattseal.base.ids import StationId
from wattseal.flow.commands import Declined, Done, send_payload
from wattseal.flow.documents import ALARM, read
from wattseal.flow.ports import Silence
from wattseal.flow.world import World
from wattseal.model.alarm import Alarm, Severity
from wattseal.model.principal import Principal
from wattseal.seal.registry import Entry, Role, Use
from wattseal.wire.ocpp.rpc import CallError, CallResult, Connection
from wattseal.wire.ocpp.version import Refusal, Version

WHO = Principal(TENANT, "till 4", frozenset(), frozenset({"*"}))
Plan = Callable[[str, dict[str, Any]], dict[str, Any]]


@dataclass
class Link:
    """The link between CPO and edge, both ways; somebody on it may alter what goes down."""

    world: World
    version: Version
    alter: Plan = lambda _action, payload: payload
    edge: Bench | None = None
    frames: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def lines_version(self, station_id: StationId) -> Version | None:
        assert station_id == STATION
        return self.version

    async def down(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        del station_id, timeout_s
        assert self.edge is not None
        sent = self.alter(action, json.loads(payload))
        self.frames.append((action, sent))
        answer = await self.edge.down.handle(call(action, sent))
        return self._heard(action, payload, answer)

    async def up(self, action: str, payload: bytes) -> CallResult | CallError:
        answer = await Talker(self.world, STATION, self.version).raw(action, json.loads(payload))
        told = self._heard(action, payload, answer)
        assert not isinstance(told, Silence)
        return told

    def _heard(self, action: str, payload: bytes, answer: bytes | Refusal) -> CallResult | CallError:
        asking = Connection(self.version)
        asking.call("1", action, payload)
        if isinstance(answer, Refusal):
            frame = json.dumps([4, "1", answer.fault.code(self.version), answer.text, {}]).encode()
        else:
            frame = b'[3,"1",%b]' % answer
        event = asking.receive(frame, AT)
        assert isinstance(event, CallResult | CallError)
        return event


@dataclass
class Lines:
    """The CPO's lines: one link."""

    link: Link

    def version(self, station_id: StationId) -> Version | None:
        return self.link.lines_version(station_id)

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError | Silence:
        return await self.link.down(station_id, action, payload, timeout_s)


class Above(MemoryCsms):
    """The CPO as the edge's CSMS."""

    link: Link

    async def call(self, action: str, payload: bytes) -> CallResult | CallError:
        return await self.link.up(action, payload)


async def cpo(version: Version) -> tuple[Link, Above]:
    world = make_world()
    world.registry.trust(Entry(1, f"CPO/{STATION}", Role.EDGE, "OWNER", "OWNER", key("edge").public.spki, Use.SIGN, 0))
    await enrol(world, STATION)
    link = Link(world, version)
    world.lines = Lines(link)
    above = Above(site(version=version.value))
    above.link = link
    return link, above


async def alarms(world: World) -> list[Alarm]:
    return [read(document, Alarm) for document in await world.journal.documents(world.tenant, ALARM)]


def limit(version: Version, amps: int) -> bytes:
    schedule: dict[str, Any] = {
        "startSchedule": "2027-01-15T08:00:00Z",
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": amps}],
    }
    profile = {"stackLevel": 1, "chargingProfilePurpose": "TxDefaultProfile", "chargingProfileKind": "Absolute"}
    if version is Version.V16:
        of = {"chargingProfileId": 7, **profile, "chargingSchedule": schedule}
        return json.dumps({"connectorId": 1, "csChargingProfiles": of}).encode()
    of = {"id": 7, **profile, "chargingSchedule": [{"id": 1, **schedule}]}
    return json.dumps({"evseId": 1, "chargingProfile": of}).encode()


def raised(action: str, payload: dict[str, Any]) -> dict[str, Any]:
    """Raise every limit to 63 A on the way."""
    if action != "SetChargingProfile":
        return payload
    text = json.dumps(payload)
    altered: dict[str, Any] = json.loads(text.replace('"limit": 16', '"limit": 63'))
    return altered


@pytest.mark.parametrize("version", list(Version))
async def test_a_limit_raised_on_the_link_reaches_nobody_and_the_alarm_names_both(
    tmp_path: Path, version: Version
) -> None:
    link, above = await cpo(version)
    async with bench(tmp_path, site(version=version.value), csms=above) as b:
        link.edge = b
        done = await send_payload(link.world, WHO, STATION, "SetChargingProfile", limit(version, 16))
        assert isinstance(done, Done)
        assert [action for action, _ in b.station.asked] == ["SetChargingProfile"]
        link.alter = raised
        told = await send_payload(link.world, WHO, STATION, "SetChargingProfile", limit(version, 16))
        assert isinstance(told, Declined)
        assert (told.code, len(b.station.asked)) == ("SecurityError", 1)
        await b.settle()
        (alarm,) = await alarms(link.world)
        assert (alarm.code, alarm.station_id, alarm.field) == ("command_mismatch", STATION, "SetChargingProfile")
        assert alarm.severity is Severity.CRITICAL
        assert "sent by till 4" in alarm.detail
        assert "limit: 16 was sent, 63 came" in alarm.detail


async def test_a_limit_that_a_station_pulls_comes_through_signed_and_unaltered_only(tmp_path: Path) -> None:
    link, above = await cpo(Version.V21)
    async with bench(tmp_path, site(version="2.1"), csms=above) as b:
        link.edge = b
        dynamic = {
            "id": 9,
            "stackLevel": 1,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Dynamic",
            "chargingSchedule": [
                {
                    "id": 1,
                    "chargingRateUnit": "A",
                    "chargingSchedulePeriod": [
                        {"startPeriod": 0, "limit": 12, "operationMode": "ExternalLimits"},
                    ],
                }
            ],
        }
        set_up = json.dumps({"evseId": 1, "chargingProfile": dynamic}).encode()
        assert isinstance(await send_payload(link.world, WHO, STATION, "SetChargingProfile", set_up), Done)
        pulled = await b.say("PullDynamicScheduleUpdate", {"chargingProfileId": 9})
        assert pulled == {"status": "Accepted", "scheduleUpdate": {"limit": 12}}


@pytest.mark.parametrize("version", [Version.V16, Version.V201])
async def test_another_drivers_token_in_a_remote_start_is_told_without_the_token(
    tmp_path: Path, version: Version
) -> None:
    def anothers(action: str, payload: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(payload) if action.endswith("StartTransaction") else None
        altered: dict[str, Any] = payload if text is None else json.loads(text.replace("ALIAS", "THIEF"))
        return altered

    link, above = await cpo(version)
    async with bench(tmp_path, site(version=version.value), csms=above) as b:
        link.edge, link.alter = b, anothers
        token = {"idToken": "ALIAS", "type": "Central"}
        start = (
            {"idTag": "ALIAS", "connectorId": 1} if version is Version.V16 else {"idToken": token, "remoteStartId": 5}
        )
        action = "RemoteStartTransaction" if version is Version.V16 else "RequestStartTransaction"
        told = await send_payload(link.world, WHO, STATION, action, json.dumps(start).encode())
        assert isinstance(told, Declined)
        assert b.station.asked == []
        await b.settle()
        (alarm,) = await alarms(link.world)
        assert alarm.field == action
        assert alarm.detail.endswith("in nothing but the driver's token, which is not kept")
        assert "THIEF" not in alarm.detail


async def test_a_station_without_an_edge_is_sent_the_call_alone(tmp_path: Path) -> None:
    link, _ = await cpo(Version.V201)
    async with bench(tmp_path, site(version="2.0.1")) as b:
        link.edge = b
        link.world.registry.trust(
            Entry(2, f"CPO/{STATION}", Role.EDGE, "OWNER", "OWNER", key("edge").public.spki, Use.SIGN, 0, revoked_ms=1)
        )
        told = await send_payload(link.world, WHO, STATION, "Reset", b'{"type":"Immediate"}')
        assert link.frames == [("Reset", {"type": "Immediate"})]
        assert isinstance(told, Declined), "negative control: an edge takes no command without the signature"
