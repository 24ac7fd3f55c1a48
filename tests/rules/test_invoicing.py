"""Invoices state what was charged, to the cent, and hold the arithmetic of EN 16931."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.bills import DRIVER, GMBH, bill, share

from wattseal.base.errors import InputError
from wattseal.model.billing import Bill, BillState, TaxShare
from wattseal.model.invoice import Buyer, Invoice, InvoiceKind, Original, VatCategory
from wattseal.pricing.money import rounded
from wattseal.rules import chart
from wattseal.rules.charge_posting import minor, rate_text
from wattseal.rules.invoicing import (
    Head,
    Session,
    make_invoice,
    number_text,
    plain_percent,
    reverse_charge,
    rounding_posting,
    seller_of,
    series_of,
    share_counts,
    taxed_though_reverse,
    wants_credit,
    wants_invoice,
)

HEAD = Head(number="LW-1", on=date(2026, 12, 1), seller=GMBH, buyer=DRIVER, account="a" * 32, currency="EUR")
FRENCH = Buyer(name="Bornes SARL", city="Lyon", postal_code="69001", country="FR", vat_id="FR 12 345678901")
cents = st.integers(-50_000, 500_000).map(lambda n: Decimal(n) / 100)
rates = st.sampled_from([None, *(Decimal(r) for r in ("0", "5.5", "7", "7.00", "19", "20", "25.5"))])


@st.composite
def shares(draw: st.DrawFn) -> TaxShare:
    """A part of a bill; its tax may be a cent off what its own net gives, as prices with tax included have it."""
    percent, net = draw(rates), draw(cents)
    off = Decimal(draw(st.integers(-1, 1))) / 100 if percent else Decimal(0)
    return TaxShare(percent, net, rounded(net * (percent or Decimal(0)) / 100, 2) + off)


def sessions(bills: list[Bill]) -> list[Session]:
    return [Session(one, "Hauptplatz", "Europe/Berlin", f"r{n}") for n, one in enumerate(bills)]


def made(*bills: Bill, head: Head = HEAD) -> Invoice:
    return make_invoice(head, sessions(list(bills)))


@given(st.lists(st.lists(shares(), min_size=1, max_size=3), min_size=1, max_size=40))
def test_what_is_due_is_what_was_charged_and_the_sums_are_the_standards(parts: list[list[TaxShare]]) -> None:
    bills = [bill(n, *taxes) for n, taxes in enumerate(parts)]
    invoice = made(*bills)
    charged = sum((one.total.after_tax or Decimal(0) for one in bills), Decimal(0))
    assert invoice.charged == invoice.payable == charged
    assert invoice.net == sum((line.net for line in invoice.lines), Decimal(0))
    for total in invoice.vat:
        key = total.category, total.percent
        mine = [p for line in invoice.lines for p in line.parts if (p.category, p.percent) == key]
        assert total.net == sum((p.net for p in mine), Decimal(0))
        assert total.tax == rounded(total.net * total.percent / 100, 2)
    assert len({(t.category, t.percent) for t in invoice.vat}) == len(invoice.vat)
    assert abs(invoice.rounding) <= Decimal("0.015") * sum(len(taxes) for taxes in parts) + Decimal("0.05")


def test_vat_rounded_by_session_differs_from_vat_of_the_sum_and_the_rounding_amount_says_by_how_much() -> None:
    invoice = made(*(bill(n, share("0.03", "19")) for n in range(100)))
    assert (invoice.net, invoice.tax, invoice.gross) == (Decimal("3.00"), Decimal("0.57"), Decimal("3.57"))
    assert (invoice.rounding, invoice.payable) == (Decimal("0.43"), Decimal("4.00"))


def test_a_rate_that_changes_within_the_month_has_lines_and_totals_of_both() -> None:
    invoice = made(bill(1, share("10.00", "19")), bill(2, share("10.00", "21"), day=20))
    assert [(t.percent, t.tax) for t in invoice.vat] == [(Decimal(21), Decimal("2.10")), (Decimal(19), Decimal("1.90"))]


def test_one_session_under_several_rates_is_one_line_with_several_parts() -> None:
    (line,) = made(bill(1, share("10.00", "19"), share("2.00", "7"), share("0", None))).lines
    assert [(p.category, p.percent) for p in line.parts] == [
        (VatCategory.STANDARD, Decimal(19)),
        (VatCategory.STANDARD, Decimal(7)),
    ]
    assert line.gross == Decimal("14.04")


def test_spellings_of_a_rate_are_one_rate() -> None:
    (total,) = made(bill(1, share("1.00", "19.0")), bill(2, share("1.00", "19"))).vat
    assert (str(total.percent), total.net) == ("19", Decimal("2.00"))


@pytest.mark.parametrize(
    ("percent", "buyer", "category"),
    [
        ("19", DRIVER, VatCategory.STANDARD),
        ("0", DRIVER, VatCategory.ZERO),
        (None, DRIVER, VatCategory.EXEMPT),
        (None, FRENCH, VatCategory.REVERSE_CHARGE),
        ("0", FRENCH, VatCategory.REVERSE_CHARGE),
        ("19", FRENCH, VatCategory.STANDARD),
        (None, replace(FRENCH, vat_id=None), VatCategory.EXEMPT),
        (None, replace(FRENCH, vat_id="FR1"), VatCategory.EXEMPT),
        (None, replace(FRENCH, country="DE", vat_id="DE987654321"), VatCategory.EXEMPT),
        (None, replace(FRENCH, country="CH", vat_id="CHE123456789"), VatCategory.EXEMPT),
    ],
)
def test_the_category_follows_what_was_charged_and_who_owes_the_tax(
    percent: str | None, buyer: Buyer, category: VatCategory
) -> None:
    invoice = made(bill(1, share("10.00", percent)), head=replace(HEAD, buyer=buyer))
    assert [total.category for total in invoice.vat] == [category]
    assert taxed_though_reverse(invoice) is (buyer is FRENCH and percent == "19")


def test_a_seller_without_vat_number_leaves_no_tax_to_the_buyer() -> None:
    assert reverse_charge(GMBH, FRENCH)
    assert not reverse_charge(replace(GMBH, vat_id=None, tax_number="214/123/45678"), FRENCH)


def test_free_sessions_and_reversed_ones_are_not_invoiced_and_only_invoiced_ones_are_credited() -> None:
    assert wants_invoice(bill(1))
    assert not wants_invoice(bill(1, share("0", "19")))
    assert not wants_invoice(bill(1, invoice="LW-1"))
    before, after = bill(1, state=BillState.REVERSED), bill(1, state=BillState.REVERSED, invoice="LW-1")
    assert not wants_invoice(before)
    assert (wants_credit(before), wants_credit(after)) == (False, True)
    assert not wants_credit(replace(after, credit_note="LWG-1"))


def test_a_credit_note_names_its_original_is_never_due_and_mirrors_it() -> None:
    bills = [bill(n, share("0.03", "19")) for n in range(7)]
    invoice = made(*bills)
    note = made(*bills, head=replace(HEAD, original=Original("LW-1", date(2026, 12, 1))))
    assert (note.kind, note.due) == (InvoiceKind.CREDIT_NOTE, None)
    assert (note.net, note.tax, note.rounding) == (invoice.net, invoice.tax, invoice.rounding)


def test_a_credit_note_over_a_negative_bill_is_negative() -> None:
    note = made(bill(1, share("-3.00", "19")), head=replace(HEAD, original=Original("LW-1", date(2026, 12, 1))))
    assert note.payable == Decimal("-3.57")


@given(
    st.lists(st.lists(shares().filter(share_counts), min_size=1, max_size=3), min_size=1, max_size=20), st.booleans()
)
def test_rounding_brings_the_tax_accounts_to_the_vat_stated(parts: list[list[TaxShare]], credit: bool) -> None:  # noqa: FBT001 - drawn
    bills = [bill(n, *(taxes_of(taxes))) for n, taxes in enumerate(parts)]
    original = Original("LW-1", date(2026, 12, 1)) if credit else None
    invoice = made(*bills, head=replace(HEAD, original=original))
    owed: dict[str, int] = {}
    sign = -1 if credit else 1
    for one in bills:
        for part in one.taxes:
            account = chart.tax("DE", rate_text(plain_percent(part.percent or Decimal(0))))
            owed[account] = owed.get(account, 0) + sign * minor(part.tax, "EUR")
    posting = rounding_posting(invoice, "DE", 0, "00" * 32)
    for transfer in () if posting is None else posting.transfers:
        owed[transfer.credit] = owed.get(transfer.credit, 0) + transfer.amount
        owed[transfer.debit] = owed.get(transfer.debit, 0) - transfer.amount
    owed.pop(chart.ROUNDING, None)
    stated: dict[str, int] = dict.fromkeys(owed, 0)
    for total in invoice.vat:
        stated[chart.tax("DE", rate_text(total.percent))] += sign * minor(total.tax, "EUR")
    assert owed == stated


def taxes_of(shares_drawn: list[TaxShare]) -> list[TaxShare]:
    """Return shares whose rate is never left out: untaxed parts have no tax account."""
    return [TaxShare(share.percent or Decimal(0), share.net, share.tax) for share in shares_drawn]


def test_what_was_paid_from_a_balance_is_not_due() -> None:
    invoice = made(bill(1), head=replace(HEAD, paid=True))
    assert invoice.charged == invoice.paid == Decimal("5.95")
    assert (invoice.payable, invoice.due) == (Decimal(0), None)


def test_lines_are_in_the_order_of_time_and_numbered() -> None:
    invoice = made(bill(3), bill(1), bill(2))
    assert [line.number for line in invoice.lines] == [1, 2, 3]
    assert [line.started_ms for line in invoice.lines] == sorted(line.started_ms for line in invoice.lines)


def test_yen_have_no_cents_and_dinars_too_many() -> None:
    yen = replace(HEAD, currency="JPY")
    invoice = make_invoice(yen, sessions([bill(1, TaxShare(Decimal(10), Decimal(123), Decimal(12)), currency="JPY")]))
    assert (invoice.tax, invoice.payable) == (Decimal(12), Decimal(135))
    with pytest.raises(InputError, match="cannot be invoiced"):
        make_invoice(replace(HEAD, currency="KWD"), sessions([bill(1, currency="KWD")]))


def test_series_are_by_entity_kind_and_year() -> None:
    assert series_of(GMBH, InvoiceKind.INVOICE, date(2026, 12, 31)) == "LW-2026-"
    assert series_of(GMBH, InvoiceKind.CREDIT_NOTE, date(2027, 1, 1)) == "LWG-2027-"
    assert number_text("LW-2026-", 42) == "LW-2026-000042"


def test_the_entity_that_names_a_site_sells_there_and_the_first_one_elsewhere() -> None:
    other = replace(GMBH, id="ag", sites=frozenset({"S2"}))
    assert [seller_of((GMBH, other), site).id for site in (None, "S1", "S2")] == ["gmbh", "gmbh", "ag"]
    with pytest.raises(InputError, match="no legal entity"):
        seller_of((), None)


def test_an_invoice_without_lines_is_none() -> None:
    with pytest.raises(InputError, match="lines"):
        made()
