"""The embedded test provider: payments that go through without money, kept in a file, for trying things out.

Amounts whose last two digits are these go another way: 02 is declined whatever the driver presses; 05 is captured, but
the answer is lost; 07 is told of twice; 09 is not captured (`expired_card`). Of an app's handles `trial_good` is
authorised at once and every other one declined.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import msgspec
from msgspec.structs import replace

from wattseal.base.errors import InputError
from wattseal.flow.ports import Clock, Random
from wattseal.model.payment import BalanceChange, ChangeKind
from wattseal.model.trial_money import TrialPayment, TrialState
from wattseal.stores.files import write_durably

GOOD = "trial_good"
MAX_PAYMENTS = 10_000
_DECLINED, _LOST, _TWICE, _NOT_CAPTURED = 2, 5, 7, 9
_FEE_PERCENT, _FEE_FIXED = Decimal("1.5"), 25


class _Kept(msgspec.Struct):
    payments: dict[str, TrialPayment] = {}
    changes: list[BalanceChange] = []


class TrialBank:
    """The provider's side: it knows nothing of us but what it was sent."""

    def __init__(self, path: Path, clock: Clock, random: Random) -> None:
        """Go on with what the file has; one that cannot be read is begun anew, for it holds nothing of value."""
        self._path = path
        self._clock = clock
        self._random = random
        try:
            self._kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
        except (OSError, msgspec.MsgspecError):
            self._kept = _Kept({}, [])

    def make(self, wanted: Mapping[str, object], base: str) -> TrialPayment:
        """Make a payment; the same key again is the same payment."""
        key, payment = str(wanted["key"]), str(wanted["payment"])
        known = next((p for p in self._kept.payments.values() if p.key == key), None)
        if known is not None:
            return known
        if len(self._kept.payments) >= MAX_PAYMENTS:
            raise InputError("the test provider is full; remove trial-bank.json", code="trial_bank_full")
        reference = f"trial-{self._random.bytes(10).hex()}"
        made = TrialPayment(
            reference=reference,
            payment=payment,
            key=key,
            currency=str(wanted["currency"]),
            amount=int(str(wanted["amount"])),
            return_url=str(wanted["return_url"]),
            text=str(wanted["text"]),
            url=f"{base}/pay/test/{reference}",
        )
        method = wanted.get("method")
        if method is not None:
            good = method == GOOD and made.amount % 100 != _DECLINED
            state = TrialState.AUTHORISED if good else TrialState.DECLINED
            made = replace(made, state=state, code="" if good else "card_declined")
        return self._keep(made)

    def find(self, reference: str) -> TrialPayment | None:
        """Return a payment by its reference, or by the payer's own id of it."""
        found = self._kept.payments.get(reference)
        return found or next((p for p in self._kept.payments.values() if p.payment == reference), None)

    def press(self, payment: TrialPayment, *, approve: bool) -> TrialPayment:
        """Have the driver press a button; what is not pending any more stays as it is."""
        if payment.state is not TrialState.PENDING:
            return payment
        if approve and payment.amount % 100 != _DECLINED:
            return self._keep(replace(payment, state=TrialState.AUTHORISED))
        code = "insufficient_funds" if approve else "declined_by_driver"
        return self._keep(replace(payment, state=TrialState.DECLINED, code=code))

    def capture(self, payment: TrialPayment, key: str, amount: int) -> TrialPayment | str:
        """Capture, once for each key; a text is the code of a refusal."""
        if key in payment.done:
            return payment
        if payment.state is not TrialState.AUTHORISED or not 0 < amount <= payment.amount:
            return "not_authorised"
        if payment.amount % 100 == _NOT_CAPTURED:
            return "expired_card"
        fee = int((_FEE_PERCENT * amount / 100).quantize(Decimal(1), ROUND_HALF_UP)) + _FEE_FIXED
        fee = min(fee, amount)
        self._book(ChangeKind.CAPTURE, payment, amount, fee)
        done = (*payment.done, key)
        return self._keep(replace(payment, state=TrialState.CAPTURED, captured=amount, fee=fee, done=done))

    def cancel(self, payment: TrialPayment, key: str) -> TrialPayment | str:
        """Cancel; what is captured cannot be."""
        if payment.state in {TrialState.CANCELLED, TrialState.DECLINED} or key in payment.done:
            return payment
        if payment.state is TrialState.CAPTURED:
            return "captured_already"
        return self._keep(replace(payment, state=TrialState.CANCELLED, done=(*payment.done, key)))

    def refund(self, payment: TrialPayment, key: str, amount: int) -> TrialPayment | str:
        """Refund, once for each key."""
        if key in payment.done:
            return payment
        if payment.state is not TrialState.CAPTURED or not 0 < amount <= payment.captured - payment.refunded:
            return "not_refundable"
        self._book(ChangeKind.REFUND, payment, -amount, 0)
        done = (*payment.done, key)
        return self._keep(replace(payment, refunded=payment.refunded + amount, done=done))

    def pay_out(self, currency: str) -> BalanceChange | None:
        """Pay out all there is in a currency; None where there is nothing."""
        lines = [change for change in self._kept.changes if change.currency == currency]
        due = sum(change.amount - change.fee for change in lines)
        if due <= 0:
            return None
        change = BalanceChange(self._id(), ChangeKind.PAYOUT, currency, -due, 0, self._now_ms())
        self._kept.changes.append(change)
        self._save()
        return change

    def balance(self, from_ms: int, to_ms: int) -> tuple[BalanceChange, ...]:
        """Return the lines of a time."""
        return tuple(change for change in self._kept.changes if from_ms <= change.at_ms < to_ms)

    def loses_answer(self, payment: TrialPayment) -> bool:
        """Return whether what was done for this payment is not to be answered."""
        return payment.amount % 100 == _LOST

    def times_told(self, payment: TrialPayment) -> int:
        """Return how often each webhook about it is sent."""
        return 2 if payment.amount % 100 == _TWICE else 1

    def _book(self, kind: ChangeKind, payment: TrialPayment, amount: int, fee: int) -> None:
        change = BalanceChange(self._id(), kind, payment.currency, amount, fee, self._now_ms(), payment.reference)
        self._kept.changes.append(change)

    def _keep(self, payment: TrialPayment) -> TrialPayment:
        self._kept.payments[payment.reference] = payment
        self._save()
        return payment

    def _save(self) -> None:
        write_durably(self._path, msgspec.json.encode(self._kept))

    def _id(self) -> str:
        return f"line-{self._random.bytes(8).hex()}"

    def _now_ms(self) -> int:
        return int(self._clock.now().timestamp() * 1000)
