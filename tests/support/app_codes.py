"""Codes of apps for tests: issuers, a line that begins charges, and what a thief may try."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.cpo_world import AT, TestClock, enrol, make_world, own_entry, signing_key

from wattseal.base.ids import StationId
from wattseal.crypto.keys import SigningKey
from wattseal.flow.documents import put_token
from wattseal.flow.ports import Batch, Journal
from wattseal.flow.settings import Settings
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.model.token import IdToken, TokenRecord, TokenStatus
from wattseal.seal.app_code import AppCode, text_of
from wattseal.seal.registry import Role
from wattseal.wire.ocpp.rpc import CallError, CallResult, Connection
from wattseal.wire.ocpp.version import Version

NOW_S = int(AT.timestamp())
EMSP = "MSP"


@dataclass
class StartLines:
    """Stations that take every remote start; `sent` are the payloads."""

    version_spoken: Version | None = Version.V16
    status: str = "Accepted"
    sent: list[dict[str, Any]] = field(default_factory=list)

    def version(self, station_id: StationId) -> Version | None:
        del station_id
        return self.version_spoken

    async def call(
        self, station_id: StationId, action: str, payload: bytes, timeout_s: float
    ) -> CallResult | CallError:
        del station_id, timeout_s
        self.sent.append(json.loads(payload))
        asking = Connection(Version.V16)
        asking.call("1", action, payload)
        event = asking.receive(json.dumps([3, "1", {"status": self.status}]).encode(), AT)
        assert isinstance(event, CallResult | CallError)
        return event


async def app_world(lines: StartLines, journal: Journal | None = None, settings: Settings | None = None) -> World:
    """Return a CPO with two stations of two EVSEs, and an app's token."""
    world = make_world(journal, settings)
    world.lines = lines
    for name in ("ST1", "ST2"):
        await enrol(world, Station(id=name, evses=(EvseEnrolment(id=1), EvseEnrolment(id=2))))
    await app_token(world, "APP")
    return world


async def app_token(
    world: World, value: str, status: TokenStatus = TokenStatus.ACCEPTED, account: str | None = None
) -> None:
    token = TokenRecord(IdToken(value, "Central"), status, account=account)
    world.tokens.pop(token.id_token.key(), None)
    await world.journal.commit(Batch(world.tenant, puts=(put_token(token, 0),)))


def enrol_emsp(world: World) -> SigningKey:
    """Enrol an eMSP's key in the registry of a CPO; returns the key."""
    key = signing_key("emsp")
    world.registry.trust(own_entry(f"{EMSP}/*", Role.EMSP, key.public.spki, party=EMSP))
    return key


def a_code(**changes: Any) -> AppCode:
    """Return an eMSP's code for ST1/1, good now for five minutes."""
    made = AppCode(EMSP, bytes(16), "ST1", 1, NOW_S, NOW_S + 300, bytes(range(16)))
    return replace(made, **changes)


def signed(code: AppCode, key: SigningKey, cpo: str = "CPO") -> str:
    return text_of(code.sign(key, cpo))


def later(world: World, seconds: float) -> None:
    """Let time go by."""
    clock = world.clock
    assert isinstance(clock, TestClock)
    clock.at += AT.resolution * round(seconds * 1_000_000)
