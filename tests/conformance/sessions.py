"""Charges as stations tell them, step by step: what the test cases call reusable states."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance.wire import ANY, Station, Wire

START = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
CARD = "CARD"
_tokens = itertools.count(1)


def at(minutes: float = 0) -> str:
    """Return a time on the wire."""
    return (START + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def id_token(value: str = CARD) -> dict[str, Any]:
    """Return an idToken of 2.x."""
    return {"idToken": value, "type": "ISO14443"}


async def seed(wire: Wire, status: str = "Accepted", **more: Any) -> str:
    """Enrol a new token and return it."""
    value = f"T{next(_tokens):07}"
    told = await wire.api("POST", "/tokens", {"id_token": value, "type": "ISO14443", "status": status, **more})
    assert told.status_code in {200, 201}, told.text
    return value


def sample(wh: int, context: str, minutes: float, **more: Any) -> dict[str, Any]:
    """Return a meterValue of 2.x with one reading of the register."""
    value = {"value": wh, "context": context, "measurand": "Energy.Active.Import.Register", **more}
    return {"timestamp": at(minutes), "sampledValue": [value]}


async def status(station: Station, connector_status: str, evse: int = 1) -> None:
    """Tell a connector's status; the CSMS takes it."""
    if station.version == "1.6":
        payload: dict[str, Any] = {"connectorId": evse, "errorCode": "NoError", "status": connector_status}
    else:
        payload = {"timestamp": at(), "connectorStatus": connector_status, "evseId": evse, "connectorId": 1}
    await station.call("StatusNotification", payload)
    station.answered("StatusNotification", {})


class Charge2x:
    """One transaction of a 2.x station; every event is answered or the test fails."""

    def __init__(self, station: Station, evse: int = 1, token: str = CARD) -> None:
        self.station = station
        self.evse = evse
        self.token = token
        self.id = f"{station.name}-{next(_tokens)}"
        self.seq = 0
        self.minutes = 0.0
        self.wh = 1000

    async def event(self, kind: str, trigger: str, **more: Any) -> Any:
        """Tell one event; `info` goes into transactionInfo, `token` is who presents a card."""
        payload = {
            "eventType": kind,
            "timestamp": at(self.minutes),
            "triggerReason": trigger,
            "seqNo": more.pop("seq", self.seq),
            "transactionInfo": {"transactionId": self.id, **more.pop("info", {})},
        }
        if (token := more.pop("token", None)) is not None:
            payload["idToken"] = id_token(token)
        self.seq = max(self.seq, payload["seqNo"] + 1)
        self.minutes += 1
        told = await self.station.call("TransactionEvent", payload | more)
        self.station.answered("TransactionEvent", {})
        if token is not None:
            assert "idTokenInfo" in told, "an event with an idToken is answered with what it is worth"
        return told

    def place(self) -> dict[str, Any]:
        """Return the evse of an event."""
        return {"id": self.evse, "connectorId": 1}

    async def authorize(self, token: str | None = None, status: str = "Accepted") -> Any:
        """Ask whether a token is good."""
        await self.station.call("Authorize", {"idToken": id_token(token or self.token)})
        return self.station.answered("Authorize", {"idTokenInfo": {"status": status}})["idTokenInfo"]

    def kind(self) -> str:
        """Return the event type that is due: the first event starts the transaction."""
        return "Updated" if self.seq else "Started"

    async def authorized(self) -> None:
        """Present the token and have it accepted."""
        await self.authorize()
        await self.event(self.kind(), "Authorized", token=self.token)
        self.station.answered("TransactionEvent", {"idTokenInfo": {"status": "Accepted"}})

    async def plugged(self, **more: Any) -> None:
        """Plug in."""
        await status(self.station, "Occupied", self.evse)
        info = {"chargingState": "EVConnected"}
        await self.event(self.kind(), "CablePluggedIn", evse=self.place(), info=info, **more)

    async def charging(self, **more: Any) -> None:
        """Let energy flow."""
        await self.event(self.kind(), "ChargingStateChanged", info={"chargingState": "Charging"}, **more)

    async def suspended(self) -> None:
        """Let the EV pause."""
        await self.event("Updated", "ChargingStateChanged", info={"chargingState": "SuspendedEV"})

    async def started(self) -> None:
        """Plug in, authorise and charge, one reading at the start."""
        await self.plugged(meterValue=[sample(self.wh, "Transaction.Begin", self.minutes)])
        await self.authorized()
        await self.charging()

    async def reading(self, context: str = "Sample.Periodic", trigger: str = "MeterValuePeriodic") -> None:
        """Tell a reading."""
        self.wh += 500
        await self.event("Updated", trigger, meterValue=[sample(self.wh, context, self.minutes)])

    async def stop_authorized(self) -> None:
        """Present the token again to stop."""
        await self.event("Updated", "StopAuthorized", info={"chargingState": "EVConnected"}, token=self.token)

    async def ended(self, trigger: str = "EVCommunicationLost", reason: str = "EVDisconnected", **more: Any) -> None:
        """End it, with a last reading."""
        self.wh += 500
        info = {"stoppedReason": reason, "chargingState": "Idle", **more.pop("info", {})}
        values = more.pop("meterValue", [sample(self.wh, "Transaction.End", self.minutes)])
        await self.event("Ended", trigger, info=info, meterValue=values, **more)
        await status(self.station, "Available", self.evse)

    async def shown(self) -> dict[str, Any]:
        """Return what the API shows of it."""
        told = await self.station.wire.api("GET", f"/transactions/{self.id}", params={"station_id": self.station.name})
        assert told.status_code == 200, told.text
        found: dict[str, Any] = told.json()
        return found


