"""A CSMS for simulated stations: it takes everything unless told otherwise, over real sockets."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wattseal.base.errors import StoreError
from wattseal.base.ids import TransactionId
from wattseal.model.answers import (
    Acknowledged,
    AuthorizationAnswer,
    BootAnswer,
    HeartbeatAnswer,
    TransactionAnswer,
)
from wattseal.model.facts import (
    AuthorizationRequested,
    BootReported,
    HeartbeatReported,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from wattseal.model.message import Answer, Fact
from wattseal.model.token import Authorization, TokenStatus
from wattseal.serve.ocpp_ws import Admitted, Arrival, Endpoint, OcppServer, StationConnection
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.message import Lifted
from wattseal.wire.ocpp.rpc import Call
from wattseal.wire.ocpp.version import Refusal

NOW = datetime(2024, 5, 1, tzinfo=UTC)


class Clock:
    def now(self) -> datetime:
        return NOW


@dataclass
class Csms:
    """A CSMS that takes everything, unless told otherwise."""

    facts: list[Fact] = field(default_factory=list)
    boots: list[str] = field(default_factory=lambda: ["Accepted"])
    token: TokenStatus = TokenStatus.ACCEPTED
    at_start: TokenStatus = TokenStatus.ACCEPTED
    fail_on: type[Any] | None = None
    failures: int = 0

    async def authenticate(self, arrival: Arrival) -> Admitted | None:
        return Admitted(arrival.station_id) if arrival.password == b"pw" else None

    async def handle(self, connection: StationConnection, call: Call) -> bytes | Refusal:
        lifted = catalog.lift(connection.version, call)
        assert isinstance(lifted, Lifted), lifted
        self.facts.append(lifted.fact)
        if self.fail_on is not None and isinstance(lifted.fact, self.fail_on) and self.failures:
            self.failures -= 1
            raise StoreError("not now")
        return catalog.lower(connection.version, call.action, self.answer(lifted.fact))

    def answer(self, fact: Fact) -> Answer:
        match fact:
            case BootReported():
                return BootAnswer(self.boots.pop(0) if len(self.boots) > 1 else self.boots[0], NOW, 1)
            case HeartbeatReported():
                return HeartbeatAnswer(NOW)
            case AuthorizationRequested():
                return AuthorizationAnswer(Authorization(self.token))
            case TransactionStarted():
                named = TransactionId("42") if fact.transaction_id is None else None
                return TransactionAnswer(named, Authorization(self.at_start))
            case TransactionUpdated() | TransactionEnded():
                return TransactionAnswer()
        return Acknowledged()

    def of(self, kind: type[Any]) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]


@asynccontextmanager
async def serving(csms: Csms) -> AsyncIterator[str]:
    server = OcppServer(Endpoint(csms.authenticate, csms.handle, Clock(), lambda: os.urandom(8).hex()))
    port = await server.start("127.0.0.1", 0)
    try:
        yield f"ws://127.0.0.1:{port}/ocpp"
    finally:
        await server.stop(1)
