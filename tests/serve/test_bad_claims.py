"""docs/reference/bad-input.md, what a charge may claim: well-formed messages that say what cannot be.

None of them is refused: the station is answered, the claim is kept, and what it means for billing is said.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tests.support.bad_input import documented
from tests.support.csms import Csms, meter_key
from tests.support.meters import METER_KEY
from tests.support.stations import ask, dialled
from websockets.sync.client import ClientConnection

from wattseal.evidence.ocmf_build import MeterState, ReadingToSign, build

CLAIMS = documented("What a charge may claim")
START = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=40)
SERIAL = "METER-1"
_names = itertools.count(1)


def at(minute: int) -> str:
    return (START + timedelta(minutes=minute)).isoformat()


@dataclass
class Charge:
    """A 1.6 station at its socket, and the transaction it has begun."""

    name: str
    socket: ClientConnection
    csms: Csms
    number: int = 0

    def start(self, wh: int = 1000, *, card: str = "CARD", when: str | None = None) -> "Charge":
        payload = {"connectorId": 1, "idTag": card, "meterStart": wh, "timestamp": when or at(0)}
        self.number = ask(self.socket, "StartTransaction", payload)["transactionId"]
        return self

    def meter(self, *samples: str | dict[str, Any], number: int | None = None) -> "Charge":
        told = [{"value": s} if isinstance(s, str) else s for s in samples]
        for minute, sample in enumerate(told, 1):
            value = [{"timestamp": at(minute), "sampledValue": [sample]}]
            number = self.number if number is None else number
            ask(self.socket, "MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": value})
        return self

    def stop(
        self, wh: int = 6000, *, number: int | None = None, when: str | None = None, evidence: str | None = None
    ) -> "Charge":
        payload: dict[str, Any] = {
            "transactionId": self.number if number is None else number,
            "meterStop": wh,
            "timestamp": when or at(30),
        }
        if evidence is not None:
            sample = {"value": evidence, "format": "SignedData", "context": "Transaction.End"}
            payload["transactionData"] = [{"timestamp": at(30), "sampledValue": [sample]}]
        assert ask(self.socket, "StopTransaction", payload) == {}
        return self

    def record(self, begin: str = "1000", end: str = "6000", *, serial: str = SERIAL, own: bool = True) -> str:
        """Return a meter's signed begin and end."""
        readings = [
            ReadingToSign(START, "B", Decimal(begin)),
            ReadingToSign(START + timedelta(minutes=30), "E", Decimal(end)),
        ]
        return build(MeterState(serial), readings, meter_key(self.name) if own else METER_KEY).decode()


def someone_elses(charge: Charge) -> None:
    """Stop the transaction of another station, by its number."""
    with dialled(charge.csms, "VICTIM") as socket:
        victim = Charge("VICTIM", socket, charge.csms).start()
        charge.stop(number=victim.number)
        (running,) = charge.csms.http.get(
            "/api/v1/transactions", params={"station_id": "VICTIM", "active": True}
        ).json()
        assert running["transaction_id"] == str(victim.number)


def random_signature(charge: Charge) -> str:
    head, payload, _ = charge.record().split("|")
    return "|".join((head, payload, '{"SA":"ECDSA-secp256r1-SHA256","SD":"' + "ab" * 32 + '"}'))


DO: dict[str, Callable[[Charge], object]] = {
    "a negative meterStart": lambda c: c.start(-5).stop(),
    "a meterStop below the meterStart": lambda c: c.start(1000).stop(999),
    "meter values that fall": lambda c: c.start().meter("3000", "2000").stop(),
    "a meterStop below the last meter value": lambda c: c.start().meter("7000").stop(6000),
    "more energy than any battery holds": lambda c: c.start().stop(2_001_001),
    "more energy than the time allows": lambda c: c.start(1000).stop(900_000),
    "meter values that jump": lambda c: c.start().meter("1100", "101100").stop(101_200),
    "a register beyond a thousand TWh": lambda c: c.start(10**15 + 1).stop(10**15 + 2),
    "a meter value that is no number": lambda c: c.start().meter("many").stop(),
    "an end without any energy": lambda c: c.start(1000).stop(1000),
    "a stop of a transaction nobody started": lambda c: c.stop(number=4711),
    "a stop with transaction id -1": lambda c: c.stop(number=-1),
    "a stop with transaction id 0": lambda c: c.stop(number=0),
    "a stop of another station's transaction": someone_elses,
    "a second stop with another value": lambda c: c.start().stop(6000).stop(9000),
    "meter values after the stop": lambda c: c.start().stop().meter("9000"),
    "a start in 1970": lambda c: c.start(when="1970-01-01T00:00:00Z").stop(),
    "a start in 2099": lambda c: c.start(when="2099-01-01T00:00:00Z").stop(when="2099-01-01T01:00:00Z"),
    "a stop before the start": lambda c: c.start(when=at(20)).stop(when=at(10)),
    "a clock set back in the middle": lambda c: c.start().meter(*["2000"] * 8).stop(when=at(2)),
    "a clock set ahead in the middle": lambda c: c.start().stop(when=at(70)),
    "a card nobody knows": lambda c: c.start(card="STRANGER").stop(),
    "a blocked card": lambda c: c.start(card="BLOCKED").stop(),
    "no signature where one is pinned": lambda c: c.start().stop(),
    "a signed value changed on the way": lambda c: c.start().stop(7000, evidence=c.record().replace("6000", "7000")),
    "random bytes as signature": lambda c: c.start().stop(evidence=random_signature(c)),
    "the signature of a key nobody enrolled": lambda c: c.start().stop(evidence=c.record(own=False)),
    "the signature of another meter": lambda c: c.start().stop(evidence=c.record(serial="METER-2")),
    "a signed value other than the plain one": lambda c: c.start().stop(8000, evidence=c.record()),
    "evidence that cannot be read": lambda c: c.start().stop(evidence="OCMF|{}"),
}
SIGNING = {said for said in DO if "sign" in said or "evidence" in said}


