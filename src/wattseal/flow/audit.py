"""Audit: a period's revenue worked out again from records alone, and held against the ledger, cent by cent.

Every session of the period is looked at as if it had never been billed: the gate, the tariff, the registers and the
eMSP's settlement say what is due. The ledger must say the same, once, and nothing else; whatever does not follow from a
session's records is a fault, and so is every session that the records themselves speak against.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from wattseal.flow.audit_credits import Credited
from wattseal.flow.charges.bundling import Proofs
from wattseal.flow.documents import every_document, read
from wattseal.flow.money.bill_check import differences
from wattseal.flow.money.bills import BILL
from wattseal.flow.money.due import Due, due_of
from wattseal.flow.replay import Replayed
from wattseal.flow.world import World
from wattseal.model.audit import Audited, Fault, Period
from wattseal.model.billing import Bill, BillState
from wattseal.model.ledger import Posting, PostingKind
from wattseal.model.transaction import Billing, Transaction
from wattseal.model.verdict import Finding
from wattseal.rules import chart
from wattseal.rules.billing import BILLED_BEFORE, Standing
from wattseal.rules.charge_posting import KEY, REVERSAL_KEY, minor, rate_text
from wattseal.rules.continuity import Charged, broken
from wattseal.rules.evidence_hash import evidence_hash
from wattseal.rules.notes import is_alarm, quarantine_reasons

PAGE = 1000
SAID = frozenset({"sequence_gap"})
"""Notes that neither alarm nor quarantine, and that an audit tells all the same."""
NEVER_ENDED_MS = 2 * 86_400_000
"""A session that has not ended so long after it began is told."""


async def audit(world: World, proofs: Proofs, replayed: Replayed, period: Period) -> Audited:
    """Audit a period of a journal that has just been replayed; `replayed` is what its records alone say."""
    auditor = _Auditor(world, proofs, replayed, period, await _Books.load(world))
    auditor.tell_tampering()
    sessions = [t for t in replayed.transactions.values() if t.started or t.ended or t.opened]
    auditor.tell_registers(sessions)
    for transaction in sessions:
        if period.has(transaction):
            await auditor.look(transaction)
    auditor.tell_strays()
    await auditor.tell_balances()
    return auditor.result


@dataclass(slots=True)
class _Books:
    """The ledger's charges and reversals by key, the bills by id; `claimed` are the keys that a session explains."""

    postings: dict[str, Posting] = field(default_factory=dict)
    bills: dict[str, Bill] = field(default_factory=dict)
    claimed: set[str] = field(default_factory=set)
    of_session: dict[str, list[Posting]] = field(default_factory=dict)
    of_evidence: dict[str, str] = field(default_factory=dict)

    @staticmethod
    async def load(world: World) -> "_Books":
        books, after = _Books(), 0
        while page := await world.journal.postings(world.tenant, after=after, limit=PAGE):
            for kept in page:
                if _of_charge(kept.posting):
                    books.postings[kept.posting.key] = kept.posting
                    books.of_session.setdefault(kept.posting.subject or "", []).append(kept.posting)
            after = page[-1].number
        async for document in every_document(world.journal, world.tenant, BILL):
            bill = read(document, Bill)
            books.bills[bill.id] = bill
            books.of_evidence.setdefault(bill.evidence, bill.id.partition("-")[0])
        return books

    def line(self, first: Bill) -> Iterator[Bill]:
        """Yield a session's first bill and those that took each other's place."""
        bill: Bill | None = first
        number = 0
        while bill is not None:
            yield bill
            number += 1
            bill = self.bills.get(f"{first.id}-{number}")


