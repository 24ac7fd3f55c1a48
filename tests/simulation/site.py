"""Stations of a storm: they charge, queue what is not acknowledged, tell it again, and remember what was answered."""

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from wattseal.wire.ocpp.version import Version

MINUTE_MS = 60_000
ALLOWED = frozenset({"CARD", "COINS", "GUEST", "LEAVER", "APPTOKEN"})
"""Tokens that may charge: the house's, a prepaid account's, an eMSP's, one who leaves, an app's."""
Payload = dict[str, Any]


@dataclass(eq=False)
class Session:
    """One physical session, as the station saw it. `number` is the CSMS's (1.6) or the station's own id (2.x)."""

    station: str
    token: str
    start_wh: int
    number: str | None = None
    end_wh: int | None = None
    energy_wh: int = 0
    reservation: int | None = None
    swallowed: int = 0
    followed: int = 0


@dataclass(eq=False)
class Message:
    """What is to be told; `payload` is made when it is sent, None while an answer is missing that it depends on."""

    action: str
    payload: Callable[[], Payload | None]
    session: Session | None = None
    tries: int = 0
    message_id: str = ""
    sent: str = ""


def canonical(payload: Any) -> str:
    """Return a payload in one spelling."""
    return json.dumps(payload, sort_keys=True)


