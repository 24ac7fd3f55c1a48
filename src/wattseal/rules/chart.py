"""The chart of accounts: what the names of ledger accounts mean, and on which side each grows.

A name is a class and what it is about, parted by slashes: `customer/3f…`, `tax/DE/19`. Money that a customer has with
us is on the credit side of `customer/…`; below zero he owes it. `held/…` is set aside for charges under way.
"""

from enum import StrEnum

from wattseal.base.errors import InputError


class Side(StrEnum):
    """The side on which an account grows."""

    DEBIT = "debit"
    CREDIT = "credit"


SIDES = {
    "customer": Side.CREDIT,
    "held": Side.CREDIT,
    "revenue": Side.CREDIT,
    "tax": Side.CREDIT,
    "payable": Side.CREDIT,
    "equity": Side.CREDIT,
    "bank": Side.DEBIT,
    "provider": Side.DEBIT,
    "receivable": Side.DEBIT,
    "expense": Side.DEBIT,
}
"""Classes of accounts."""
BANK = "bank/main"
CHARGING = "revenue/charging"
OPENING = "equity/opening"
ROUNDING = "expense/rounding"
WRITE_OFF = "expense/write-off"


def side_of(account: str) -> Side:
    """Return the side on which an account grows; `InputError` where there is no such class."""
    side = SIDES.get(account.partition("/")[0])
    if side is None or account.endswith("/") or "/" not in account:
        raise InputError(f"there is no account {account[:80]!r}", code="no_such_account", subject="account")
    return side


def customer(account_id: str) -> str:
    """Return what a customer has with us; below zero he owes it."""
    return f"customer/{account_id}"


def held(account_id: str) -> str:
    """Return what is set aside of a customer's money for charges under way."""
    return f"held/{account_id}"


def tax(country: str, percent: str) -> str:
    """Return the tax owed at one rate, e.g. `tax/DE/19`."""
    return f"tax/{country}/{percent}"


def host_share(host: str) -> str:
    """Return what is owed to the host of a site."""
    return f"payable/host/{host}"


def party_share(party: str) -> str:
    """Return what is owed to an eMSP as its share."""
    return f"payable/party/{party}"


def refunding(account_id: str) -> str:
    """Return what is on its way back to a customer, and not his to charge with any more."""
    return f"payable/refunds/{account_id}"


def provider(name: str) -> str:
    """Return the money that a payment provider has taken for us and not yet paid out."""
    return f"provider/{name}"


def authorised(name: str) -> str:
    """Return what drivers' banks have set aside for us with a payment provider, and is not taken yet."""
    return f"receivable/authorised/{name}"


def provider_fees(name: str) -> str:
    """Return what a payment provider has kept for its work."""
    return f"expense/fees/{name}"