@dataclass(slots=True)
class _Auditor:
    world: World
    proofs: Proofs
    replayed: Replayed
    period: Period
    books: _Books
    result: Audited = field(default_factory=Audited)

    def tell_tampering(self) -> None:
        """Tell of all that re-proving the journal has found."""
        for number, finding in enumerate(self.replayed.findings):
            session = self.replayed.sessions.get(number, "")
            known = self.replayed.transactions.get(session)
            station = "" if known is None else known.station_id
            self.result.faults.append(Fault(finding.code, session, station, finding.field, finding.detail))

    def tell_registers(self, sessions: list[Transaction]) -> None:
        """Tell of sessions that share Wh with another of their EVSE."""
        by_evse: dict[tuple[str, int], list[Charged]] = {}
        for t in sessions:
            if t.start_wh is not None and t.end_wh is not None:
                charged = Charged(t.id, t.recorded_ms, t.start_wh, t.end_wh)
                by_evse.setdefault((t.station_id.casefold(), t.place), []).append(charged)
        for found in by_evse.values():
            for session, detail in broken(found):
                transaction = self.replayed.transactions[session]
                if self.period.has(transaction):
                    self.result.found("register_overlap", transaction, "register_wh", detail)

    async def look(self, transaction: Transaction) -> None:
        """Hold one session against the ledger."""
        result = self.result
        result.sessions += 1
        for note in _told(transaction):
            result.found(note.code, transaction, note.field, note.detail)
        numbers = self.replayed.numbers.get(transaction.id)
        if numbers is not None and numbers.gap and not any(n.code == "sequence_gap" for n in transaction.findings):
            result.found("sequence_gap", transaction, "seq_no", "not noted when it was recorded")
        if transaction.active and self.world.now_ms() - transaction.recorded_ms > NEVER_ENDED_MS:
            result.found("never_ended", transaction, "ended")
        due = await due_of(self.world, self.proofs, transaction, self.world.settings.billing.wait_ms)
        if isinstance(due, Due):
            self._billed(transaction, due)
        else:
            self._not_billed(transaction, due)

    def _not_billed(self, transaction: Transaction, standing: Standing) -> None:
        billing, reason = standing
        self.result.stands(billing.value, reason)
        for posting in self.books.of_session.get(transaction.id, ()):
            self.books.claimed.add(posting.key)
            if posting.kind is PostingKind.CHARGE and REVERSAL_KEY + posting.key not in self.books.postings:
                detail = f"{billing.value} by its records ({reason})"
                self.result.found("billed_without_right", transaction, posting.key, detail)
        if transaction.id in self.books.bills and not self.books.of_session.get(transaction.id):
            self.result.found("billed_without_right", transaction, "bill", f"{billing.value} by its records ({reason})")

    def _billed(self, transaction: Transaction, due: Due) -> None:
        result, books = self.result, self.books
        evidence = evidence_hash(self.world.party, transaction).hex()
        bill, owner = books.bills.get(transaction.id), books.of_evidence.get(evidence)
        if bill is None and owner is not None:
            result.stands(Billing.QUARANTINED.value, BILLED_BEFORE)
            result.found(BILLED_BEFORE, transaction, "evidence", f"told as {owner} before")
            return
        posting = books.postings.get(KEY + evidence)
        if bill is None:
            result.stands(Billing.PENDING.value, "not_billed_yet")
            if posting is not None:
                books.claimed.add(posting.key)
                result.found("bill_missing", transaction, posting.key)
            return
        result.stands(Billing.BILLED.value)
        result.energy_wh += due.energy_wh
        result.grades[bill.grade.name] = result.grades.get(bill.grade.name, 0) + 1
        own = KEY + evidence
        for kept in books.of_session.get(transaction.id, ()):
            key = kept.key.removeprefix(REVERSAL_KEY)
            if key == own or key.startswith(f"{own}/"):
                books.claimed.add(kept.key)
        self._compare_bill(transaction, due, bill)
        self._compare_posting(transaction, due, bill, posting)
        decided = self.replayed.disputes.credits.get(transaction.id, {})
        if decided or bill.state is not BillState.BILLED or REVERSAL_KEY + bill.posting in books.postings:
            Credited(transaction, tuple(books.line(bill)), books.postings, decided).tell(result)

    def _compare_bill(self, transaction: Transaction, due: Due, bill: Bill) -> None:
        for name, told, by_records in differences(bill, due):
            detail = f"{told} billed, {by_records} by its records"
            self.result.found("bill_differs", transaction, f"bill {name}", detail)
        if bill.grade > due.grade:
            detail = f"{bill.grade.name} billed, {due.grade.name} by its records"
            self.result.found("grade_overstated", transaction, "bill grade", detail)

    def _compare_posting(self, transaction: Transaction, due: Due, bill: Bill, posting: Posting | None) -> None:
        """Hold the charge in the ledger against what is due: what the customer paid, and each tax."""
        expected = minor(due.total.after_tax or due.total.before_tax, due.currency)
        total, stands = self.result.sum_of(due.currency), bill.state is BillState.BILLED
        total.sessions += 1
        total.due += expected if stands else 0
        if posting is None:
            if expected:
                detail = f"{expected} minor units are due"
                self.result.found("posting_missing", transaction, bill.posting, detail)
            return
        payer = chart.customer(due.account)
        paid = sum(t.amount for t in posting.transfers if t.debit == payer)
        total.posted += paid if stands else 0
        if (posting.currency, paid) != (due.currency, expected):
            detail = f"{paid} {posting.currency} posted, {expected} {due.currency} due"
            self.result.found("posting_differs", transaction, posting.key, detail)
        for part in due.taxes:
            self._compare_tax(transaction, due, posting, part.percent)
        if transaction.ended not in posting.refs or posting.subject != transaction.id:
            self.result.found("posting_differs", transaction, posting.key, "it refers to another session")
        if not stands and REVERSAL_KEY + posting.key not in self.books.postings:
            self.result.found("reversal_missing", transaction, posting.key)

    def _compare_tax(self, transaction: Transaction, due: Due, posting: Posting, percent: Decimal | None) -> None:
        account = chart.tax(due.tariff.country_code, rate_text(percent))
        posted = sum(t.amount for t in posting.transfers if t.credit == account)
        expected = sum(minor(part.tax, due.currency) for part in due.taxes if part.percent == percent)
        if posted != expected:
            self.result.found("tax_differs", transaction, account, f"{posted} posted, {expected} due")

    def tell_strays(self) -> None:
        """Tell of charges in the ledger that no session of the journal explains."""
        for key, posting in self.books.postings.items():
            known = self.replayed.transactions.get(posting.subject or "")
            if known is None:
                of_period = self.period.from_ms <= posting.at_ms < self.period.to_ms
            else:
                of_period = self.period.has(known)
            if not of_period or key in self.books.claimed:
                continue
            self.result.found("posting_without_session", known, key, f"session {posting.subject}")
            paid = sum(t.amount for t in posting.transfers if t.debit.startswith(chart.customer("")))
            self.result.sum_of(posting.currency).posted += paid

    async def tell_balances(self) -> None:
        """Tell of currencies whose accounts do not add up to zero."""
        sums: dict[str, int] = {}
        after = ""
        while page := await self.world.journal.balances(self.world.tenant, after=after, limit=PAGE):
            for balance in page:
                sums[balance.currency] = sums.get(balance.currency, 0) + balance.debits - balance.credits
            after = page[-1].place
        for currency, total in sums.items():
            if total:
                self.result.found("ledger_unbalanced", None, currency, f"{total} minor units")


def _of_charge(posting: Posting) -> bool:
    if posting.kind is PostingKind.REVERSAL:
        return posting.key.startswith(REVERSAL_KEY + KEY)
    return posting.kind is PostingKind.CHARGE


def _told(transaction: Transaction) -> Iterator[Finding]:
    """Yield each code that the session's records speak against it with, once."""
    seen: set[str] = set()
    for note in (*transaction.alarms, *transaction.findings):
        told = is_alarm(note) or note.code in SAID or quarantine_reasons([note])
        if told and note.code not in seen:
            seen.add(note.code)
            yield note