@dataclass
class Site:
    """One station. `queue` is on its own flash: a reboot loses nothing of it; with `cards` it asks about them.

    `reserved` are reservations by their tokens, `wanted` the tokens of charges it was asked to begin.
    """

    name: str
    version: Version
    dice: Random
    now_ms: int
    left: int
    tokens: Sequence[str]
    queue: deque[Message] = field(default_factory=deque)
    sessions: list[Session] = field(default_factory=list)
    acknowledged: list[tuple[str, str, str]] = field(default_factory=list)
    outstanding: Message | None = None
    connection: int = 0
    sent: int = 0
    register: int = 1000
    booted: bool = False
    cards: bool = False
    reserved: dict[str, int] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    _plan: list[Callable[[], None]] = field(default_factory=list)
    _count: int = 0

    @property
    def done(self) -> bool:
        return self.left <= 0 and not self._plan and not self.queue and self.outstanding is None

    def live_on(self) -> None:
        """Let the next thing happen at the station, and queue what it tells of it."""
        self.now_ms += self.dice.randint(20_000, 5 * MINUTE_MS)
        if not self.booted:
            self.booted = True
            self._boot()
        elif self._plan:
            self._plan.pop(0)()
        elif self.left > 0:
            self.left -= 1
            self._charge()

    def reboot(self) -> None:
        """Lose the connection and whatever is only in memory."""
        self.cut()
        self.booted = False

    def cut(self) -> None:
        """Lose the connection: what was not answered is told again."""
        self.outstanding = None
        self.connection += 1

    def sendable(self) -> list[Message]:
        """Return what could be told now."""
        if self.outstanding is not None:
            return []
        return [message for message in self.queue if message.payload() is not None]

    def frame(self, message: Message, *, again: bool) -> bytes:
        """Return a message as it goes out; a retry under its old message id or under a new one."""
        self.outstanding = message
        message.tries += 1
        if not (again and message.message_id):
            self.sent += 1
            message.message_id = f"{self.name}-{self.sent}"
        payload = message.payload()
        message.sent = canonical(payload)
        return json.dumps([2, message.message_id, message.action, payload]).encode()

    def answered(self, message: Message, connection: int, answer: bytes) -> None:
        """Take an answer; one that came over a connection that is gone is not heard."""
        if connection != self.connection or message is not self.outstanding:
            return
        self.outstanding = None
        self.queue.remove(message)
        told = json.loads(answer or b"{}")
        if message.session is not None:
            self.acknowledged.append((message.action, message.sent, message.session.token))
            if message.action == "StartTransaction":
                message.session.number = str(told["transactionId"])
            if message.session.swallowed:
                message.session.followed += 1

    def swallow(self) -> Message | None:
        """Have somebody on the way answer for the CSMS: the station believes that a reading was told."""
        for message in self.queue:
            payload = message.payload() or {}
            if message.tries == 0 and message.session and payload.get("eventType") == "Updated":
                self.queue.remove(message)
                message.session.swallowed += 1
                return message
        return None

    def at(self) -> str:
        return datetime.fromtimestamp(self.now_ms // 1000, UTC).isoformat().replace("+00:00", "Z")

    def tell(self, action: str, payload: Payload) -> None:
        """Have it tell something that belongs to no session."""
        self._tell(action, payload)

    def _tell(self, action: str, payload: Payload, session: Session | None = None) -> None:
        self.queue.append(Message(action, lambda: payload, session))

    def _boot(self) -> None:
        told: Payload = {"chargePointVendor": "V", "chargePointModel": "M"}
        if self.version is not Version.V16:
            told = {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}}
        self.queue.appendleft(Message("BootNotification", lambda: told))

    def _charge(self) -> None:
        token = self.wanted.pop(0) if self.wanted else self.dice.choice(self.tokens)
        self.register += self.dice.choice((0, 0, 1))
        session = Session(self.name, token, self.register, reservation=self.reserved.pop(token, None))
        self.sessions.append(session)
        self._count += 1
        readings = self.dice.randint(0, 4)
        wh = 0 if token not in ALLOWED else self.dice.randint(100, 1500)
        if self.version is Version.V16:
            self._charge16(session, readings, wh)
        else:
            session.number = f"{self.name}-T{self._count}"
            self._charge2x(session, readings, wh)

    def _charge16(self, session: Session, readings: int, wh: int) -> None:
        start: Payload = {"connectorId": 1, "idTag": session.token, "meterStart": session.start_wh}
        start["timestamp"] = self.at()
        if session.reservation is not None:
            start["reservationId"] = session.reservation

        def later(action: str, made: Callable[[int], Payload]) -> None:
            def payload() -> Payload | None:
                return None if session.number is None else made(int(session.number))

            self.queue.append(Message(action, payload, session))

        def read() -> None:
            self.register += wh
            sample = {"value": str(self.register), "measurand": "Energy.Active.Import.Register", "unit": "Wh"}
            values = [{"timestamp": self.at(), "sampledValue": [sample]}]
            later("MeterValues", lambda number: {"connectorId": 1, "transactionId": number, "meterValue": values})

        def stop() -> None:
            self._end(session, wh)
            told = {"meterStop": self.register, "timestamp": self.at(), "reason": "Local"}
            later("StopTransaction", lambda number: {"transactionId": number, **told})

        if self.cards and self.dice.random() < 0.5:
            self._tell("Authorize", {"idTag": session.token})
        self._tell("StartTransaction", start, session)
        self._plan = [*[read] * readings, stop]

    def _charge2x(self, session: Session, readings: int, wh: int) -> None:
        numbers = iter(range(readings + 3))
        id_token = {"idToken": session.token, "type": "ISO14443"}
        asks = self.cards and self.dice.random() < 0.6
        plugged_first = asks and self.dice.random() < 0.7

        def event(kind: str, trigger: str, *, named: bool = False) -> None:
            context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
            sample = {"value": self.register, "context": context, "measurand": "Energy.Active.Import.Register"}
            payload: Payload = {
                "eventType": kind,
                "timestamp": self.at(),
                "triggerReason": trigger,
                "seqNo": next(numbers),
                "transactionInfo": {"transactionId": session.number},
                "meterValue": [{"timestamp": self.at(), "sampledValue": [sample]}],
            }
            payload |= {"idToken": id_token} if named else {}
            if named and session.reservation is not None:
                payload["reservationId"] = session.reservation
            payload |= {"evse": {"id": 1, "connectorId": 1}} if kind == "Started" else {}
            self._tell("TransactionEvent", payload, session)

        def show() -> None:
            self._tell("Authorize", {"idToken": id_token})

        def name() -> None:
            event("Updated", "Authorized", named=True)

        def read() -> None:
            self.register += wh
            event("Updated", "MeterValuePeriodic")

        def stop() -> None:
            self._end(session, wh)
            event("Ended", "EVDeparted")

        if plugged_first:
            event("Started", "CablePluggedIn")
            self._plan = [show, name, *[read] * readings, stop]
            return
        if asks:
            show()
        event("Started", "Authorized", named=True)
        self._plan = [*[read] * readings, stop]

    def _end(self, session: Session, wh: int) -> None:
        self.register += wh
        session.end_wh, session.energy_wh = self.register, self.register - session.start_wh
