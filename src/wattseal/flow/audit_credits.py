"""Bills taken back, and those in their place, held against what persons decided, by the records of the decisions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wattseal.flow.money.cdrs import CREDIT
from wattseal.model.audit import Audited
from wattseal.model.billing import Bill, BillState
from wattseal.model.ledger import Posting
from wattseal.model.transaction import Transaction
from wattseal.rules import chart
from wattseal.rules.charge_posting import KEY, REVERSAL_KEY, minor
from wattseal.seal.dispute import DisputeDecided


@dataclass(frozen=True, slots=True)
class Credited:
    """One session's bills in the order of their taking each other's place, its postings by key, and what was decided.

    `decided` is by the id of the credit CDR that a decision names, as its record has it.
    """

    transaction: Transaction
    bills: tuple[Bill, ...]
    postings: Mapping[str, Posting]
    decided: Mapping[str, DisputeDecided]

    def tell(self, result: Audited) -> None:
        """Tell of what was taken back without a decision, of decisions that nothing followed from, and of amounts."""
        for bill, following in zip(self.bills, (*self.bills[1:], None), strict=True):
            decision = self.decided.get(bill.id + CREDIT)
            if decision is None and bill.state is BillState.REVERSED:
                result.found("credited_without_decision", self.transaction, f"bill {bill.id}")
            elif decision is not None and bill.state is BillState.BILLED:
                result.found("credit_missing", self.transaction, f"bill {bill.id}", "a decision takes it back")
            elif decision is not None:
                self._tell_place(result, bill, following, decision)
        known = {bill.id + CREDIT for bill in self.bills}
        for credit in self.decided.keys() - known:
            result.found("credit_missing", self.transaction, credit, "a decision takes back a bill that is not there")
        for posting in self._reversed_but_billed():
            result.found("credited_without_decision", self.transaction, posting.key)

    def _tell_place(self, result: Audited, bill: Bill, following: Bill | None, decision: DisputeDecided) -> None:
        """Hold the bill in the place of `bill` against the amounts decided; none decided, none may be there."""
        if decision.net is None or decision.tax is None:
            if following is not None:
                result.found("bill_differs", self.transaction, f"bill {following.id}", "taken back whole by its record")
            return
        currency, after_tax = decision.currency or bill.currency, decision.net + decision.tax
        expected = minor(after_tax, currency)
        total = result.sum_of(currency)
        total.due += expected
        if following is None:
            result.found("bill_missing", self.transaction, f"in place of {bill.id}", f"{after_tax} {currency} are due")
            return
        told = following.currency, following.total.before_tax, following.total.after_tax
        if told != (currency, decision.net, after_tax):
            detail = f"{told[2]} {told[0]} billed, {after_tax} {currency} decided"
            result.found("bill_differs", self.transaction, f"bill {following.id}", detail)
        if following.account != bill.account:
            result.found("bill_differs", self.transaction, f"bill {following.id}", "another account pays")
        posting = self.postings.get(following.posting)
        paid = 0 if posting is None else _paid(posting, following.account)
        total.posted += paid if following.state is BillState.BILLED else 0
        total.due -= expected if following.state is BillState.REVERSED else 0
        if paid != expected:
            detail = f"{paid} posted, {expected} {currency} decided"
            result.found("posting_differs", self.transaction, following.posting or following.id, detail)

    def _reversed_but_billed(self) -> Iterator[Posting]:
        for bill in self.bills:
            posting = self.postings.get(REVERSAL_KEY + bill.posting)
            if bill.state is BillState.BILLED and bill.posting.startswith(KEY) and posting is not None:
                yield posting


def _paid(posting: Posting, account: str) -> int:
    payer = chart.customer(account)
    return sum(t.amount for t in posting.transfers if t.debit == payer)
