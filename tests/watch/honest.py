"""Honest stations and what they send: rounded, late, twice, with clocks a little off, across summer time."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.support.cpo_world import Talker, add_token, enrol, make_world
from tests.support.meters import METER_KEY, METER_SPKI

from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build
from wattseal.flow.world import World
from wattseal.model.station import EvseEnrolment, Station
from wattseal.wire.ocpp.version import Version

RATINGS_W = (3700, 7400, 11_000, 22_000, 50_000, 150_000, 350_000)
SPRING, AUTUMN = datetime(2027, 3, 27, 12, tzinfo=UTC), datetime(2027, 10, 30, 12, tzinfo=UTC)
"""The days before clocks change in Europe."""
ZONES = (UTC, timezone(timedelta(hours=1)), timezone(timedelta(hours=2)), timezone(timedelta(hours=-8)))


@dataclass
class Wall:
    """Our clock, set by the story."""

    at: datetime

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


@dataclass
class Message:
    """A message as it is written, and when it leaves the station."""

    at: datetime
    action: str
    payload: dict[str, Any]


@dataclass
class Session:
    """One charge as it happened: registers in Wh by true time."""

    began: datetime
    points: list[tuple[datetime, Decimal, int]]


@dataclass
class HonestStation:
    """A station with its habits, all of which are within what standards and clocks allow."""

    dice: random.Random
    version: Version
    at: datetime
    world: World = field(default_factory=make_world)
    register_wh: Decimal = Decimal(0)
    page: int = 1
    number: int = 0

    def __post_init__(self) -> None:
        dice = self.dice
        self.world.clock = Wall(self.at)
        self.rated_w = dice.choice(RATINGS_W)
        self.states_rating = dice.random() < 0.8
        self.per_session = dice.random() < 0.15
        self.step_wh = Decimal(dice.choice(["1", "1", "1", "0.1", "0.001", "10", "100", "1000"]))
        self.clock_off = timedelta(seconds=dice.randint(-150, 150))
        self.power_told = dice.random() < 0.5
        self.signs = dice.random() < 0.3
        self.zone = dice.choice(ZONES)
        self.precision = dice.choice(("seconds", "milliseconds"))
        self.standby_w = dice.choice((0, 0, 5, 60))
        self.register_wh = Decimal(dice.randint(0, 10**8))
        self.talker = Talker(self.world, "ST1", self.version)

    async def enrol(self) -> None:
        evse = EvseEnrolment(
            id=1,
            meter_serial="METER-1" if self.signs else None,
            meter_public_key=METER_SPKI if self.signs else None,
            rated_power_w=self.rated_w if self.states_rating else None,
            register_per_session=self.per_session,
        )
        await enrol(self.world, Station(id="ST1", evses=(evse,)))
        await add_token(self.world, "CARD")

    def session(self) -> Session:
        """Let a driver come some time later, and charge."""
        dice = self.dice
        idle = timedelta(seconds=2 + dice.choice((1, 30, 600, 7200, 86_400)) * dice.random())
        self.at += idle
        self.register_wh += Decimal(self.standby_w) * Decimal(int(idle.total_seconds())) / 3600
        if self.per_session:
            self.register_wh = Decimal(0)
        began = self.at
        points = [(began, self.register_wh, 0)]
        for _ in range(dice.randint(0, 4)):
            passed_s = dice.choice((5, 60, 900, 3600)) * (0.5 + dice.random())
            power_w = dice.choice((0, 0.2, 0.7, 1.0, 1.05)) * self.rated_w
            self.at += timedelta(seconds=passed_s)
            self.register_wh += Decimal(int(power_w * passed_s)) / 3600
            points.append((self.at, self.register_wh, int(power_w)))
        self.at += timedelta(seconds=dice.randint(0, 20))
        points.append((self.at, self.register_wh, 0))
        return Session(began, points)

    def shown(self, register_wh: Decimal) -> Decimal:
        """Return a register as the station tells it."""
        steps = (register_wh / self.step_wh).to_integral_value(ROUND_HALF_UP)
        return steps * self.step_wh

    def stamp(self, at: datetime) -> str:
        """Return a time by the station's clock, in its own zone."""
        return (at + self.clock_off).astimezone(self.zone).isoformat(timespec=self.precision)

    def values(self, at: datetime, register_wh: Decimal, power_w: int, context: str) -> list[dict[str, Any]]:
        samples: list[dict[str, Any]] = [{"value": register_wh, "context": context}]
        if self.power_told and context == "Sample.Periodic":
            samples.append({"value": Decimal(power_w), "measurand": "Power.Active.Import", "context": context})
        old = self.version is Version.V16
        told = [s | {"value": f"{s['value']:f}" if old else float(s["value"])} for s in samples]
        return [{"timestamp": self.stamp(at), "sampledValue": told}]

    def signed(self, reason: str, at: datetime, register_wh: Decimal) -> dict[str, Any]:
        """Return a reading that the meter signs, on its next page."""
        raw = build(MeterState("METER-1", page=self.page), [ReadingToSign(at, reason, register_wh)], METER_KEY, "p")
        self.page += 1
        context = {"B": "Transaction.Begin", "E": "Transaction.End"}[reason]
        if self.version is Version.V16:
            return {"value": raw.decode(), "format": "SignedData", "context": context}
        signed = {"signedMeterData": base64.b64encode(raw).decode(), "encodingMethod": "OCMF"}
        return {"value": float(register_wh), "context": context, "signedMeterValue": signed | self._method()}

    def _method(self) -> dict[str, str]:
        return {"signingMethod": "", "publicKey": ""}

    def messages(self, session: Session) -> list[Message]:
        """Write the session down."""
        self.number += 1
        return list(self._told_16(session) if self.version is Version.V16 else self._told_2(session))

    def _told_16(self, session: Session) -> Iterator[Message]:
        began, start_wh, _ = session.points[0]
        start_wh = self.shown(start_wh).to_integral_value(ROUND_HALF_UP)
        payload: dict[str, Any] = {"connectorId": 1, "idTag": "CARD", "meterStart": int(start_wh)}
        yield Message(began, "StartTransaction", payload | {"timestamp": self.stamp(began)})
        begin = self.signed("B", began, self.shown(session.points[0][1])) if self.signs else None
        for at, register_wh, power_w in session.points[1:-1]:
            value = self.values(at, self.shown(register_wh), power_w, "Sample.Periodic")
            yield Message(at, "MeterValues", {"connectorId": 1, "meterValue": value})
        ended, end_wh, _ = session.points[-1]
        stop: dict[str, Any] = {
            "meterStop": int(self.shown(end_wh).to_integral_value(ROUND_HALF_UP)),
            "timestamp": self.stamp(ended),
        }
        if begin is not None:
            end = self.signed("E", ended, self.shown(end_wh))
            stop["transactionData"] = [
                {"timestamp": self.stamp(began), "sampledValue": [begin]},
                {"timestamp": self.stamp(ended), "sampledValue": [end]},
            ]
        yield Message(ended, "StopTransaction", stop)

    def _told_2(self, session: Session) -> Iterator[Message]:
        last = len(session.points) - 1
        for seq, (at, register_wh, power_w) in enumerate(session.points):
            kind = "Started" if seq == 0 else "Ended" if seq == last else "Updated"
            context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
            value = self.values(at, self.shown(register_wh), power_w, context)
            if self.signs and kind != "Updated":
                value[0]["sampledValue"] = [self.signed("B" if seq == 0 else "E", at, self.shown(register_wh))]
            told: dict[str, Any] = {
                "eventType": kind,
                "timestamp": self.stamp(at),
                "triggerReason": "MeterValuePeriodic",
                "seqNo": seq,
                "transactionInfo": {"transactionId": f"T{self.number}"},
                "evse": {"id": 1, "connectorId": 1},
                "meterValue": value,
            }
            if kind == "Started":
                told["idToken"] = {"idToken": "CARD", "type": "ISO14443"}
            yield Message(at, "TransactionEvent", told)

    async def deliver(self, messages: list[Message]) -> None:
        """Send a session's messages: at once or after an outage, in the order of habit, some twice, over restarts."""
        dice = self.dice
        order = list(messages)
        outage = timedelta(hours=dice.choice((1, 30))) if dice.random() < 0.15 else None
        if dice.random() < 0.2:
            middle = order[1:-1]
            dice.shuffle(middle)
            order[1:-1] = middle
        told: int | None = None
        sent = max(message.at for message in messages)
        for message in order:
            arrives = message.at + timedelta(seconds=dice.random() * 3) if outage is None else sent + outage
            wall = self.world.clock
            assert isinstance(wall, Wall)
            wall.at = max(wall.at, arrives)
            payload = message.payload
            if message.action in {"MeterValues", "StopTransaction"}:
                payload = payload | {"transactionId": told}
            for _ in range(2 if dice.random() < 0.1 else 1):
                answer = await self.talker.call(message.action, payload)
                told = answer.get("transactionId", told)
                if dice.random() < 0.05:
                    self.world.forget()
        if outage is not None:
            self.at = max(self.at, sent + outage)