class Charge16:
    """One transaction of a 1.6 station."""

    def __init__(self, station: Station, connector: int = 1, token: str = CARD) -> None:
        self.station = station
        self.connector = connector
        self.token = token
        self.id = 0

    async def authorize(self, token: str | None = None, status: str = "Accepted") -> Any:
        """Ask whether a token is good."""
        await self.station.call("Authorize", {"idTag": token or self.token})
        return self.station.answered("Authorize", {"idTagInfo": {"status": status}})["idTagInfo"]

    async def started(self, wh: int = 1000, minutes: float = 0, status: str = "Accepted", **more: Any) -> None:
        """Start it; whatever the token is worth there is an id."""
        payload = {"connectorId": self.connector, "idTag": self.token, "meterStart": wh, "timestamp": at(minutes)}
        await self.station.call("StartTransaction", payload | more)
        told = self.station.answered("StartTransaction", {"transactionId": ANY, "idTagInfo": {"status": status}})
        self.id = told["transactionId"]
        assert self.id > 0

    async def reading(self, wh: int, minutes: float = 5, **more: Any) -> None:
        """Tell a reading."""
        values = [{"timestamp": at(minutes), "sampledValue": [{"value": str(wh), **more}]}]
        payload = {"connectorId": self.connector, "transactionId": self.id, "meterValue": values}
        await self.station.call("MeterValues", payload)
        self.station.answered("MeterValues", {})

    async def stopped(self, wh: int = 5000, minutes: float = 30, reason: str | None = "Local", **more: Any) -> None:
        """Stop it."""
        payload = {"transactionId": self.id, "meterStop": wh, "timestamp": at(minutes), **more}
        await self.station.call("StopTransaction", payload | ({} if reason is None else {"reason": reason}))
        self.station.answered("StopTransaction", {})

    async def shown(self) -> dict[str, Any]:
        """Return what the API shows of it."""
        told = await self.station.wire.api("GET", f"/transactions/{self.id}", params={"station_id": self.station.name})
        assert told.status_code == 200, told.text
        found: dict[str, Any] = told.json()
        return found
