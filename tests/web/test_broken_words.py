"""What a broken session shows is told beside what was signed, as quantities people know."""

from decimal import Decimal

from wattseal.model.verdict import Finding
from wattseal.serve.web.broken_words import difference


def test_a_changed_register_is_told_with_what_was_signed() -> None:
    found = difference(
        Finding(
            "projection_differs", field="transaction 58c5 field end_wh", detail="stored 8793, by its records 10187.5"
        )
    )
    assert found is not None
    assert (found.what, found.shown_wh, found.signed_wh) == ("register at the end", Decimal(8793), Decimal("10187.5"))


def test_what_is_no_energy_is_told_in_the_words_of_the_finding() -> None:
    assert (
        difference(
            Finding("projection_differs", field="transaction 58c5 field party", detail="stored A, by its records B")
        )
        is None
    )
    assert (
        difference(
            Finding("projection_differs", field="transaction 58c5 field end_wh", detail="stored None, by its records 1")
        )
        is None
    )
    assert difference(Finding("chain_broken", field="transaction 58c5", detail="stored 1, by its records 2")) is None
