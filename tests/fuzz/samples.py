"""Good messages, to be spoilt: OCPP frames, and a tariff and a CDR of OCPI."""

from typing import Any

from tests.support.meters import METER_SPKI

FRAMES: tuple[list[Any], ...] = (
    [2, "1", "Heartbeat", {}],
    [
        2,
        "1",
        "StartTransaction",
        {"connectorId": 1, "idTag": "CARD", "meterStart": 0, "timestamp": "2026-03-01T12:00:00Z"},
    ],
    [
        2,
        "2",
        "StopTransaction",
        {
            "transactionId": 5,
            "meterStop": 900,
            "timestamp": "2026-03-01T12:00:00Z",
            "transactionData": [
                {"timestamp": "2026-03-01T12:00:00Z", "sampledValue": [{"value": "5.5", "format": "SignedData"}]}
            ],
        },
    ],
    [
        2,
        "3",
        "TransactionEvent",
        {
            "eventType": "Ended",
            "timestamp": "2026-03-01T12:00:00Z",
            "triggerReason": "StopAuthorized",
            "seqNo": 3,
            "transactionInfo": {"transactionId": "T", "stoppedReason": "Local"},
            "evse": {"id": 1},
            "idToken": {"idToken": "CARD", "type": "ISO14443"},
            "meterValue": [
                {
                    "timestamp": "2026-03-01T12:00:00Z",
                    "sampledValue": [
                        {
                            "value": 15.25,
                            "unitOfMeasure": {"unit": "kWh", "multiplier": 0},
                            "signedMeterValue": {
                                "signedMeterData": "T0NNRnx7fXx7fQ==",
                                "signingMethod": "",
                                "encodingMethod": "OCMF",
                                "publicKey": "b2NhOmJhc2UxNjphc24xOjMwMDA=",
                            },
                        }
                    ],
                }
            ],
            "customData": {"vendorId": "wattseal", "items": ["AA=="]},
        },
    ],
    [3, "1", {"status": "Accepted"}],
    [4, "1", "InternalError", "text", {}],
    [6, "1", "NotifyPeriodicEventStream", {"id": 1, "pending": 0, "basetime": "2026-03-01T12:00:00Z", "data": []}],
)

TARIFF: dict[str, Any] = {
    "country_code": "XX",
    "party_id": "CPO",
    "id": "day",
    "currency": "EUR",
    "elements": [
        {
            "price_components": [{"type": "ENERGY", "price": 0.25, "vat": 10.0, "step_size": 1}],
            "restrictions": {"start_time": "22:00", "end_time": "06:00", "day_of_week": ["MONDAY"], "min_kwh": 1.5},
        }
    ],
    "min_price": {"excl_vat": 0.5, "incl_vat": 0.6},
    "last_updated": "2026-01-01T00:00:00Z",
}
CDR: dict[str, Any] = {
    "country_code": "XX",
    "party_id": "CPO",
    "id": "cdr-1",
    "start_date_time": "2026-03-01T12:00:00Z",
    "end_date_time": "2026-03-01T12:30:00",
    "cdr_token": {"country_code": "XX", "party_id": "MSP", "uid": "k5zq", "type": "OTHER", "contract_id": "c-1"},
    "auth_method": "AUTH_REQUEST",
    "cdr_location": {
        "id": "site-1",
        "address": "1 Example Street",
        "city": "Example",
        "country": "XXX",
        "coordinates": {"latitude": "0.000000", "longitude": "0.000000"},
        "evse_uid": "1",
        "evse_id": "XX*CPO*E1",
        "connector_id": "1",
        "connector_standard": "IEC_62196_T2",
        "connector_format": "SOCKET",
        "connector_power_type": "AC_3_PHASE",
    },
    "currency": "EUR",
    "tariffs": [TARIFF],
    "charging_periods": [
        {"start_date_time": "2026-03-01T12:00:00Z", "dimensions": [{"type": "ENERGY", "volume": 12.3456}]}
    ],
    "signed_data": {
        "encoding_method": "OCMF",
        "public_key": METER_SPKI.hex(),
        "signed_values": [{"nature": "End", "plain_data": "{}", "signed_data": "T0NNRnx7fXx7fQ=="}],
    },
    "total_cost": {"excl_vat": 3.59, "incl_vat": 4.00},
    "total_energy": 12.3456,
    "total_time": 0.5,
    "last_updated": "2026-03-01T12:31:00Z",
}
ENVELOPE = {"status_code": 1000, "timestamp": "2026-03-01T12:31:00Z", "data": TARIFF}
