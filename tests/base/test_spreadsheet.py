"""Cells of CSV: text that a spreadsheet would work out stays text, numbers stay numbers, all is read back."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattseal.base.spreadsheet import cell, row

ATTACKS = (
    '=HYPERLINK("http://evil.example","pay here")',
    "+1+1",
    "-2+3",
    "@SUM(1,2)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1+1",
    "\uff1d1+1",
    "=cmd|' /C calc'!A0",
)


@pytest.mark.parametrize("text", ATTACKS)
def test_a_formula_becomes_text(text: str) -> None:
    (read,) = next(csv.reader(io.StringIO(row([text]), newline="")))
    assert read == f"'{text}"


@pytest.mark.parametrize("value", [Decimal("-12.50"), Decimal("1E+3"), -7, 0])
def test_a_number_stays_one(value: Decimal | int) -> None:
    assert Decimal(cell(value)) == value
    assert not cell(value).startswith("'")


def test_nothing_is_an_empty_cell() -> None:
    assert row([None, "", "a;b", 'say "so"']) == ',,"a;b","say ""so"""\r\n'


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1))
def test_whatever_is_written_is_read_back_and_none_of_it_is_a_formula(texts: list[str]) -> None:
    (read,) = csv.reader(io.StringIO(row([*texts, "end"]), newline=""))
    for text, shown in zip(texts, read, strict=False):
        assert shown in {text, f"'{text}"}
        assert shown.strip()[:1] not in {"=", "+", "-", "@"}
