"""A bill held against what its session's records say is due."""

from wattseal.flow.money.due import Due
from wattseal.model.billing import Bill, BillState
from wattseal.model.ledger import Posting
from wattseal.model.verdict import Finding
from wattseal.rules import chart
from wattseal.rules.charge_posting import minor


def differences(bill: Bill, due: Due) -> tuple[tuple[str, object, object], ...]:
    """Return the fields of a bill that are not as its records have them: name, what is billed, what is due."""
    compared = {
        "currency": (bill.currency, due.currency),
        "total before tax": (bill.total.before_tax, due.total.before_tax),
        "total after tax": (bill.total.after_tax, due.total.after_tax),
        "energy_wh": (bill.energy_wh, due.energy_wh),
        "tariff": (bill.tariff, due.record.hex()),
        "taxes": (bill.taxes, due.taxes),
        "account": (bill.account, due.account),
    }
    return tuple((name, told, by_records) for name, (told, by_records) in compared.items() if told != by_records)


def posting_fault(bill: Bill, posting: Posting | None) -> Finding | None:
    """Return what is wrong with the posting of a bill that stands: it is missing, or another amount was moved."""
    if bill.state is not BillState.BILLED or not bill.posting:
        return None
    total = bill.total.before_tax if bill.total.after_tax is None else bill.total.after_tax
    expected = minor(total, bill.currency)
    if posting is None:
        return Finding("posting_missing", bill.posting, f"{expected} minor units are due")
    payer = chart.customer(bill.account)
    paid = sum(t.amount for t in posting.transfers if t.debit == payer)
    if (posting.currency, paid) == (bill.currency, expected):
        return None
    return Finding("posting_differs", bill.posting, f"{paid} {posting.currency} posted, {expected} {bill.currency} due")