def shown(found: Sequence[dict[str, Any]]) -> str:
    (transaction,) = found
    standing = str(transaction["billing"])
    if transaction["billing_reason"]:
        standing += f": `{transaction['billing_reason']}`"
    alarms = sorted({a["code"] for a in transaction["alarms"]} - {transaction["billing_reason"]})
    return standing + "".join(f", alarm `{code}`" for code in alarms)


def test_the_page_and_this_file_list_the_same() -> None:
    assert list(CLAIMS) == [*DO, *DO_2]


@pytest.mark.parametrize("said", DO)
def test_a_claim_that_cannot_be_is_answered_kept_and_judged(csms: Csms, said: str) -> None:
    name = f"CLAIMS-{next(_names)}"
    if said in SIGNING:
        csms.enrol(name, meter=SERIAL, pin=("G2", "meter"))
    else:
        csms.enrol(name)
    with dialled(csms, name) as socket:
        DO[said](Charge(name, socket, csms))
    assert shown(csms.transactions(name)) == CLAIMS[said]


def event(kind: str, number: int, wh: Any, **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "eventType": kind,
        "timestamp": at(number),
        "triggerReason": "Authorized",
        "seqNo": number,
        "transactionInfo": {"transactionId": "T"},
        "evse": {"id": 1},
        "idToken": {"idToken": "CARD", "type": "ISO14443"},
        "meterValue": [{"timestamp": at(number), "sampledValue": [{"value": wh}]}],
    }
    return told | more


def without(kind: str, number: int) -> dict[str, Any]:
    told = event(kind, number, 0)
    del told["meterValue"]
    return told


DO_2: dict[str, list[dict[str, Any]]] = {
    "a missing event (2.x)": [event("Started", 0, 1000), event("Ended", 2, 6000)],
    "a transaction id used again (2.x)": [event("Started", 0, 1), event("Ended", 1, 6), event("Started", 2, 9)],
    "an end without a register (2.x)": [event("Started", 0, 1000), without("Ended", 1)],
    "kWh told as Wh a thousandfold (2.x)": [event("Started", 0, 1000), event("Ended", 30, 5_000_000)],
    "a multiplier beyond all measure (2.x)": [
        event("Started", 0, 1000),
        event(
            "Ended",
            1,
            0,
            meterValue=[
                {"timestamp": at(1), "sampledValue": [{"value": 5, "unitOfMeasure": {"unit": "Wh", "multiplier": 99}}]}
            ],
        ),
    ],
}


@pytest.mark.parametrize("said", DO_2)
def test_an_event_that_cannot_be_is_answered_kept_and_judged(csms: Csms, said: str) -> None:
    name = csms.enrol(f"CLAIMS-{next(_names)}")
    with dialled(csms, name, "2.0.1") as socket:
        for told in DO_2[said]:
            ask(socket, "TransactionEvent", told)
    assert shown(csms.transactions(name)) == CLAIMS[said]


def test_meter_values_of_no_transaction_are_kept_and_make_none(csms: Csms) -> None:
    name = csms.enrol(f"CLAIMS-{next(_names)}")
    with dialled(csms, name) as socket:
        Charge(name, socket, csms).meter("5", number=4711)
    assert csms.transactions(name) == []
    assert csms.alarms(name) == ["unknown_transaction"]
