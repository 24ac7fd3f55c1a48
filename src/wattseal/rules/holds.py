"""Holds on an account: placed before the relay closes, captured or released once. Every move keeps the sums."""

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from wattseal.base.errors import StoreError
from wattseal.model.provider import ZERO, Account, Customer, Hold, HoldState


def place(account: Account, wanted: Decimal, least: Decimal) -> tuple[Account, Hold] | None:
    """Hold `wanted`, or what is available if that is at least `least`; None where there is not even that."""
    amount = min(wanted, account.available)
    if amount < least or amount <= 0:
        return None
    return replace(account, held=account.held + amount), Hold(amount, account.currency)


def extend(account: Account, hold: Hold, wanted: Decimal) -> tuple[Account, Hold]:
    """Hold `wanted` more, or what is available; nothing more where nothing is, or the hold is not open."""
    amount = min(wanted, account.available)
    if amount <= 0 or hold.state is not HoldState.OPEN:
        return account, hold
    return replace(account, held=account.held + amount), replace(hold, amount=hold.amount + amount)


def capture(account: Account, hold: Hold, cost: Decimal) -> tuple[Account, Hold]:
    """Book what the charge cost and give the rest back.

    A hold released before is captured all the same, for the energy was delivered; a captured one stays as it is.
    """
    if hold.state is HoldState.CAPTURED:
        return account, hold
    held = account.held - (hold.amount if hold.state is HoldState.OPEN else ZERO)
    booked = replace(account, held=held, captured=account.captured + cost)
    return booked, replace(hold, state=HoldState.CAPTURED, captured=cost)


def release(account: Account, hold: Hold) -> tuple[Account, Hold]:
    """Give an open hold back; any other stays as it is."""
    if hold.state is not HoldState.OPEN:
        return account, hold
    return replace(account, held=account.held - hold.amount), replace(hold, state=HoldState.RELEASED)


def refund(account: Account, hold: Hold) -> tuple[Account, Hold]:
    """Give back what a charge cost, which was captured; any other hold stays as it is."""
    if hold.state is not HoldState.CAPTURED:
        return account, hold
    back = replace(account, captured=account.captured - hold.captured)
    return back, replace(hold, state=HoldState.RELEASED, captured=ZERO)


def check_sums(account: Account, holds: Iterable[Hold], subject: str) -> None:
    """Compare an account with the holds of its customer; a difference is a `StoreError`."""
    held, captured = ZERO, ZERO
    for hold in holds:
        match hold.state:
            case HoldState.OPEN:
                held += hold.amount
            case HoldState.CAPTURED:
                captured += hold.captured
            case HoldState.RELEASED:
                pass
    if (held, captured) != (account.held, account.captured):
        raise StoreError(
            "account and holds do not add up; restore the last backup and take up the charges again",
            code="account_mismatch",
            subject=subject,
        )


def with_charge(customer: Customer, account: Account, subject: str) -> Customer:
    """Return the customer once money is held for a charge."""
    return replace(customer, account=account, open_charges=(*customer.open_charges, subject))


def without_charge(customer: Customer, account: Account, subject: str) -> Customer:
    """Return the customer once a charge's money is captured or released."""
    return replace(customer, account=account, open_charges=tuple(s for s in customer.open_charges if s != subject))
