"""Prepaid accounts: money goes on them by a payment, and what is left goes back by the payments it came by."""

from decimal import Decimal, InvalidOperation

from wattseal.base.errors import InputError
from wattseal.flow.documents import read
from wattseal.flow.money.accounts import account_of
from wattseal.flow.money.payments import PAYMENT_OF_ACCOUNT, PaymentId, Wanted, begin, payment_of, refund
from wattseal.flow.world import World
from wattseal.model.account import Account, AccountKind, AccountStatus
from wattseal.model.payment import Payment, PaymentState, Purpose
from wattseal.rules import chart
from wattseal.rules.charge_posting import minor

MAX_REFUNDS = 100
"""Payments that one request gives back from."""


class WalletError(InputError):
    """Money that cannot go onto an account, or back from it; the code says why."""


async def top_up(world: World, account_id: str, amount: str, method: str | None = None) -> Payment:
    """Begin a payment onto a prepaid account: `no_such_account`, `not_prepaid`, `account_closed`, `bad_amount`."""
    account = await _prepaid(world, account_id)
    if account.status is AccountStatus.CLOSED:
        raise WalletError("this account is closed", code="account_closed", subject="id")
    wanted = _minor(amount, account.currency)
    return await begin(world, Wanted(Purpose.TOP_UP, account.id, account.currency, wanted, None, method))


async def give_back(world: World, account_id: str, amount: str | None = None) -> tuple[Payment, ...]:
    """Refund what is left on an account, or `amount` of it, by its payments, the latest first.

    What is held for charges is not left. `not_refundable`: there is not so much, or it did not come by payments.
    """
    account = await _prepaid(world, account_id)
    name = chart.customer(account.id)
    await world.books.ready(account.currency, (name,))
    left = world.books.balance(name, account.currency)
    due = left if amount is None else _minor(amount, account.currency)
    if not 0 < due <= left:
        raise WalletError("there is not so much left on this account", code="not_refundable", subject="amount")
    parts: list[tuple[Payment, int]] = []
    for payment in await _captured(world, account.id):
        part = min(due - sum(given for _, given in parts), payment.captured - payment.refunded)
        if part > 0:
            parts.append((payment, part))
    if sum(part for _, part in parts) < due:
        text = "so much did not come by payments that can be given back; pay it out otherwise"
        raise WalletError(text, code="not_refundable", subject="amount")
    return tuple([await refund(world, payment.id, part) for payment, part in parts])


async def _captured(world: World, account_id: str) -> list[Payment]:
    after, found = f"{account_id}/", []
    documents = await world.journal.documents(world.tenant, PAYMENT_OF_ACCOUNT, after=after, limit=MAX_REFUNDS)
    for document in documents:
        if not document.key.startswith(after):
            break
        payment = await payment_of(world, read(document, PaymentId).id)
        if payment is not None and payment.state is PaymentState.CAPTURED and payment.open_refund is None:
            found.append(payment)
    return found[::-1]


async def _prepaid(world: World, account_id: str) -> Account:
    account = await account_of(world, account_id)
    if account is None:
        raise WalletError("there is no such account", code="no_such_account", subject="id")
    if account.kind is not AccountKind.PREPAID:
        raise WalletError("money is paid onto prepaid accounts only", code="not_prepaid", subject="id")
    return account


def _minor(amount: str, currency: str) -> int:
    try:
        found = minor(Decimal(amount), currency)
    except InvalidOperation as error:
        raise WalletError("an amount is a decimal number", code="bad_amount", subject="amount") from error
    if found <= 0:
        raise WalletError("an amount is more than 0", code="bad_amount", subject="amount")
    return found
