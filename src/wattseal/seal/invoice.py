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
from wattseal.seal.reading import decimal_from, decimal_to_value, needed, needed_hash, needed_number, typed

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
        texts = {name: needed(fields, number, str, name) for number, name in _TEXTS.items()}
        hashes = {name: needed_hash(fields, number, name) for number, name in _HASHES.items()}
        amounts = {name: decimal_from(fields.get(number), name) for number, name in _AMOUNTS.items()}
        return InvoiceSaid(
            number=texts["number"],
            kind=_KINDS[needed_number(fields, 2, "kind", len(_KINDS))],
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
            lines=needed_number(fields, 14, "lines"),
            credits=typed(fields, 15, str, "credits"),
        )


def bills_hash(evidence: Sequence[str]) -> bytes:
    """Return the hash that binds an invoice's lines: SHA-256 of dCBOR of their bills' evidence hashes, in order."""
    return sha256(dcbor.encode([bytes.fromhex(one) for one in evidence]))
