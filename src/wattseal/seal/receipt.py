"""Receipts: the CSMS's signed promise to log what it accepted (docs/spec/record.md, "Receipts")."""

from dataclasses import dataclass

from wattseal.crypto.keys import PublicKey, SigningKey
from wattseal.seal.dcbor import CborError
from wattseal.seal.signed import Domain, Statement, sign


@dataclass(frozen=True, slots=True)
class Receipt:
    """For the record at a place: its hash, its log entry and index; it is in a checkpoint by `ms + mmd_s`.

    No inclusion by then is proof against whoever signed the receipt.
    """

    origin: str
    stream: int
    epoch: int
    seq: int
    head: bytes
    leaf: bytes
    index: int
    ms: int
    mmd_s: int


def issue(receipt: Receipt, key: SigningKey, log_origin: str) -> Statement:
    """Sign a receipt."""
    r = receipt
    values = (r.origin, r.stream, r.epoch, r.seq, r.head, r.leaf, r.index, r.ms, r.mmd_s)
    return sign(dict(enumerate(values, start=1)), key, Domain.RECEIPT, log_origin)


def read(statement: Statement, key: PublicKey, log_origin: str) -> Receipt | None:
    """Return the receipt if `key` signed it for this log, else None; a wrong shape is a `CborError`."""
    if not statement.verify(key, Domain.RECEIPT, log_origin):
        return None
    return contents(statement)


def contents(statement: Statement) -> Receipt:
    """Return what a statement says as a receipt, unverified."""
    fields = statement.fields
    types = (str, int, int, int, bytes, bytes, int, int, int)
    if sorted(fields) != list(range(1, 10)) or any(type(fields[i + 1]) is not t for i, t in enumerate(types)):
        raise CborError("a receipt has nine fields", subject="receipt")
    return Receipt(*(fields[i] for i in range(1, 10)))
