"""CDRs and tariffs over OCPI 2.2.1: exact numbers, whole evidence."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz import samples
from tests.support.examples import examples
from tests.support.meters import METER_SPKI, transaction

from wattseal import evidence
from wattseal.base.errors import InputError
from wattseal.model.cdr import SignedData, SignedValue
from wattseal.model.tariff import Restrictions, TariffElement, TaxIncluded
from wattseal.model.verdict import Verdict
from wattseal.wire.ocpi.v2_2_1.cdrs import decode_cdr, encode_cdr
from wattseal.wire.ocpi.v2_2_1.envelope import StatusCode, decode_response, encode_response
from wattseal.wire.ocpi.v2_2_1.signed_data import SignedDataLimits, from_records
from wattseal.wire.ocpi.v2_2_1.tariffs import Tariff, decode_tariff, lower

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
TARIFF: dict[str, Any] = {
    "country_code": "XX",
    "party_id": "CPO",
    "id": "day",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [
                {"type": "FLAT", "price": 0.50, "vat": 20.0, "step_size": 1},
                {"type": "ENERGY", "price": 0.2500, "vat": 10.0, "step_size": 1},
            ]
        }
    ],
    "last_updated": "2026-01-01T00:00:00Z",
    "a_field_of_tomorrow": {"x": 1},
}
CDR: dict[str, Any] = {name: value for name, value in samples.CDR.items() if name != "signed_data"} | {
    "session_id": "s-1",
    "authorization_reference": "a-1",
    "tariffs": [TARIFF],
    "charging_periods": [
        {
            "start_date_time": "2026-03-01T12:00:00Z",
            "dimensions": [{"type": "ENERGY", "volume": 12.3456}, {"type": "TIME", "volume": 0.5}],
            "tariff_id": "day",
        }
    ],
}


def raw(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()


def cdr(**changes: Any) -> Any:
    return decode_cdr(raw({**CDR, **changes}))


def test_cdr_survives_the_way_out_and_in_with_every_digit() -> None:
    lifted = cdr()
    encoded, findings = encode_cdr(lifted)
    assert findings == ()
    assert decode_cdr(encoded) == lifted
    assert lifted.total_energy_kwh == Decimal("12.3456")
    assert lifted.end_at == datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
    assert b'"total_energy":12.3456' in encoded
    assert b"null" not in encoded


@given(st.decimals(0, 10**9, places=6))
@settings(max_examples=examples(50))
def test_energy_is_never_a_float(kwh: Decimal) -> None:
    text = raw({**CDR, "total_energy": 0}).replace(b'"total_energy": 0', b'"total_energy": ' + str(kwh).encode())
    assert decode_cdr(encode_cdr(decode_cdr(text))[0]).total_energy_kwh == kwh


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        raw({**CDR, "total_energy": "many"}),
        raw({**CDR, "total_energy": "NaN"}),
        raw(CDR).replace(b'"total_energy": 12.3456', b'"total_energy": 1e99'),
        raw({**CDR, "id": "x" * 40}),
        raw({**CDR, "start_date_time": "yesterday"}),
        raw({**CDR, "start_date_time": "0001-01-01T00:00:00+23:59"}),
        raw({**CDR, "cdr_token": None}),
        b'{"id": "' + b"x" * (1024 * 1024) + b'"}',
    ],
)
def test_broken_cdrs_are_refused_with_a_code_and_without_repeating_them(broken: bytes) -> None:
    with pytest.raises(InputError) as caught:
        decode_cdr(broken)
    assert "many" not in str(caught.value)
    assert "xxxx" not in str(caught.value)


def test_meter_s_record_reaches_the_emsp_byte_for_byte() -> None:
    record = transaction()
    sent = replace(cdr(), signed_data=from_records("OCMF", [("End", record)], METER_SPKI, "http://127.0.0.1/bundles/1"))
    encoded, findings = encode_cdr(sent, SignedDataLimits(plain_data=5000))
    assert findings == ()
    received = decode_cdr(encoded).signed_data
    assert received == sent.signed_data
    assert received is not None
    assert evidence.check(received.values[0].signed_data, [METER_SPKI]).verdict is Verdict.VALID
    assert b"OCMF|" + received.values[0].plain_data.encode() == record[: record.rindex(b"|")]


def test_what_is_too_long_for_a_peer_is_left_out_whole_and_said() -> None:
    value = SignedValue("End", "p" * 513, b"s" * 1000)
    long = SignedValue("Start", "p", b"s" * 4000)
    data = SignedData("OCMF", (value, long), public_key=b"k" * 400, url="http://127.0.0.1/" + "u" * 512)
    encoded, findings = encode_cdr(replace(cdr(), signed_data=data))
    assert [f.code for f in findings] == [
        "plain_data_omitted",
        "signed_value_omitted",
        "public_key_omitted",
        "url_omitted",
    ]
    received = decode_cdr(encoded).signed_data
    assert received == SignedData("OCMF", (replace(value, plain_data=""),))


def test_signed_data_of_which_nothing_fits_is_left_out_and_said() -> None:
    data = SignedData("OCMF", (SignedValue("End", "", b"s" * 9000),))
    encoded, findings = encode_cdr(replace(cdr(), signed_data=data))
    assert [f.code for f in findings] == ["signed_value_omitted", "signed_data_omitted"]
    assert decode_cdr(encoded).signed_data is None


def test_peer_that_sends_raw_ocmf_instead_of_base64_is_understood() -> None:
    record = transaction().decode()
    signed = {"encoding_method": "OCMF", "signed_values": [{"nature": "End", "plain_data": "", "signed_data": record}]}
    received = cdr(signed_data={**signed, "public_key": base64.b64encode(METER_SPKI).decode()}).signed_data
    assert received.values[0].signed_data == record.encode()
    assert received.public_key == METER_SPKI
    assert cdr(signed_data={**signed, "public_key": "${jndi:x}"}).signed_data.public_key is None


def test_tariff_with_restrictions_survives_and_keeps_them() -> None:
    restrictions = {"start_time": "17:00", "end_time": "02:30", "max_kwh": 50, "day_of_week": ["SUNDAY"]}
    elements = [{**TARIFF["elements"][0], "restrictions": restrictions}]
    lifted = decode_tariff(raw({**TARIFF, "elements": elements}))
    assert lifted.elements[0].restrictions is not None
    assert lifted.elements[0].restrictions.days_of_week == ("SUNDAY",)
    again = cdr(tariffs=[{**TARIFF, "elements": elements}])
    assert decode_cdr(encode_cdr(again)[0]).tariffs == (lifted,)


def test_empty_restrictions_restrict_nothing() -> None:
    elements = [{**TARIFF["elements"][0], "restrictions": {}}]
    assert decode_tariff(raw({**TARIFF, "elements": elements})).elements[0].restrictions is None


def test_unknown_restriction_is_not_mistaken_for_none() -> None:
    elements = [{**TARIFF["elements"][0], "restrictions": {"moon_phase": "FULL"}}]
    lifted = decode_tariff(raw({**TARIFF, "elements": elements}))
    assert lifted.elements[0].restrictions == Restrictions(unknown=("moon_phase",))
    with pytest.raises(InputError):
        lower(lifted)


def test_tax_included_cannot_be_said_in_2_2_1() -> None:
    tariff = decode_tariff(raw(TARIFF))
    assert lower(tariff).currency == "EUR"
    assert lower(replace(tariff, elements=(TariffElement((), Restrictions()),))).elements[0].restrictions
    with pytest.raises(InputError):
        lower(replace(tariff, tax_included=TaxIncluded.YES))


def test_envelope_carries_data_code_and_time() -> None:
    encoded = encode_response(StatusCode.SUCCESS, NOW, lower(decode_tariff(raw(TARIFF))))
    response, data = decode_response(encoded)
    assert response.succeeded()
    assert response.timestamp == NOW.replace(microsecond=123000)
    assert decode_tariff(data).id == "day"
    refused, nothing = decode_response(encode_response(StatusCode.INVALID_PARAMETERS, NOW, message="total_energy"))
    assert (refused.succeeded(), refused.status_message, nothing) == (False, "total_energy", b"null")
    with pytest.raises(InputError):
        decode_response(b'{"data": 1}')
    assert isinstance(lower(decode_tariff(raw(TARIFF))), Tariff)
