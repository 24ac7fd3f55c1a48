"""What a station says is what the CSMS understands, and what the CSMS answers is what the station hears."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.test_ocpp_blocks import DER, NOW, OCMF, V16, V21, V201, back, lifted, there

from wattseal.base.errors import InputError
from wattseal.base.ids import EvseId, TransactionId
from wattseal.model.answers import (
    Acknowledged,
    AuthorizationAnswer,
    BootAnswer,
    DataTransferAnswer,
    HeartbeatAnswer,
    TransactionAnswer,
)
from wattseal.model.facts import (
    AuthorizationRequested,
    BootReported,
    DataTransferred,
    HeartbeatReported,
    MeterReported,
    StatusReported,
    TransactionEnded,
    TransactionStarted,
    TransactionUpdated,
)
from wattseal.model.message import Answer, Fact
from wattseal.model.metering import ENERGY_IMPORT_REGISTER, RawEvidence, Reading
from wattseal.model.token import Authorization, IdToken, TokenStatus
from wattseal.model.verdict import Finding
from wattseal.wire.ocpp import catalog
from wattseal.wire.ocpp.blocks.data_transfer import data_transfer
from wattseal.wire.ocpp.message import Lifted
from wattseal.wire.ocpp.version import Version

READINGS = (
    Reading(
        NOW,
        ENERGY_IMPORT_REGISTER,
        Decimal("1234.50"),
        "Wh",
        "Transaction.End",
        evidence=RawEvidence("OCMF", OCMF, DER),
    ),
    Reading(NOW, "Power.Active.Import", Decimal(7200), "W", phase="L1"),
    Reading(NOW + timedelta(minutes=1), "SoC", Decimal(80), "Percent", location="EV"),
)
TOKEN = IdToken("04AABB", "ISO14443")
ITEMS = (b"\x00record", b"another")


@pytest.mark.parametrize("version", [V201, V21])
@pytest.mark.parametrize(
    "fact",
    [
        BootReported("Vendor", "M1", "S1", "1.0", "PowerUp", ITEMS),
        HeartbeatReported(ITEMS),
        StatusReported(EvseId(1), 1, "Available", NOW),
        AuthorizationRequested(TOKEN, ITEMS),
        TransactionStarted(
            EvseId(1), NOW, TransactionId("T"), 1, TOKEN, seq_no=0, trigger="Authorized", remote_start_id=5, items=ITEMS
        ),
        TransactionStarted(
            EvseId(1),
            NOW,
            TransactionId("T"),
            register_wh=Decimal("1234.50"),
            readings=READINGS,
            seq_no=0,
            offline=True,
            trigger="CablePluggedIn",
        ),
        TransactionUpdated(
            TransactionId("T"),
            NOW,
            1,
            EvseId(1),
            readings=READINGS,
            offline=True,
            trigger="MeterValuePeriodic",
            items=ITEMS,
        ),
        TransactionEnded(
            TransactionId("T"),
            NOW,
            Decimal("1234.50"),
            "Remote",
            EvseId(1),
            TOKEN,
            READINGS,
            2,
            trigger="RemoteStop",
            items=ITEMS,
        ),
        MeterReported(EvseId(0), READINGS, None, ITEMS),
        DataTransferred("vendor", "message", {"a": [1, Decimal("1.50"), None]}),
    ],
)
def test_what_a_2x_station_tells_is_what_the_csms_understands(fact: Fact, version: Version) -> None:
    assert there(version, fact) == Lifted(fact)


def test_what_a_16_station_tells_is_what_the_csms_understands() -> None:
    started = TransactionStarted(EvseId(1), NOW, id_token=TOKEN, register_wh=Decimal(1000))
    assert there(V16, started) == Lifted(started)
    boot = BootReported("Vendor", "M1", "S1", "1.0")
    assert there(V16, boot) == Lifted(boot)
    ended = TransactionEnded(TransactionId("7"), NOW, Decimal(1235), "Remote", None, TOKEN, READINGS)
    result = there(V16, ended).fact
    assert isinstance(result, TransactionEnded)
    assert (result.register_wh, result.reason, result.id_token) == (Decimal(1235), "Remote", TOKEN)
    plain, signed, power, soc = result.readings
    assert (plain.value, signed.value, signed.evidence) == (Decimal("1234.50"), None, READINGS[0].evidence)
    assert (power, soc) == READINGS[1:]


def test_16_carries_records_in_data_transfer() -> None:
    fact = there(V16, data_transfer.transfer_items(ITEMS)).fact
    assert isinstance(fact, DataTransferred)
    assert data_transfer.transferred_items(fact) == ITEMS
    assert data_transfer.transferred_items(DataTransferred("other", "items", fact.data)) is None
    assert data_transfer.transferred_items(DataTransferred("wattseal", "items", '{"items":["%"]}')) is None
    answer = back(V16, "DataTransfer", DataTransferAnswer("Accepted", data_transfer.items_text(ITEMS)))
    assert isinstance(answer, DataTransferAnswer)
    assert data_transfer.read_items(answer.data) == ITEMS
    with pytest.raises(InputError):
        catalog.ask(V16, DataTransferred("wattseal", "items", {"items": []}))


def test_unreadable_records_are_a_finding_and_foreign_custom_data_is_none() -> None:
    custom: dict[str, Any] = {"vendorId": "wattseal", "items": ["not base64!"]}
    assert lifted(V201, "Heartbeat", {"customData": custom}) == Lifted(
        HeartbeatReported(), (Finding("items_unreadable", "customData.items"),)
    )
    assert lifted(V201, "Heartbeat", {"customData": {"vendorId": "else", "items": 3}}) == Lifted(HeartbeatReported())


ACCEPTED = Authorization(TokenStatus.ACCEPTED, None, NOW)


@pytest.mark.parametrize(
    ("version", "action", "answer"),
    [
        (V16, "BootNotification", BootAnswer("Accepted", NOW, 300)),
        (V201, "BootNotification", BootAnswer("Pending", NOW, 30, ITEMS)),
        (V16, "Heartbeat", HeartbeatAnswer(NOW)),
        (V21, "Heartbeat", HeartbeatAnswer(NOW, ITEMS)),
        (V16, "Authorize", AuthorizationAnswer(ACCEPTED)),
        (V201, "Authorize", AuthorizationAnswer(ACCEPTED, ITEMS)),
        (V21, "Authorize", AuthorizationAnswer(Authorization(TokenStatus.UNKNOWN))),
        (V16, "StartTransaction", TransactionAnswer(TransactionId("7"), ACCEPTED)),
        (V16, "StopTransaction", TransactionAnswer(None, ACCEPTED)),
        (V16, "StopTransaction", TransactionAnswer()),
        (V201, "TransactionEvent", TransactionAnswer(None, ACCEPTED, ITEMS)),
        (V21, "TransactionEvent", TransactionAnswer()),
        (V16, "MeterValues", Acknowledged()),
        (V201, "MeterValues", Acknowledged(ITEMS)),
        (V16, "StatusNotification", Acknowledged()),
        (V16, "DataTransfer", DataTransferAnswer("UnknownVendorId")),
        (V201, "DataTransfer", DataTransferAnswer("Accepted", {"a": 1})),
    ],
)
def test_an_answer_reaches_the_station(version: Version, action: str, answer: Answer) -> None:
    assert back(version, action, answer) == answer


def test_16_spells_statuses_it_lacks_as_refusals() -> None:
    unknown = back(V16, "Authorize", AuthorizationAnswer(Authorization(TokenStatus.UNKNOWN)))
    broke = back(V16, "Authorize", AuthorizationAnswer(Authorization(TokenStatus.NO_CREDIT)))
    assert unknown == AuthorizationAnswer(Authorization(TokenStatus.INVALID))
    assert broke == AuthorizationAnswer(Authorization(TokenStatus.BLOCKED))


def test_a_fact_that_a_version_cannot_spell_is_an_error() -> None:
    with pytest.raises(InputError):
        catalog.ask(V16, TransactionUpdated(TransactionId("1"), NOW, 1))
    with pytest.raises(InputError):
        catalog.ask(V16, AuthorizationRequested(IdToken("x" * 21, "Central")))
    with pytest.raises(InputError):
        catalog.lower(V16, "StartTransaction", TransactionAnswer())


registers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=3)
times = st.timedeltas(timedelta(0), timedelta(days=36500)).map(lambda since: datetime(1970, 1, 1, tzinfo=UTC) + since)


@given(registers, times, st.sampled_from([V201, V21]), st.integers(0, 9999), st.integers(0, 2**31))
def test_any_reading_survives_the_wire_exactly(
    value: Decimal, at: datetime, version: Version, evse: int, seq_no: int
) -> None:
    reading = Reading(at, ENERGY_IMPORT_REGISTER, value, "Wh", "Transaction.End")
    ended = TransactionEnded(
        TransactionId("T"), at, value, "Local", EvseId(evse), None, (reading,), seq_no, trigger="EVDeparted"
    )
    assert there(version, ended) == Lifted(ended)
