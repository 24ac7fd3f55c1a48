"""Postings in records: what is written is read back, numbers of kinds never change, and what is none is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.model.ledger import Posting, PostingKind, Transfer
from wattseal.seal import dcbor
from wattseal.seal.dcbor import CborError
from wattseal.seal.posting import posting_fields, read_posting

accounts = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=20)
transfers = st.builds(Transfer, accounts, accounts, st.integers(1, 10**15)).filter(lambda t: t.debit != t.credit)
hashes = st.binary(min_size=32, max_size=32)
GOOD: dict[int, Any] = {1: "k", 2: 4, 3: "EUR", 4: 1, 5: [["customer/a", "revenue/charging", 10]], 6: "why"}


@given(
    key=st.text(max_size=40),
    kind=st.sampled_from(PostingKind),
    at_ms=st.integers(0, 2**53 - 1),
    moved=st.lists(transfers, min_size=1, max_size=5),
    refs=st.lists(hashes, max_size=3),
    subject=st.none() | st.binary(min_size=16, max_size=16),
)
def test_a_posting_is_read_back_as_it_was_written(
    *, key: str, kind: PostingKind, at_ms: int, moved: list[Transfer], refs: list[bytes], subject: bytes | None
) -> None:
    posting = Posting(
        key=key,
        kind=kind,
        currency="EUR",
        at_ms=at_ms,
        transfers=tuple(moved),
        subject=None if subject is None else subject.hex(),
        refs=tuple(ref.hex() for ref in refs),
        record="ab" * 32,
    )
    fields = dcbor.decode(dcbor.encode(posting_fields(posting)), 10_000)
    assert read_posting(fields, subject, tuple(refs), bytes.fromhex("ab" * 32)) == posting


def test_the_numbers_of_kinds_are_those_of_the_specification() -> None:
    kinds = [read_posting(GOOD | {2: number}).kind.value for number in range(12)]
    assert kinds == [
        "opening", "top_up", "hold", "release", "charge", "reversal", "payment", "refund", "fee", "payout", "rounding",
        "write_off",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {1: 7},
        {2: 12},
        {2: -1},
        {3: b"EUR"},
        {4: "now"},
        {5: "all"},
        {5: [["a/b", "c/d"]]},
        {5: [["a/b", "c/d", 0]]},
        {5: [["a/b", "c/d", -1]]},
        {5: [["a/b", "a/b", 1]]},
        {5: [["a/b", 1, 1]]},
        {6: 1},
    ],
)
def test_what_is_no_posting_is_refused(change: dict[int, Any]) -> None:
    read_posting(GOOD)
    with pytest.raises(CborError):
        read_posting(GOOD | change)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_a_posting_lacks_nothing(number: int) -> None:
    with pytest.raises(CborError):
        read_posting({name: value for name, value in GOOD.items() if name != number})
