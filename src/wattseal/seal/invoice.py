"""Group OPS of INVOICE records (docs/spec/record.md, "Fields"): that an invoice or credit note was issued, and as what.

Nobody's name is in it: the account is a pseudonym, and of XML and PDF there are only the hashes.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from wattseal.crypto.hashes import sha256
from wattseal.model.invoice import InvoiceKind
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.fields import decimal_from, decimal_to_value

_KINDS = tuple(InvoiceKind)
_TEXTS = {1: "number", 3: "date", 4: "entity", 5: "account", 6: "currency"}
_AMOUNTS = {7: "net", 8: "tax", 9: "rounding", 10: "paid"}
_HASHES = {11: "xml", 12: "pdf", 13: "bills"}


class InvoiceSaid(Struct, frozen=True, gc=False):
    """What an INVOICE record says. `on` is the date, YYYY-MM-DD; `bills` is `bills_hash` of its sessions' evidence.

    A credit note has `credits`, the number it takes back, and its record refers to that one's.
    """

    number: str
    kind: InvoiceKind
    on: str
    entity: str
    account: str
    currency: str
    net: Decimal
    tax: Decimal
    rounding: Decimal
    paid: Decimal
    xml: bytes
    pdf: bytes
    bills: bytes
    lines: int
    credits: str | None = None

    def to_fields(self) -> dict[int, Any]:
        """Return the group's fields."""
        fields: dict[int, Any] = {
            1: self.number,
            2: _KINDS.index(self.kind),
            3: self.on,
            4: self.entity,
            5: self.account,
            6: self.currency,
            7: decimal_to_value(self.net),
            8: decimal_to_value(self.tax),
            9: decimal_to_value(self.rounding),
            10: decimal_to_value(self.paid),
            11: self.xml,
            12: self.pdf,
            13: self.bills,
            14: self.lines,
        }
        return fields if self.credits is None else fields | {15: self.credits}

    @staticmethod
    def read(fields: Mapping[int, Any]) -> "InvoiceSaid":
        """Read the group's fields; `CborError` names the one that is wrong."""
        texts = {name: _typed(fields, number, str, name) for number, name in _TEXTS.items()}
        hashes = {name: _typed(fields, number, bytes, name) for number, name in _HASHES.items()}
        amounts = {name: decimal_from(fields.get(number), name) for number, name in _AMOUNTS.items()}
        kind, lines = _typed(fields, 2, int, "kind"), _typed(fields, 14, int, "lines")
        if not 0 <= kind < len(_KINDS) or any(len(value) != 32 for value in hashes.values()):
            raise CborError("an invoice's record has a kind, and hashes of 32 bytes", subject="invoice")
        return InvoiceSaid(
            number=texts["number"],
            kind=_KINDS[kind],
            on=texts["date"],
            entity=texts["entity"],
            account=texts["account"],
            currency=texts["currency"],
            net=amounts["net"],
            tax=amounts["tax"],
            rounding=amounts["rounding"],
            paid=amounts["paid"],
            xml=hashes["xml"],
            pdf=hashes["pdf"],
            bills=hashes["bills"],
            lines=lines,
            credits=None if 15 not in fields else _typed(fields, 15, str, "credits"),
        )


def bills_hash(evidence: Sequence[str]) -> bytes:
    """Return the hash that binds an invoice's lines: SHA-256 of dCBOR of their bills' evidence hashes, in order."""
    return sha256(dcbor.encode([bytes.fromhex(one) for one in evidence]))


def _typed(fields: Mapping[int, Any], number: int, kind: type, name: str) -> Any:
    value = fields.get(number)
    if type(value) is not kind:
        raise CborError(f"{name} of an invoice has the wrong type", subject=name)
    return value
