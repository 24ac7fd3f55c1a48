"""Messages of a charge, as stations of all versions send them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conformance.wire import Wire

AT = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
REGISTER = "Energy.Active.Import.Register"


def at(minute: float) -> str:
    """Return a time, so many minutes after the charge's beginning."""
    return (AT + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def token(value: str, kind: str = "ISO14443") -> dict[str, str]:
    """Return a 2.x idToken."""
    return {"idToken": value, "type": kind}


def values(minute: float, wh: float, context: str = "Sample.Periodic") -> list[dict[str, Any]]:
    """Return 2.x meter values with one register."""
    sample = {"value": wh, "context": context, "measurand": REGISTER, "unitOfMeasure": {"unit": "Wh"}}
    return [{"timestamp": at(minute), "sampledValue": [sample]}]


def event(kind: str, seq: int, trigger: str, *, tx: str = "T1", card: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a TransactionEvent at minute `seq`; `info` adds to transactionInfo, `wh` is the register."""
    info = {"transactionId": tx, **more.pop("info", {})}
    wh = more.pop("wh", None)
    payload: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at(seq),
        "triggerReason": trigger,
        "seqNo": seq,
        "transactionInfo": info,
        "evse": {"id": 1, "connectorId": 1},
    }
    if card is not None:
        payload["idToken"] = token(card)
    if wh is not None:
        context = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}.get(kind, "Sample.Periodic")
        payload["meterValue"] = values(seq, wh, context)
    return payload | more


def start16(card: str = "CARD", *, wh: int = 1000, connector: int = 1, minute: float = 0) -> dict[str, Any]:
    """Return a StartTransaction."""
    return {"connectorId": connector, "idTag": card, "meterStart": wh, "timestamp": at(minute)}


def stop16(transaction: int, *, wh: int = 2000, minute: float = 60, **more: Any) -> dict[str, Any]:
    """Return a StopTransaction."""
    return {"transactionId": transaction, "meterStop": wh, "timestamp": at(minute), **more}


async def seeded(wire: Wire, value: str, status: str = "Accepted", **more: Any) -> str:
    """Enrol a token over the API and return its value."""
    told = await wire.api("POST", "/tokens", {"id_token": value, "type": "ISO14443", "status": status, **more})
    assert told.status_code in {200, 201}, told.text
    return value


async def shown(wire: Wire, station: str) -> list[dict[str, Any]]:
    """Return what the API shows of a station's transactions."""
    told = await wire.api("GET", "/transactions", params={"station_id": station})
    assert told.status_code == 200, told.text
    found: list[dict[str, Any]] = told.json()
    return found
