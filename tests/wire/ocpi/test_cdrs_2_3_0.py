"""CDRs over OCPI 2.3.0: each tax by name and rate, evidence of either edition's length."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from tests.wire.ocpi.test_cdrs import CDR, TARIFF

from wattseal.base.errors import InputError
from wattseal.model.billing import TaxShare
from wattseal.model.cdr import SignedData, SignedValue
from wattseal.model.tariff import Price, TaxIncluded
from wattseal.wire.ocpi.v2_2_1 import cdrs as v2_2_1
from wattseal.wire.ocpi.v2_3_0.cdrs import decode_cdr, encode_cdr

VAT10, VAT20 = {"name": "VAT", "percentage": 10, "amount": 0.5}, {"name": "VAT", "percentage": 20, "amount": 0.4}


def said(**more: Any) -> dict[str, Any]:
    names = [name for name in CDR if name.endswith("_cost")]
    tariffs = {"tariffs": [TARIFF | {"tax_included": "NO"}]}
    return CDR | tariffs | {name: {"before_taxes": 7.0, "taxes": [VAT10, VAT20]} for name in names} | more


def test_the_taxes_of_a_total_are_told_by_rate() -> None:
    cdr = decode_cdr(json.dumps(said()).encode())
    assert cdr.total_cost == Price(Decimal("7.0"), Decimal("7.9"))
    assert cdr.tariffs[0].tax_included is TaxIncluded.NO
    shares = (
        TaxShare(None, Decimal(0), Decimal(0)),
        TaxShare(Decimal(10), Decimal(5), Decimal("0.5")),
        TaxShare(Decimal(20), Decimal(2), Decimal("0.4")),
    )
    raw, findings = encode_cdr(cdr, shares)
    assert findings == ()
    assert json.loads(raw)["total_cost"] == {"before_taxes": 7.0, "taxes": [VAT10, VAT20]}
    assert decode_cdr(raw) == cdr
    with pytest.raises(InputError, match="add up"):
        encode_cdr(cdr, shares[:2])


def test_what_2_2_1_told_is_told_again_by_2_3_0_with_one_tax() -> None:
    old = v2_2_1.decode_cdr(json.dumps(CDR).encode())
    taxed = replace(old, total_cost=Price(Decimal(5), Decimal(6)))
    raw, _ = encode_cdr(taxed)
    assert json.loads(raw)["total_cost"] == {"before_taxes": 5, "taxes": [{"name": "VAT", "amount": 1}]}
    again = decode_cdr(raw)
    assert again.total_cost == taxed.total_cost
    assert replace(again, total_energy_cost=taxed.total_energy_cost) == taxed
    free = replace(taxed, total_cost=Price(Decimal(0), Decimal(0)))
    assert decode_cdr(encode_cdr(free)[0]).total_cost == free.total_cost


def test_a_cost_whose_tax_is_not_known_is_not_told_as_one_without_tax() -> None:
    cdr = decode_cdr(json.dumps(said()).encode())
    with pytest.raises(InputError, match="not known"):
        encode_cdr(replace(cdr, total_energy_cost=Price(Decimal(5))))


def test_evidence_of_the_second_edition_travels_whole() -> None:
    cdr = decode_cdr(json.dumps(said()).encode())
    long = SignedData("OCMF", (SignedValue("End", "x" * 1105, b"y" * 1500),))
    raw, findings = encode_cdr(replace(cdr, signed_data=long))
    assert findings == ()
    assert decode_cdr(raw).signed_data == long
