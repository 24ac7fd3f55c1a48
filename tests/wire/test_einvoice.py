"""E-invoices hold the rules of EN 16931, judged by validators that are not ours."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rules.test_invoicing import FRENCH, HEAD, made, sessions, shares
from tests.support.bills import GMBH, bill, share
from tests.support.einvoice import assert_valid, schema_fault, schematron_faults
from tests.support.examples import examples

from wattseal.model.billing import TaxShare
from wattseal.model.invoice import Buyer, Invoice, Language, Original
from wattseal.rules.invoicing import make_invoice, share_counts
from wattseal.wire.einvoice.cii import to_cii
from wattseal.wire.einvoice.read import read_cii

CREDIT = replace(HEAD, number="LWG-1", original=Original("LW-1", date(2026, 12, 1)))
HOSTILE = ['=cmd|"/c calc"!A1', "Zoë 🚗⚡ شركة الشحن חברה", "a\x00b\x1b[31m\u202egnp.exe\ufffe", "<x>&amp;]]>", "\n\t"]


def cents(*, drift: int) -> Invoice:
    """Many sessions of 3 cents: their VAT by the session is far from the VAT of their sum."""
    return made(*(bill(n, share("0.03", "19")) for n in range(drift)))


@pytest.mark.parametrize(
    "invoice",
    [
        made(bill(1)),
        made(bill(1, share("10.00", "19"), share("2.00", "7"), share("1.00", "0"), share("0.50", None))),
        made(bill(1), head=replace(HEAD, paid=True)),
        made(bill(1, share("10.00", None)), head=replace(HEAD, buyer=FRENCH)),
        made(bill(1, share("-3.00", "19")), bill(2, share("1.00", "19"))),
        made(bill(1, share("-3.00", "19")), head=CREDIT),
        made(bill(1), bill(2), head=CREDIT),
        made(bill(1, share("5.00", "19")), bill(2, share("-5.00", "19"))),
        made(bill(1), head=replace(HEAD, seller=replace(GMBH, iban=None, vat_id=None, tax_number="214/123/45678"))),
        made(bill(1), head=replace(HEAD, buyer=Buyer(name="K", country="DE", email="k@x.example", reference="04011"))),
        made(bill(1), head=replace(HEAD, seller=replace(GMBH, language=Language.ENGLISH))),
        cents(drift=400),
    ],
    ids=lambda invoice: f"{len(invoice.lines)} lines {invoice.kind} {invoice.payable}",
)
def test_invoices_hold_the_standards_rules(invoice: Invoice) -> None:
    assert_valid(to_cii(invoice))


def test_without_the_rounding_amount_the_validator_finds_the_sums_broken() -> None:
    xml = to_cii(cents(drift=400)).decode()
    assert "<ram:RoundingAmount>1.72</ram:RoundingAmount>" in xml
    broken = xml.replace("<ram:RoundingAmount>1.72</ram:RoundingAmount>", "")
    assert any("BR-CO-16" in fault for fault in schematron_faults(broken.encode()))


def test_vat_as_it_was_charged_by_the_session_breaks_the_standard() -> None:
    xml = to_cii(cents(drift=400)).decode()
    assert "<ram:CalculatedAmount>2.28</ram:CalculatedAmount>" in xml
    broken = xml.replace(">2.28<", ">4.00<")
    assert any("BR-CO-17" in fault for fault in schematron_faults(broken.encode()))


@pytest.mark.parametrize(
    ("find", "put", "rule"),
    [
        ("<ram:LineTotalAmount>5.00</ram:LineTotalAmount>", "<ram:LineTotalAmount>4.00</ram:LineTotalAmount>", "BR-"),
        ("<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>", "<ram:InvoiceCurrencyCode/>", "BR-05"),
        ("<ram:ID>HEAD</ram:ID>", "<ram:ID></ram:ID>", "BR-02"),
        ("<ram:CategoryCode>S<", "<ram:CategoryCode>E<", "BR-"),
        ("<ram:CategoryCode>S<", "<ram:CategoryCode>AE<", "BR-AE"),
    ],
)
def test_a_broken_invoice_fails_there(find: str, put: str, rule: str) -> None:
    xml = to_cii(made(bill(1), head=replace(HEAD, number="HEAD"))).decode()
    assert find in xml
    assert any(rule in fault for fault in schematron_faults(xml.replace(find, put, 1).encode()))


def test_the_schema_refuses_what_is_no_invoice() -> None:
    xml = to_cii(made(bill(1)))
    assert schema_fault(xml) is None
    assert schema_fault(xml.replace(b"ram:BilledQuantity", b"ram:Quantity")) is not None


@settings(max_examples=examples(15))
@given(st.lists(st.lists(shares().filter(share_counts), min_size=1, max_size=3), min_size=1, max_size=8), st.booleans())
def test_any_bills_make_a_valid_invoice(parts: list[list[TaxShare]], credit: bool) -> None:  # noqa: FBT001 - drawn
    bills = [bill(n, *taxes) for n, taxes in enumerate(parts)]
    assert_valid(to_cii(made(*bills, head=CREDIT if credit else HEAD)))


@pytest.mark.parametrize("name", HOSTILE)
def test_names_of_any_kind_stay_text(name: str) -> None:
    buyer = Buyer(name=name, street=name, city=name, postal_code=name, country="DE")
    xml = to_cii(made(bill(1), head=replace(HEAD, buyer=buyer)))
    assert_valid(xml)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", xml.decode())


def test_umlauts_and_other_scripts_arrive_as_written() -> None:
    xml = to_cii(made(bill(1), head=replace(HEAD, buyer=replace(HEAD.buyer, name=HOSTILE[1])))).decode()
    assert HOSTILE[1] in xml
    assert "Jürgen" in to_cii(made(bill(1))).decode()


def test_yen_have_no_digits_after_the_point() -> None:
    one = bill(1, TaxShare(Decimal(10), Decimal(123), Decimal(12)), currency="JPY")
    xml = to_cii(make_invoice(replace(HEAD, currency="JPY"), sessions([one])))
    assert b"<ram:DuePayableAmount>135</ram:DuePayableAmount>" in xml
    assert_valid(xml)


def test_two_thousand_sessions_are_one_invoice_and_what_is_due_is_what_was_charged() -> None:
    invoice = made(*(bill(n, share("0.03", "19"), share("0.07", "7"), day=n // 70) for n in range(2000)))
    xml = to_cii(invoice)
    assert schema_fault(xml) is None
    shown = read_cii(xml)
    assert list(shown.faults()) == []
    assert len(shown.lines) == 2000
    assert shown.payable == sum((line.charged for line in shown.lines), Decimal(0)) == Decimal("220.00")
    assert shown.rounding == Decimal("-1.20")
